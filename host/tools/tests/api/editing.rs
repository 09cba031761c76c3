//! `edit_file`.

use std::fs;
use std::thread;

use serde_json::json;

use crate::fixture::{Place, runtime};

#[test]
fn text_is_replaced_and_the_difference_told() {
    let place = Place::open();
    place.put("src/a.rs", "fn one() {}\nfn two() {}\nfn three() {}\n");
    let answer = place
        .edit("src/a.rs", "fn two() {}", "fn zwei() {}")
        .unwrap();
    let expected = json!({
        "ok": true,
        "file_path": "src/a.rs",
        "num_replacements": 1,
        "replace_all": false,
        "diff": "--- src/a.rs\n+++ src/a.rs\n@@ -1,3 +1,3 @@\n fn one() {}\n-fn two() {}\n+fn zwei() {}\n fn three() {}\n",
    });
    assert_eq!(answer, expected);
    let all = json!({
        "file_path": "src/a.rs", "old_string": "fn ", "new_string": "pub fn ", "replace_all": true,
    });
    let answer = place.answer("edit_file", all);
    assert_eq!(answer["num_replacements"], 3);
    assert_eq!(
        place.text("src/a.rs"),
        "pub fn one() {}\npub fn zwei() {}\npub fn three() {}\n"
    );
    assert_eq!(place.everything(), ["src", "src/a.rs"]);
}

#[test]
fn line_ends_and_the_end_of_the_file_stay() {
    let place = Place::open();
    place.put("crlf", "one\r\ntwo\r\nthree");
    let answer = place.edit("crlf", "one\ntwo", "1\n2\n2b").unwrap();
    assert_eq!(place.text("crlf"), "1\r\n2\r\n2b\r\nthree");
    assert!(
        answer["diff"].as_str().unwrap().contains("+2b\r\n"),
        "{answer}"
    );
    place.edit("crlf", "three", "3").unwrap();
    assert_eq!(place.text("crlf"), "1\r\n2\r\n2b\r\n3");
}

#[test]
fn what_is_not_unique_or_not_there_changes_nothing() {
    let place = Place::open();
    place.put("a", "x\ny\nx\nx\n");
    let error = place.edit("a", "x", "z").unwrap_err();
    assert_eq!(error.kind, "several_matches");
    assert!(
        error
            .message
            .contains("3 times in `a`, in the lines 1, 3, 4;"),
        "{}",
        error.message
    );
    place.put("b", "x".repeat(50));
    let error = place.edit("b", "x", "z").unwrap_err();
    assert!(
        error.message.contains("50 times") && error.message.contains(", and more;"),
        "{}",
        error.message
    );
    place.put("binary", b"x\0");
    place.put("latin", b"\xf6");
    place.put("empty", "");
    place.put("folder/x", "");
    for (path, old, new, kind) in [
        ("a", "w", "z", "no_match"),
        ("a", "X", "z", "no_match"),
        ("empty", "x", "z", "no_match"),
        ("a", "", "z", "invalid_arguments"),
        ("a", "y", "y", "no_change"),
        ("a", "y\n", "y\r\n", "no_change"),
        ("none", "y", "z", "not_found"),
        ("none/none", "y", "z", "not_found"),
        ("folder", "y", "z", "is_directory"),
        ("binary", "x", "z", "binary"),
        ("latin", "x", "z", "not_utf8"),
        ("../outside/secret.txt", "secret", "z", "invalid_path"),
    ] {
        assert_eq!(
            place.edit(path, old, new).unwrap_err().kind,
            kind,
            "{path} {old}"
        );
    }
    assert_eq!(place.text("a"), "x\ny\nx\nx\n");
    assert_eq!(place.everything().len(), 7);
}

#[test]
fn a_long_difference_is_cut() {
    let place = Place::open();
    place.put("a", "old\n".repeat(10_000));
    let all =
        json!({ "file_path": "a", "old_string": "old", "new_string": "ü", "replace_all": true });
    let answer = place.answer("edit_file", all);
    assert_eq!(answer["num_replacements"], 10_000);
    assert_eq!(answer["diff_truncated"], true);
    assert!(answer["diff"].as_str().unwrap().len() <= 16 * 1024);
    assert_eq!(place.text("a"), "ü\n".repeat(10_000));
}

#[test]
fn edits_at_once_lose_nothing() {
    let place = Place::open();
    let names: Vec<String> = (0..64).map(|number| format!("<{number}>")).collect();
    place.put("a", names.join("\n"));
    let _inside = runtime().enter();
    thread::scope(|scope| {
        for name in &names {
            let place = &place;
            scope.spawn(move || place.edit("a", name, &format!("{name} done")).unwrap());
        }
    });
    let text = place.text("a");
    for name in &names {
        assert!(text.contains(&format!("{name} done")), "{name}");
    }
}

#[test]
fn an_approver_sees_the_difference() {
    let place = Place::open();
    place.put("a", "");
    let preview = place.tool("edit_file").spec().preview.unwrap();
    let arguments = json!({
        "file_path": "a", "old_string": "x\nold\ny", "new_string": "x\nnew \u{200b}\ny", "replace_all": true,
    });
    assert_eq!(
        preview(&arguments).unwrap(),
        "--- a\n+++ a\n@@ -1,3 +1,3 @@\n x\n-old\n+new \\u{200b}\n y\n(wherever it is in the file)\n"
    );
    // From the arguments alone: the file has nothing to do with it.
    fs::remove_file(place.path("a")).unwrap();
    assert!(preview(&arguments).is_some());
}
