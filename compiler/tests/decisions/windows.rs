//! Paths as on Windows.

use super::common::Policy;

fn policy(rest: &str) -> Policy {
    Policy::of(&format!(
        "tools: {{t: {{mode: allow, file_scope: {{argument: path, style: windows, {rest}}}}}}}"
    ))
}

fn passes(policy: &Policy, path: &str) -> bool {
    let path = path.replace('\\', "\\\\");
    policy.says("t", &format!(r#"{{"path": "{path}"}}"#)) == "allow"
}

#[test]
fn a_backslash_is_a_slash_and_a_drive_makes_a_path_absolute() {
    let policy = policy(
        "allowed_paths: ['C:/Users/**', 'src/**'], denied_paths: ['C:/Users/root/**', '*.pem']",
    );
    for (path, allowed) in [
        (r"C:\Users\a", true),
        (r"c:\Users\a", true),
        ("C:/Users/a", true),
        (r"C:\\Users\.\a", true),
        // But the drive, case counts where something is allowed.
        (r"C:\users\a", false),
        (r"D:\Users\a", false),
        (r"C:\Users\root\x", false),
        (r"C:\Users\ROOT\x", false),
        (r"C:\Users\root", false),
        (r"C:\Users\a.PEM", false),
        (r"src\a", true),
        ("src/a", true),
        (r".\src\a", true),
        (r"src\a.pem", false),
        (r"Users\a", false),
        // What is not one place.
        ("C:Users/a", false),
        ("C:", false),
        (r"\Users\a", false),
        ("/Users/a", false),
        (r"\\server\share", false),
        ("//server/share", false),
        (r"C:\Users\..\x", false),
        (r"src\a.", false),
        (r"src\a ", false),
        (r"src \a", false),
        (r"src\...\a", false),
        (r"src\a\u00a0", false),
        ("~/x", false),
        (r"C:\~x", false),
        (r"CC:\x", false),
        ("1:/x", false),
        // A stream, and a short name, where something is denied.
        (r"src\a:b", false),
        (r"src\GIT~1", false),
        (r"C:\Users\GIT~1", false),
    ] {
        let escaped = path.replace(r"\u00a0", "\u{a0}");
        assert_eq!(passes(&policy, &escaped), allowed, "{path}");
    }
    let id = policy.scope("t", r#"{"path": "src/a"}"#).unwrap();
    assert!(policy.covers(id, r"C:\Users\x"));
    assert!(!policy.covers(id, r"\\server\x"));
}

#[test]
fn a_drive_is_the_root_of_its_paths() {
    let policy = policy(
        "allowed_paths: ['C:/**'], denied_paths: ['C:/Windows/**'], except_paths: ['C:/Windows/Temp/**']",
    );
    for (path, allowed) in [
        (r"C:\a", true),
        (r"C:\Windows", false),
        (r"C:\WINDOWS\x", false),
        (r"C:\Windows\Temp\x", true),
        (r"D:\a", false),
        ("a", false),
    ] {
        assert_eq!(passes(&policy, path), allowed, "{path}");
    }
}

#[test]
fn without_the_style_drives_and_backslashes_are_refused() {
    let policy = Policy::of(
        "tools: {t: {mode: allow, file_scope: {argument: path, allowed_paths: ['**', '/**']}}}",
    );
    for (path, allowed) in [("a/b", true), (r"a\b", false), ("C:/a", false)] {
        assert_eq!(passes(&policy, path), allowed, "{path}");
    }
}

#[test]
fn absolute_paths_are_denied_where_only_relative_patterns_speak() {
    let policy = policy("denied_paths: ['*.pem']");
    assert!(passes(&policy, r"a\b"));
    assert!(!passes(&policy, r"C:\a"));
}
