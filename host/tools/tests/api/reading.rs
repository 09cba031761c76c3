//! `read_file`.

use std::fs::File;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use serde_json::json;

use crate::fixture::{Place, as_no_superuser};

#[test]
fn a_file_is_read_as_it_is() {
    let place = Place::open();
    for (name, content, lines) in [
        ("a.txt", "one\ntwo\n", 2),
        ("src/b.txt", "no end", 1),
        ("crlf", "a\r\nb\r\n", 2),
        ("empty", "", 0),
        ("mark", "\u{feff}x", 1),
        ("größe/日本.txt", "ü\n", 1),
        ("new\nline \u{1b}[31m", "x", 1),
    ] {
        place.put(name, content);
        let answer = place.read(name).unwrap();
        let expected =
            json!({ "ok": true, "file_path": name, "content": content, "num_lines": lines });
        assert_eq!(answer, expected);
    }
    // In the form that the policy decides about, too.
    assert_eq!(
        place.read("./src//b.txt").unwrap()["file_path"],
        "src/b.txt"
    );
    let absolute = place.path("a.txt").display().to_string();
    assert_eq!(place.read(&absolute).unwrap()["file_path"], "a.txt");
}

#[test]
fn parts_of_files_are_read() {
    let place = Place::open();
    let lines: String = (1..=100_000).map(|line| format!("line {line}\n")).collect();
    place.put("long", &lines);
    let part = |offset, limit| {
        place.answer(
            "read_file",
            json!({ "file_path": "long", "offset": offset, "limit": limit }),
        )
    };
    let answer = part(99_999, Some(1));
    assert_eq!(answer["content"], "line 99999\n");
    assert_eq!(answer["start_line"], 99_999);
    assert_eq!(answer["num_lines"], 1);
    assert_eq!(answer["has_more"], true);
    let answer = part(99_999, None);
    assert_eq!(answer["content"], "line 99999\nline 100000\n");
    assert_eq!(answer["has_more"], false);
    assert_eq!(part(1, Some(2))["content"], "line 1\nline 2\n");
    assert_eq!(part(200_000, Some(2))["content"], "");

    let error = place.read("long").unwrap_err();
    assert_eq!(error.kind, "too_large");
    assert!(error.message.contains("1088895 bytes"), "{}", error.message);
    let all = json!({ "file_path": "long", "offset": 1 });
    assert_eq!(place.fails("read_file", all), "too_large");
}

#[test]
fn what_is_not_text_is_said() {
    let place = Place::open();
    place.put("binary", b"\x7fELF\0\0");
    place.put("latin", b"gr\xf6\xdfe");
    place.put("folder/x", "");
    assert_eq!(place.read("binary").unwrap_err().kind, "binary");
    let error = place.read("latin").unwrap_err();
    assert_eq!(error.kind, "not_utf8");
    assert!(error.message.contains("at 2 "), "{}", error.message);
    for (path, kind) in [
        ("none", "not_found"),
        ("folder/none", "not_found"),
        ("none/none", "not_found"),
        ("folder", "is_directory"),
        (".", "is_directory"),
        ("latin/x", "not_a_directory"),
        ("../outside/secret.txt", "invalid_path"),
        ("folder/../latin", "invalid_path"),
        ("~/x", "invalid_path"),
        ("/etc/passwd", "outside"),
        ("/", "outside"),
        ("a\0b", "invalid_path"),
    ] {
        assert_eq!(place.read(path).unwrap_err().kind, kind, "{path}");
    }
    let long = "n".repeat(300);
    assert_eq!(place.read(&long).unwrap_err().kind, "invalid_path");
    let above = place.above().join("outside/secret.txt");
    let error = place.read(&above.display().to_string()).unwrap_err();
    assert_eq!(error.kind, "outside");
}

#[test]
fn a_huge_file_costs_nothing() {
    let place = Place::open();
    let file = File::create(place.path("huge")).unwrap();
    file.set_len(1 << 40).unwrap();
    let begin = Instant::now();
    assert_eq!(place.read("huge").unwrap_err().kind, "too_large");
    let part = json!({ "file_path": "huge", "offset": 2, "limit": 1 });
    assert_eq!(place.fails("read_file", part), "binary");
    let part = json!({ "file_path": "huge", "limit": 1 });
    assert_eq!(place.fails("read_file", part), "too_large");
    assert!(place.grep("x").is_empty());
    assert_eq!(place.edit("huge", "a", "b").unwrap_err().kind, "too_large");
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}

#[test]
fn links_are_followed_inside() {
    let place = Place::open();
    place.put("docs/real.txt", "real\n");
    place.link("docs", "folder");
    place.link("real.txt", "docs/beside");
    place.link("../docs/./beside", "x/chain");
    place.link(place.path("docs/real.txt"), "absolute");
    for path in [
        "folder/real.txt",
        "docs/beside",
        "x/chain",
        "absolute",
        "folder/beside",
    ] {
        let answer = place.read(path).unwrap();
        assert_eq!(answer["content"], "real\n", "{path}");
        // What is said is what was read.
        assert_eq!(answer["file_path"], "docs/real.txt", "{path}");
    }
    place.link("../../outside/secret.txt", "x/out");
    place.link(place.outside(""), "x/folder");
    place.link("loop", "loop");
    place.link("b", "a");
    place.link("a", "b");
    place.link("none", "dangling");
    place.link("/proc/self/root/etc/passwd", "magic");
    place.link("/proc/self/cwd", "cwd");
    for (path, kind) in [
        ("x/out", "outside"),
        ("x/folder/secret.txt", "outside"),
        ("loop", "link"),
        ("a/x", "link"),
        ("dangling", "not_found"),
        ("magic", "outside"),
        ("cwd/Cargo.toml", "outside"),
    ] {
        assert_eq!(place.read(path).unwrap_err().kind, kind, "{path}");
    }
}

#[test]
fn what_the_system_forbids_is_said() {
    as_no_superuser("reading::what_the_system_forbids_is_said", || {
        let place = Place::open();
        place.put("closed", "x");
        fs::set_permissions(place.path("closed"), Permissions::from_mode(0o000)).unwrap();
        assert_eq!(place.read("closed").unwrap_err().kind, "permission_denied");
    });
}
