//! Tools stay within the scope of the policy that decided.

use serde_json::json;

use crate::fixture::Place;

const SCOPED: &str = "
tools:
  read_file: { mode: allow, file_scope: { allowed_paths: ['docs/**', 'links/**'], denied_paths: ['docs/private/**', '.env*'] } }
  write_file: { mode: allow, file_scope: { allowed_paths: ['docs/**'], denied_paths: ['docs/private/**'] } }
  edit_file: { mode: allow, file_scope: { allowed_paths: ['docs/**'], denied_paths: ['docs/private/**'] } }
  glob: { mode: allow, file_scope: { denied_paths: ['docs/private/**', '.env*', 'big/denied*'] } }
  grep: { mode: allow, file_scope: { allowed_paths: ['docs/**', 'src/*.rs'], denied_paths: ['docs/private/**'] } }
";

fn place() -> Place {
    let place = Place::new(SCOPED);
    for name in [
        "docs/a.md",
        "docs/private/key",
        "src/a.rs",
        "src/b/c.rs",
        "other",
        ".env",
    ] {
        place.put(name, "needle");
    }
    place.link("../docs/private/key", "links/key");
    place.link("../docs", "links/docs");
    place.link("../other", "links/other");
    place.link("../docs/a.md", "links/a");
    place.link("private", "docs/open");
    place
}

#[test]
fn a_link_is_read_only_if_both_names_are_covered() {
    let place = place();
    assert_eq!(place.read("docs/a.md").unwrap()["content"], "needle");
    assert_eq!(place.read("links/a").unwrap()["file_path"], "docs/a.md");
    assert_eq!(
        place.read("links/docs/a.md").unwrap()["file_path"],
        "docs/a.md"
    );
    for path in [
        "links/key",
        "links/docs/private/key",
        "links/other",
        "docs/open/key",
    ] {
        assert!(
            place.permits("read_file", &json!({ "file_path": path })),
            "{path}"
        );
        let error = place.read(path).unwrap_err();
        assert_eq!(error.kind, "not_covered", "{path}");
        // It is not said where the link leads.
        assert!(
            path.contains("private/key") || !error.message.contains("private/key"),
            "{}",
            error.message
        );
    }
    for path in [
        "docs/private/key",
        ".env",
        "other",
        "docs/x/../private/key",
        "/etc/passwd",
    ] {
        assert!(
            !place.permits("read_file", &json!({ "file_path": path })),
            "{path}"
        );
    }
}

#[test]
fn a_link_is_no_way_to_write() {
    let place = place();
    for path in ["docs/open/key", "docs/open/new"] {
        let arguments = json!({ "file_path": path, "content": "x" });
        assert!(place.permits("write_file", &arguments), "{path}");
        assert_eq!(place.fails("write_file", arguments), "link", "{path}");
        assert_eq!(place.edit(path, "needle", "x").unwrap_err().kind, "link");
    }
    assert_eq!(place.text("docs/private/key"), "needle");
    place.write("docs/new/b.md", "x").unwrap();
}

#[test]
fn searches_leave_out_what_is_not_covered_and_do_not_count_it() {
    let place = place();
    assert_eq!(
        place.glob("**/*"),
        ["docs/a.md", "other", "src/a.rs", "src/b/c.rs"]
    );
    assert!(place.glob(".env*").is_empty());
    assert!(place.glob("docs/private/*").is_empty());
    let answer = place.answer(
        "grep",
        json!({ "pattern": "needle", "output_mode": "content" }),
    );
    assert_eq!(answer["filenames"], json!(["docs/a.md", "src/a.rs"]));
    assert_eq!(
        (&answer["num_files"], &answer["num_matches"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(answer["content"], "docs/a.md:1:needle\nsrc/a.rs:1:needle");
    assert_eq!(answer["truncated"], false);
    // A start that is a link, and one that is a file.
    let through = json!({ "pattern": "needle", "path": "docs/open" });
    assert!(place.permits("grep", &through));
    assert_eq!(place.answer("grep", through)["num_files"], 0);
    for number in 0..300 {
        place.put(format!("big/denied{number}"), "needle");
    }
    // What is left out does not count against the limit, and does not tell that there is more.
    let answer = place.answer("glob", json!({ "pattern": "**/*", "limit": 4 }));
    assert_eq!(
        (&answer["num_files"], &answer["truncated"]),
        (&json!(4), &json!(false))
    );
}
