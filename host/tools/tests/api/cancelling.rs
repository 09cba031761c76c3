//! Calls that are cancelled at every step.

use std::fs;
use std::time::Duration;

use hexgate_agent::tool::Progress;
use serde_json::json;

use crate::fixture::{Place, runtime};

/// Starts a call and drops it after a while. Returns whether it was done by then.
fn cut(place: &Place, tool: &str, arguments: &serde_json::Value, after: Duration) -> bool {
    let permit = place.permit(tool, arguments).unwrap();
    let tool = place.tool(tool);
    runtime().block_on(async {
        let progress = Progress::default();
        tokio::time::timeout(after, tool.call(permit, &progress))
            .await
            .is_ok()
    })
}

/// What a call leaves running is over soon.
fn settled(place: &Place) -> Vec<String> {
    for _ in 0..1000 {
        let left = place.everything();
        if !left.iter().any(|name| name.contains(".hexgate")) {
            return left;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    place.everything()
}

#[test]
fn a_cancelled_write_leaves_the_old_file_or_the_new_one() {
    let place = Place::open();
    let (old, new) = ("old\n".repeat(200_000), "new\n".repeat(200_000));
    place.put("a", &old);
    let arguments = json!({ "file_path": "a", "content": new });
    let (mut done, mut cancelled, mut kept) = (0, 0, 0);
    for round in 0..60 {
        fs::write(place.path("a"), &old).unwrap();
        let after = Duration::from_micros(round * round * 8);
        if cut(&place, "write_file", &arguments, after) {
            done += 1;
        } else {
            cancelled += 1;
        }
        assert_eq!(settled(&place), ["a"]);
        // Work that passed its last look may still end.
        std::thread::sleep(Duration::from_millis(10));
        let text = place.text("a");
        assert!(text == old || text == new, "{} bytes", text.len());
        kept += u32::from(text == old);
    }
    assert!(cancelled > 0 && kept > 0, "{done} {cancelled} {kept}");
}

#[test]
fn a_cancelled_write_leaves_no_folders() {
    let place = Place::open();
    let content = "x".repeat(900_000);
    let arguments = json!({ "file_path": "new/a/b", "content": content });
    for round in 0..40_u64 {
        cut(
            &place,
            "write_file",
            &arguments,
            Duration::from_micros(round * 50),
        );
        let mut left = settled(&place);
        for _ in 0..200 {
            if left.is_empty() || left == ["new", "new/a", "new/a/b"] {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
            left = place.everything();
        }
        assert!(
            left.is_empty() || left == ["new", "new/a", "new/a/b"],
            "{left:?}"
        );
        let _ = fs::remove_dir_all(place.path("new"));
    }
}

#[test]
fn a_cancelled_search_ends() {
    let place = Place::open();
    let file = fs::File::create(place.path("lines")).unwrap();
    let text = "no end of lines that do not match\n".repeat(30_000);
    for _ in 0..64 {
        std::io::Write::write_all(&mut &file, text.as_bytes()).unwrap();
    }
    let arguments = json!({ "pattern": "(a|b)+(x|y)[0-9]{3}needle|^z.*q$" });
    let threads = || {
        fs::read_dir("/proc/self/task")
            .map(|tasks| {
                tasks
                    .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
                    .filter(|name| name.trim() == "hexgate-search")
                    .count()
            })
            .unwrap_or(0)
    };
    for _ in 0..20 {
        assert!(!cut(&place, "grep", &arguments, Duration::from_millis(1)));
    }
    for _ in 0..400 {
        if threads() == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{} threads are still searching", threads());
}
