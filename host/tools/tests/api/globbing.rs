//! `glob`.

use serde_json::json;

use crate::fixture::Place;

fn place() -> Place {
    let place = Place::open();
    for name in [
        "README.md",
        "src/main.rs",
        "src/lib/a.rs",
        "src/lib/b.py",
        "docs/x.md",
        ".github/ci.yml",
        ".env.example",
        "sub/.hidden/y.rs",
        ".git/config",
        ".git/info/exclude",
    ] {
        place.put(name, "");
    }
    place
}

#[test]
fn files_are_found_by_their_paths() {
    let place = place();
    for (pattern, expected) in [
        ("*", vec!["README.md"]),
        (
            "**/*",
            vec![
                "README.md",
                "docs/x.md",
                "src/lib/a.rs",
                "src/lib/b.py",
                "src/main.rs",
            ],
        ),
        ("**/*.rs", vec!["src/lib/a.rs", "src/main.rs"]),
        ("src/*", vec!["src/main.rs"]),
        (
            "src/**/*.{rs,py}",
            vec!["src/lib/a.rs", "src/lib/b.py", "src/main.rs"],
        ),
        ("s?c/main.rs", vec!["src/main.rs"]),
        ("*/[a-z].md", vec!["docs/x.md"]),
        ("src/main.rs", vec!["src/main.rs"]),
        ("./README.md", vec!["README.md"]),
        ("readme.md", vec![]),
        ("none/**", vec![]),
        ("src/main.rs/x", vec![]),
        // Hidden ones, if the pattern names them.
        (".github/*", vec![".github/ci.yml"]),
        (".env*", vec![".env.example"]),
        ("**/.hidden/*", vec!["sub/.hidden/y.rs"]),
        ("**/.*", vec![".env.example"]),
        (".git/*", vec![".git/config"]),
    ] {
        assert_eq!(place.glob(pattern), expected, "{pattern}");
    }
}

#[test]
fn the_answer_has_the_members_of_the_python_system() {
    let place = place();
    let answer = place.answer(
        "glob",
        json!({ "pattern": "**/*.rs", "path": "src/", "limit": 1 }),
    );
    let expected = json!({
        "ok": true,
        "pattern": "**/*.rs",
        "filenames": ["src/lib/a.rs"],
        "num_files": 1,
        "truncated": true,
        "search_root": "src",
    });
    assert_eq!(answer, expected);
    let answer = place.answer(
        "glob",
        json!({ "pattern": "lib/*.rs", "path": "src", "limit": 2 }),
    );
    assert_eq!(answer["filenames"], json!(["src/lib/a.rs"]));
    assert_eq!(answer["truncated"], false);
    let answer = place.answer("glob", json!({ "pattern": "x", "path": null }));
    assert_eq!(
        (&answer["search_root"], &answer["num_files"]),
        (&json!("."), &json!(0))
    );
    for (arguments, kind) in [
        (
            json!({ "pattern": "*", "path": "README.md" }),
            "not_a_directory",
        ),
        (json!({ "pattern": "*", "path": "none" }), "not_found"),
        (
            json!({ "pattern": "*", "path": "../outside" }),
            "invalid_path",
        ),
        (json!({ "pattern": "*", "path": "/etc" }), "outside"),
        (json!({ "pattern": "../*" }), "invalid_pattern"),
        (json!({ "pattern": "/etc/*" }), "invalid_pattern"),
        (json!({ "pattern": "[" }), "invalid_pattern"),
        (json!({ "pattern": "*", "other": 1 }), "invalid_arguments"),
    ] {
        assert_eq!(place.fails("glob", arguments.clone()), kind, "{arguments}");
    }
}

#[test]
fn ignore_rules_count_as_they_do_for_ripgrep() {
    let place = place();
    place.put(".gitignore", "*.log\n/build/\n!keep.log\n");
    place.put("src/.gitignore", "!main.log\nlib/\n[bad\n");
    place.put(".ignore", "docs\n");
    place.put(".git/info/exclude", "excluded\n");
    place.put("sub/.rgignore", "*.tmp\n");
    for name in [
        "a.log",
        "keep.log",
        "src/main.log",
        "build/x",
        "src/build/y",
        "excluded",
        "sub/a.tmp",
        "a.tmp",
        "src/lib/c.rs",
    ] {
        place.put(name, "");
    }
    let found = place.glob("**/*");
    assert_eq!(
        found,
        [
            "README.md",
            "a.tmp",
            "keep.log",
            "src/build/y",
            "src/main.log",
            "src/main.rs"
        ]
    );
    // What the call names is searched; the rules above it still count.
    let answer = place.answer("glob", json!({ "pattern": "*", "path": "src/lib" }));
    assert_eq!(answer["num_files"], 3);
    let answer = place.answer("glob", json!({ "pattern": "*", "path": "src" }));
    assert_eq!(answer["filenames"], json!(["src/main.log", "src/main.rs"]));
    // A repository within: git's rules above it do not count, the others do.
    place.put("inner/.git/HEAD", "");
    place.put("inner/b.log", "");
    place.put("inner/docs/z", "");
    let answer = place.answer("glob", json!({ "pattern": "**/*", "path": "inner" }));
    assert_eq!(answer["filenames"], json!(["inner/b.log"]));
}

#[test]
fn links_are_neither_listed_nor_entered() {
    let place = place();
    place.link(place.outside(""), "out");
    place.link(place.outside("secret.txt"), "file.rs");
    place.link("src", "inside");
    place.link(".", "loop");
    assert_eq!(place.glob("**/*.rs"), ["src/lib/a.rs", "src/main.rs"]);
    assert!(place.glob("out/*").is_empty());
    assert!(place.glob("inside/*").is_empty());
    // A link to start in is followed, and names are those of what it leads to.
    let answer = place.answer("glob", json!({ "pattern": "*.rs", "path": "inside" }));
    assert_eq!(answer["filenames"], json!(["src/main.rs"]));
    assert_eq!(answer["search_root"], "src");
    let out = json!({ "pattern": "*", "path": "out" });
    assert_eq!(place.fails("glob", out), "outside");
}
