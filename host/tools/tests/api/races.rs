//! A hostile workspace: links are swapped while tools run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;

use crate::fixture::{OPEN, Place};

/// Exchanges two names as fast as it can while `work` runs. Returns how often it did.
fn swapping(pairs: &[(&Path, &Path)], work: impl FnOnce()) -> u64 {
    /// Stops the others also if the work panics.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (done, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for (a, b) in pairs {
            let (done, swaps) = (&done, &swaps);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    renameat_with(CWD, *a, CWD, *b, RenameFlags::EXCHANGE).unwrap();
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _stop = Stop(&done);
        work();
    });
    swaps.into_inner()
}

/// A folder and a file that are links to the outside every other moment.
fn place(policy: &str) -> Place {
    let place = Place::new(policy);
    for name in ["folder/secret.txt", "folder/inner/secret.txt", "file.txt"] {
        place.put(name, "harmless\n");
    }
    fs::create_dir(place.outside("inner")).unwrap();
    fs::write(place.outside("inner/secret.txt"), "the secret\n").unwrap();
    for number in 0..20 {
        fs::write(place.outside(&format!("name{number}.txt")), "the secret\n").unwrap();
    }
    fs::create_dir(place.above().join("swap")).unwrap();
    symlink(place.outside(""), place.above().join("swap/folder")).unwrap();
    symlink(place.outside("secret.txt"), place.above().join("swap/file")).unwrap();
    place
}

fn race(place: &Place, work: impl FnOnce()) -> u64 {
    let (folder, file) = (place.path("folder"), place.path("file.txt"));
    let swap = place.above().join("swap");
    let (other_folder, other_file) = (swap.join("folder"), swap.join("file"));
    let secrets = || {
        let mut found: Vec<(String, String)> = Vec::new();
        for folder in ["", "inner"] {
            for entry in fs::read_dir(place.outside(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let content = fs::read_to_string(&path).unwrap();
                    found.push((path.display().to_string(), content));
                }
            }
        }
        found.sort();
        found
    };
    let before = secrets();
    let swaps = swapping(&[(&folder, &other_folder), (&file, &other_file)], work);
    // Nothing outside was written, made or removed.
    assert_eq!(secrets(), before);
    swaps
}

const ROUNDS: usize = 4000;

#[test]
fn no_read_leaves_the_workspace() {
    let place = place(OPEN);
    let (mut read, mut refused) = (0, 0);
    let swaps = race(&place, || {
        for round in 0..ROUNDS {
            let path = ["folder/secret.txt", "folder/inner/secret.txt", "file.txt"][round % 3];
            match place.read(path) {
                Ok(answer) => {
                    assert_eq!(answer["content"], "harmless\n", "{path}");
                    read += 1;
                }
                Err(error) => {
                    assert!(matches!(error.kind, "outside" | "changed"), "{error:?}");
                    refused += 1;
                }
            }
        }
    });
    assert!(
        read > 100 && refused > 100 && swaps > 1000,
        "{read} {refused} {swaps}"
    );
}

#[test]
fn no_write_and_no_edit_leaves_the_workspace() {
    let place = place(OPEN);
    let (mut written, mut refused) = (0, 0);
    let swaps = race(&place, || {
        for round in 0..ROUNDS / 2 {
            let path = [
                "folder/secret.txt",
                "folder/inner/secret.txt",
                "file.txt",
                "folder/new/x",
            ][round % 4];
            let result = match round % 3 {
                0 => place.edit(path, "harmless", "harmless, once more"),
                1 => place.edit(path, "harmless, once more", "harmless"),
                _ => place.write(path, "harmless\n"),
            };
            match result {
                Ok(_) => written += 1,
                Err(error) => {
                    let expected = [
                        "link",
                        "changed",
                        "no_match",
                        "several_matches",
                        "not_found",
                    ];
                    assert!(expected.contains(&error.kind), "{error:?}");
                    refused += 1;
                }
            }
        }
    });
    assert!(
        written > 100 && refused > 100 && swaps > 1000,
        "{written} {refused} {swaps}"
    );
    assert!(!place.outside("new").exists());
    let left: Vec<String> = place.everything();
    assert!(
        !left.iter().any(|name| name.contains(".hexgate")),
        "{left:?}"
    );
}

#[test]
fn no_search_leaves_the_workspace() {
    let place = place(OPEN);
    for number in 0..30 {
        place.put(format!("folder/deep/{number}/x.txt"), "harmless\n");
    }
    let (mut whole, mut part) = (0, 0);
    let swaps = race(&place, || {
        for round in 0..ROUNDS / 2 {
            let answer = if round % 2 == 0 {
                let content = json!({ "pattern": ".", "output_mode": "content" });
                place.answer("grep", content)
            } else {
                place.answer("glob", json!({ "pattern": "**/*" }))
            };
            let said = answer.to_string();
            assert!(
                !said.contains("the secret") && !said.contains("name1"),
                "{said}"
            );
            if said.contains("folder/deep/7/x.txt") {
                whole += 1;
            } else {
                part += 1;
            }
        }
    });
    assert!(
        whole > 50 && part > 50 && swaps > 1000,
        "{whole} {part} {swaps}"
    );
}

#[test]
fn a_link_is_not_swapped_between_the_question_and_the_answer() {
    let policy = "
tools:
  read_file: { mode: allow, file_scope: { denied_paths: ['private/**'] } }
";
    let place = place(policy);
    place.put("private/secret.txt", "the secret\n");
    place.put("public/secret.txt", "harmless\n");
    place.link("public", "a");
    place.link("private", "b");
    let (mut read, mut refused) = (0, 0);
    let (a, b) = (place.path("a"), place.path("b"));
    let swaps = swapping(&[(&a, &b)], || {
        for _ in 0..ROUNDS {
            match place.read("a/secret.txt") {
                Ok(answer) => {
                    assert_eq!(answer["content"], "harmless\n");
                    assert_eq!(answer["file_path"], "public/secret.txt");
                    read += 1;
                }
                Err(error) => {
                    assert!(matches!(error.kind, "not_covered" | "changed"), "{error:?}");
                    refused += 1;
                }
            }
        }
    });
    assert!(
        read > 100 && refused > 100 && swaps > 1000,
        "{read} {refused} {swaps}"
    );
}
