//! `grep`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fixture::{Place, as_no_superuser};

#[test]
fn the_answers_have_the_members_of_the_python_system() {
    let place = Place::open();
    place.put("a.txt", "one needle\ntwo\nthree needle needle\n");
    place.put("b/c.txt", "Needle\r\nneedle\r\n");
    place.put("none.txt", "nothing");
    let expected = json!({
        "ok": true,
        "pattern": "needle",
        "mode": "files_with_matches",
        "num_files": 2,
        "num_matches": 3,
        "filenames": ["a.txt", "b/c.txt"],
        "truncated": false,
    });
    assert_eq!(
        place.answer("grep", json!({ "pattern": "needle" })),
        expected
    );
    let answer = place.answer(
        "grep",
        json!({ "pattern": "needle", "output_mode": "content" }),
    );
    assert_eq!(
        answer["content"],
        "a.txt:1:one needle\na.txt:3:three needle needle\nb/c.txt:2:needle"
    );
    let answer = place.answer(
        "grep",
        json!({ "pattern": "needle$", "output_mode": "count", "case_insensitive": true, "path": "b" }),
    );
    assert_eq!(
        (&answer["count"], &answer["num_matches"]),
        (&json!(2), &json!(2))
    );
    let answer = place.answer(
        "grep",
        json!({ "pattern": "needle", "output_mode": "content", "head_limit": 1 }),
    );
    assert_eq!(answer["content"], "a.txt:1:one needle");
    assert_eq!(
        (&answer["num_files"], &answer["num_matches"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(answer["filenames"], json!(["a.txt"]));
    assert_eq!(answer["truncated"], true);
    // One file.
    let answer = place.answer("grep", json!({ "pattern": "needle", "path": "b/c.txt" }));
    assert_eq!(answer["filenames"], json!(["b/c.txt"]));
}

#[test]
fn a_filter_is_that_of_ripgrep() {
    let place = Place::open();
    for name in [
        "a.rs",
        "src/b.rs",
        "src/c.py",
        "docs/d.md",
        "target/e.rs",
        ".hidden/f.rs",
        "src/.g.rs",
    ] {
        place.put(name, "needle");
    }
    place.put(".gitignore", "target\n");
    for (glob, expected) in [
        ("*.rs", vec!["a.rs", "src/.g.rs", "src/b.rs"]),
        ("src/*.rs", vec!["src/.g.rs", "src/b.rs"]),
        ("!*.rs", vec!["docs/d.md", "src/c.py"]),
        ("src/**", vec!["src/.g.rs", "src/b.rs", "src/c.py"]),
        ("*.{py,md}", vec!["docs/d.md", "src/c.py"]),
        ("none", vec![]),
    ] {
        let answer = place.answer("grep", json!({ "pattern": "needle", "glob": glob }));
        assert_eq!(crate::fixture::names(&answer), expected, "{glob}");
    }
    let answer = place.answer(
        "grep",
        json!({ "pattern": "needle", "glob": "*.rs", "path": "src" }),
    );
    assert_eq!(answer["filenames"], json!(["src/.g.rs", "src/b.rs"]));
}

#[test]
fn bad_patterns_and_paths_are_said() {
    let place = Place::open();
    place.put("a", "x");
    let long = "x".repeat(2000);
    for (arguments, kind) in [
        (json!({ "pattern": "(" }), "invalid_pattern"),
        (json!({ "pattern": "" }), "invalid_pattern"),
        (json!({ "pattern": long }), "invalid_pattern"),
        (json!({ "pattern": "a\nb" }), "invalid_pattern"),
        (
            json!({ "pattern": "((a{500}){500}){500}" }),
            "invalid_pattern",
        ),
        (
            json!({ "pattern": "(".repeat(500) + "a" + &")".repeat(500) }),
            "invalid_pattern",
        ),
        (json!({ "pattern": "x", "glob": "{" }), "invalid_pattern"),
        (json!({ "pattern": "x", "path": "none" }), "not_found"),
        (json!({ "pattern": "x", "path": "a/b" }), "not_a_directory"),
        (json!({ "pattern": "x", "path": "/etc" }), "outside"),
        (
            json!({ "pattern": "x", "output_mode": "other" }),
            "invalid_arguments",
        ),
    ] {
        assert_eq!(place.fails("grep", arguments.clone()), kind, "{arguments}");
    }
}

#[test]
fn patterns_that_take_other_engines_for_ever_take_no_time() {
    let place = Place::open();
    place.put("a", "a".repeat(200_000));
    let begin = Instant::now();
    for pattern in ["(a+)+$x", "(a|aa)+b", "(.*)*=x"] {
        assert!(place.grep(pattern).is_empty(), "{pattern}");
    }
    assert!(
        begin.elapsed() < Duration::from_secs(30),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn long_lines_are_cut_and_binary_files_left_out() {
    let place = Place::open();
    place.put(
        "long",
        "ü".repeat(1_000_000) + "needle" + &"x".repeat(1_000_000),
    );
    place.put("binary", "needle\n".repeat(20_000) + "\0");
    place.put(
        "wide",
        [
            b"\xff\xfe".as_slice(),
            &"needle"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>(),
        ]
        .concat(),
    );
    place.put("latin", b"gr\xf6\xdfe needle\n");
    place.put("endless", "x".repeat(40 << 20) + "needle");
    let answer = place.answer(
        "grep",
        json!({ "pattern": "needle", "output_mode": "content" }),
    );
    assert_eq!(answer["filenames"], json!(["latin", "long", "wide"]));
    let content = answer["content"].as_str().unwrap();
    let lines: Vec<&str> = content.lines().collect();
    assert_eq!(lines[0], "latin:1:gr\u{fffd}\u{fffd}e needle");
    assert_eq!(lines[1], format!("long:1:{}…", "ü".repeat(500)));
    // The line did not fit into the memory that a search has.
    assert_eq!(answer["num_unsearched"], 1);
}

#[test]
fn what_may_not_be_read_is_counted() {
    as_no_superuser("grepping::what_may_not_be_read_is_counted", || {
        let place = Place::open();
        place.put("closed", "needle");
        place.put("folder/a", "needle");
        place.put("b", "needle");
        fs::set_permissions(place.path("closed"), Permissions::from_mode(0o000)).unwrap();
        let answer = place.answer("grep", json!({ "pattern": "needle" }));
        assert_eq!(answer["filenames"], json!(["b", "folder/a"]));
        assert_eq!(answer["num_unsearched"], 1);
    });
}
