//! File scopes.

use super::common::{Policy, paths};

fn scope(rest: &str) -> Policy {
    Policy::of(&format!(
        "tools: {{t: {{mode: allow, file_scope: {{{rest}}}}}}}"
    ))
}

fn read(rest: &str) -> Policy {
    scope(&format!("argument: path, {rest}"))
}

fn passes(policy: &Policy, path: &str) -> bool {
    let path = path.replace('\\', "\\\\");
    policy.says("t", &format!(r#"{{"path": "{path}"}}"#)) == "allow"
}

#[test]
fn every_argument_must_be_there_and_be_covered() {
    let policy = scope("arguments: [source, destination], allowed_paths: ['a/**']");
    for (args, allowed) in [
        (r#"{"source": "a/x", "destination": "a/y"}"#, true),
        (r#"{"source": "a/x", "destination": "b/y"}"#, false),
        (r#"{"source": "b/x", "destination": "a/y"}"#, false),
        (r#"{"source": "a/x"}"#, false),
        (r#"{"destination": "a/x"}"#, false),
        (r#"{"source": "a/x", "destination": null}"#, false),
        (r#"{"source": ["a/x", "a/z"], "destination": "a/y"}"#, true),
    ] {
        assert_eq!(policy.says("t", args) == "allow", allowed, "{args}");
    }
    let id = policy
        .scope("t", r#"{"source": "a/x", "destination": "a/y"}"#)
        .unwrap();
    let described = policy.plan().scope(id).unwrap().unwrap();
    assert_eq!(described.arguments, ["source", "destination"]);
}

#[test]
fn every_text_of_a_list_must_be_covered() {
    // Plans of before hold such calls, too.
    let policy = read("allowed_paths: ['a/**'], denied_paths: ['*.key']");
    assert_eq!(policy.0[4], 1);
    for (value, allowed) in [
        (r#"["a/x"]"#, true),
        (r#"["a/x", "a/y"]"#, true),
        (r#"["a/x", "b/y"]"#, false),
        (r#"["a/x", "a/y.key"]"#, false),
        ("[]", false),
        (r#"["a/x", 1]"#, false),
        (r#"["a/x", ["a/y"]]"#, false),
        (r#"["a/x", null]"#, false),
        (r#"{"0": "a/x"}"#, false),
        ("1", false),
    ] {
        let args = format!(r#"{{"path": {value}}}"#);
        assert_eq!(policy.says("t", &args) == "allow", allowed, "{args}");
    }
}

#[test]
fn many_paths_take_no_more_than_their_length() {
    let policy = read("allowed_paths: ['a/**'], denied_paths: ['*.key', '.env*', '**/secret/**']");
    let list = vec![r#""a/b""#; 100_000].join(",");
    assert_eq!(
        policy.says("t", &format!(r#"{{"path": [{list}]}}"#)),
        "allow"
    );
}

#[test]
fn a_search_starts_at_the_root_or_at_a_folder_whose_content_is_allowed() {
    let policy = Policy::of(
        "tools: {grep: {mode: allow, file_scope: {allowed_paths: ['src/**', '/abs/**', 'a.txt'], denied_paths: ['src/secret/**']}}}",
    );
    for (args, allowed) in [
        ("{}", true),
        (r#"{"path": "."}"#, true),
        (r#"{"path": "./"}"#, true),
        (r#"{"path": "src"}"#, true),
        (r#"{"path": "src/"}"#, true),
        (r#"{"path": "src/lib"}"#, true),
        (r#"{"path": "/abs"}"#, true),
        (r#"{"path": "abs"}"#, false),
        (r#"{"path": "/src"}"#, false),
        (r#"{"path": "/"}"#, false),
        (r#"{"path": "sr"}"#, false),
        (r#"{"path": "src/secret"}"#, false),
        (r#"{"path": "a.txt"}"#, true),
        (r#"{"path": ""}"#, false),
        (r#"{"path": null}"#, false),
        (r#"{"path": []}"#, false),
        (r#"{"path": ["src", "."]}"#, true),
        (r#"{"path": ["src", "x"]}"#, false),
    ] {
        assert_eq!(policy.says("grep", args) == "allow", allowed, "{args}");
    }
    // Results are held against what is allowed, not against where a search may start.
    let id = policy.scope("grep", "{}").unwrap();
    for (path, covered) in [
        ("src/a", true),
        ("src", false),
        (".", false),
        ("", false),
        ("src/secret/a", false),
        ("/abs/x", true),
        ("other", false),
    ] {
        assert_eq!(policy.covers(id, path), covered, "{path:?}");
    }
}

#[test]
fn a_search_from_the_root_is_denied_where_the_root_is() {
    let policy = Policy::of(
        "tools: {grep: {mode: allow, file_scope: {allowed_paths: ['a/**'], denied_paths: ['**']}}}",
    );
    assert_ne!(policy.says("grep", "{}"), "allow");
    // Without a search absence denies, as it does for other tools.
    for yaml in [
        "tools: {grep: {mode: allow, file_scope: {search: false, allowed_paths: ['**']}}}",
        "tools: {grep: {mode: allow, file_scope: {search: false, denied_paths: ['x']}}}",
    ] {
        let policy = Policy::of(yaml);
        assert_ne!(policy.says("grep", "{}"), "allow");
        assert_eq!(policy.says("grep", r#"{"path": "."}"#), "allow");
    }
    let policy = Policy::of(
        "tools: {find: {mode: allow, file_scope: {argument: dir, search: true, allowed_paths: ['a/**']}}}",
    );
    assert_eq!(policy.says("find", "{}"), "allow");
    assert_eq!(policy.says("find", r#"{"dir": "a"}"#), "allow");
    assert_ne!(policy.says("find", r#"{"dir": "b"}"#), "allow");
}

#[test]
fn exceptions_lift_denied_patterns_for_the_path_itself() {
    let policy = read(
        "denied_paths: ['.env.*', 'secrets/**', '*.pem'], except_paths: ['.env.example', 'secrets/public/**', 'ca.pem']",
    );
    for (path, allowed) in [
        (".env.local", false),
        (".env.example", true),
        // Case and all.
        (".ENV.EXAMPLE", false),
        ("a/.env.example", true),
        // One without a slash lifts nothing below a folder that is denied.
        ("secrets/.env.example", false),
        (".env.example/x", false),
        (".env.local/.env.example", false),
        ("secrets/public/a", true),
        ("secrets/public", false),
        ("secrets/a", false),
        // With a slash it lifts any, also a name in a folder.
        ("secrets/public/x.pem", true),
        ("ca.pem", true),
        ("x.pem/ca.pem", false),
        ("ca.pem.", false),
        ("a.pem", false),
        ("plain", true),
        // Nothing but relative patterns speaks of it.
        ("/x", false),
        ("/.env.example", false),
    ] {
        assert_eq!(passes(&policy, path), allowed, "{path}");
    }
    let denial = policy.denial("t", r#"{"path": ".env.local"}"#);
    assert_eq!(
        denial.hint,
        Some(paths(
            &[],
            &[".env.*", "secrets/**", "*.pem"],
            &[".env.example", "secrets/public/**", "ca.pem"]
        ))
    );
}

#[test]
fn an_exception_does_not_widen_what_is_allowed() {
    let policy = read(
        "allowed_paths: ['a/**'], denied_paths: ['a/b/**', '/d/**'], except_paths: ['a/b/c', 'x', '/d/y']",
    );
    for (path, allowed) in [
        ("a/x", true),
        ("a/b/c", true),
        ("a/b/d", false),
        ("a/b/c/d", false),
        ("x", false),
        ("/d/y", false),
        ("d/y", false),
    ] {
        assert_eq!(passes(&policy, path), allowed, "{path}");
    }
}

#[test]
fn the_known_tools_take_another_argument() {
    let policy = Policy::of(
        "tools: {read_file: {mode: allow, file_scope: {argument: file, allowed_paths: ['a/**']}}}",
    );
    assert_eq!(policy.says("read_file", r#"{"file": "a/x"}"#), "allow");
    assert_ne!(policy.says("read_file", r#"{"path": "a/x"}"#), "allow");
}
