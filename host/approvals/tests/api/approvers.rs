//! The file that lists the approvers.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use hexgate_approvals::Approvers;
use tempfile::TempDir;

use crate::fixture::key;

fn file(text: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("approvers.json");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    (folder, path)
}

fn entry(id: &str, of: &str) -> String {
    let key = key(of).public_key().to_text();
    format!(r#"{{"id": "{id}", "keys": ["{key}"], "roles": ["finance"]}}"#)
}

fn document(entries: &str) -> String {
    format!("{{\"version\": 1, \"approvers\": [{entries}]}}\r\n")
}

#[test]
fn it_is_read() {
    let (_folder, path) = file(document(&entry("carol", "carol")));
    let approvers = Approvers::from_file(path).unwrap();
    let carol = approvers.owner(&key("carol").public_key()).unwrap();
    assert_eq!((carol.id.as_str(), &carol.users[..]), ("carol", &[][..]));
    assert!(approvers.owner(&key("dan").public_key()).is_none());
    let (_folder, path) = file(document(""));
    Approvers::from_file(path).unwrap();
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let good = entry("carol", "carol");
    for (text, by_name) in [
        (String::new(), "it is not a JSON object"),
        ("[]".to_owned(), "it is not a JSON object"),
        (
            format!("\u{feff}{}", document(&good)),
            "it is not a JSON object",
        ),
        ("{".to_owned(), "EOF while parsing"),
        (document(&good).replace('1', "2"), "version"),
        (
            document(&good).replacen("\"version\": 1", "\"version\": 2", 1),
            "version 2 is not known",
        ),
        (
            document(&good).replace("roles", "role"),
            "unknown field `role`",
        ),
        (document(&good).replace("finance", ""), "has no role"),
        (document(&good).replace("\"finance\"", ""), "has no role"),
        (document(&entry("", "carol")), "has no `id`"),
        (
            document(r#"{"id": "carol", "keys": [], "roles": ["finance"]}"#),
            "has no key",
        ),
        (
            document(r#"{"id": "carol", "keys": ["x"], "roles": ["finance"]}"#),
            "a key of the approver `carol`",
        ),
        (
            document(&format!("{good}, {}", entry("carol", "dan"))),
            "listed twice",
        ),
        (
            document(&format!("{good}, {}", entry("dan", "carol"))),
            "a key of the approver `dan` is listed twice",
        ),
        // Whoever has two entries could approve their own calls by the other.
        (
            document(&format!("{good}, {}", entry("CAROL ", "dan"))),
            "listed twice",
        ),
        (
            document(&format!(
                "{}, {}",
                entry("josé", "carol"),
                entry("JOSÉ", "dan")
            )),
            "listed twice",
        ),
        (
            document(&format!(
                "{}, {}",
                good.replace("}", r#", "users": ["Dan"]}"#),
                entry("dan", "dan")
            )),
            "`carol` is also the user `Dan`",
        ),
        // A name has one spelling.
        (
            document(&entry("jose\u{301}", "carol")),
            r"the id `jose\u{301}` of the approver `jose\u{301}` is not written in Unicode's form NFKC, in which a name has one spelling; write `jos\u{e9}`",
        ),
        (
            document(&good.replace("finance", "ﬁnance")),
            "write `finance`",
        ),
        (
            document(&good.replace("}", r#", "users": ["ｃａｒｏｌ"]}"#)),
            "write `carol`",
        ),
        (document(&entry("\u{200b}", "carol")), "has no `id`"),
        (
            document(&good.replacen("\"id\"", "\"id\": \"x\", \"id\"", 1)),
            "duplicate field `id`",
        ),
    ] {
        let (_folder, path) = file(&text);
        let error = Approvers::from_file(&path).unwrap_err().to_string();
        assert!(
            error.contains(by_name) && error.contains(&path.display().to_string()),
            "{text}: {error}"
        );
    }
}

#[test]
fn who_can_write_it_can_approve_so_nobody_else_may() {
    let (folder, path) = file(document(&entry("carol", "carol")));
    for mode in [0o662, 0o646, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Approvers::from_file(&path).unwrap_err().to_string();
        assert!(
            error.contains("make themselves approvers") && error.contains("chmod go-w"),
            "{error}"
        );
    }
    let error = Approvers::from_file(folder.path()).unwrap_err().to_string();
    assert!(error.contains("not a regular file"), "{error}");
    let error = Approvers::from_file(folder.path().join("x")).unwrap_err();
    assert!(error.to_string().contains("No such file"), "{error}");
    let (_folder, path) = file([0xff]);
    assert!(Approvers::from_file(path).is_err());
}
