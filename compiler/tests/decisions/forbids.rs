//! What no role can grant.

use super::common::{Policy, paths};

const POLICY: &str = r#"
forbid:
  - { tools: [delete_*, drop], constraints: ['args.env == "prod"'], message: "Never in production." }
  - { constraints: ['args.amount > 1000'] }
roles:
  default:
    default_policy: { mode: allow }
    tools: { listed: { mode: allow }, 'agent.x': { mode: allow } }
  careful:
    forbid:
      - { tools: [listed], constraints: ['role == "careful"', 'args.really != true'], message: "Say that you mean it." }
    default_policy: { mode: deny }
    tools: { listed: { mode: allow }, 'delete_all': { mode: allow } }
"#;

#[test]
fn a_ceiling_denies_whatever_the_roles_say() {
    let policy = Policy::of(POLICY);
    let args = r#"{"env": "prod", "amount": 5}"#;
    assert_eq!(
        policy.says("delete_all", args),
        "Policy forbids tool \"delete_all\": args.env == \"prod\""
    );
    // Several roles: nothing is said of them.
    assert_eq!(
        policy.says_to(&["careful", "default"], "drop", args),
        "Policy forbids tool \"drop\": args.env == \"prod\""
    );
    let denial = policy.denial("drop", args);
    assert_eq!(denial.message.as_deref(), Some("Never in production."));
    assert_eq!(denial.violations, ["args.env == \"prod\""]);
    // Undefined forbids, and the first of several gives the reason.
    assert_eq!(
        policy.says("drop", "{}"),
        "Policy forbids tool \"drop\": args.env == \"prod\""
    );
    assert_eq!(
        policy.says("drop", r#"{"env": "dev", "amount": 5}"#),
        "allow"
    );
    assert_eq!(
        policy.says("drop", r#"{"env": "dev"}"#),
        "Policy forbids tool \"drop\": args.amount > 1000"
    );
}

#[test]
fn a_forbid_without_tools_is_for_all_that_are_not_closed() {
    let policy = Policy::of(POLICY);
    assert_eq!(
        policy.says("anything", r#"{"amount": 1001}"#),
        "Policy forbids tool \"anything\": args.amount > 1000"
    );
    assert_eq!(policy.says("agent.x", r#"{"amount": 1001}"#), "allow");
}

#[test]
fn a_ceiling_holds_where_no_role_is_known() {
    let policy =
        Policy::of("forbid: [{tools: ['x*']}]\nroles: {ops: {default_policy: {mode: allow}}}\n");
    assert_eq!(policy.says("xy", "{}"), "Policy forbids tool \"xy\"");
    assert_eq!(
        policy.says("y", "{}"),
        "Policy denied tool \"y\" (no allow rule matched for role \"default\")"
    );
    assert_eq!(
        policy.says_to(&["ops"], "xy", "{}"),
        "Policy forbids tool \"xy\""
    );
    assert_eq!(policy.says_to(&["ops"], "y", "{}"), "allow");
}

#[test]
fn the_forbids_of_a_role_count_for_it_alone() {
    let policy = Policy::of(POLICY);
    let args = r#"{"amount": 5}"#;
    assert_eq!(
        policy.says_to(&["careful"], "listed", args),
        "Policy forbids tool \"listed\": role == \"careful\"; args.really != true"
    );
    assert_eq!(
        policy.says_to(&["careful"], "listed", r#"{"amount": 5, "really": true}"#),
        "allow"
    );
    // Another role grants it.
    assert_eq!(
        policy.says_to(&["careful", "default"], "listed", args),
        "allow"
    );
}

#[test]
fn the_forbids_of_a_role_go_before_its_rules() {
    let policy = Policy::of(
        r#"
roles:
  a: { forbid: [{ tools: [t], message: forbidden }], tools: { t: { mode: deny, message: rule } } }
  b: { forbid: [{ tools: ['*'], constraints: ['args.x == 1'] }] }
"#,
    );
    let denied = policy.decide_as(&["a"], "t", "{}", None);
    let hexgate_eval::Verdict::Deny(denial) = denied else {
        panic!("{denied:?}")
    };
    assert_eq!(denial.reason, "Policy forbids tool \"t\"");
    assert_eq!(denial.message.as_deref(), Some("forbidden"));
    // Before the rule for unlisted tools as well.
    assert_eq!(
        policy.says_to(&["a", "b"], "t", r#"{"x": 1}"#),
        "denied for all roles [\"a\", \"b\"]: a: Policy forbids tool \"t\"; b: Policy forbids tool \"t\": args.x == 1"
    );
}

#[test]
fn inherited_forbids_add_up() {
    let policy = Policy::of(
        r#"
roles:
  base: { forbid: [{ tools: [t], constraints: ['args.a == 1'] }], tools: { t: { mode: allow } } }
  child: { inherits: [base], forbid: [{ tools: [t], constraints: ['args.b == 1'] }], tools: { t: { mode: allow } } }
"#,
    );
    assert_eq!(
        policy.says_to(&["child"], "t", r#"{"a": 0, "b": 0}"#),
        "allow"
    );
    assert_eq!(
        policy.says_to(&["child"], "t", r#"{"a": 1, "b": 1}"#),
        "Policy forbids tool \"t\": args.a == 1"
    );
    assert_eq!(
        policy.says_to(&["child"], "t", r#"{"a": 0, "b": 1}"#),
        "Policy forbids tool \"t\": args.b == 1"
    );
}

const SCOPED: &str = r#"
forbid:
  - { tools: [read, 'mcp__*'], file_scope: { argument: path, denied_paths: ['secrets/**'] } }
roles:
  default:
    default_policy: { mode: allow }
    tools:
      read: { mode: allow, file_scope: { argument: path, allowed_paths: ['**'] } }
      write: { mode: allow, file_scope: { argument: path, allowed_paths: ['**'] } }
      'mcp__fs*': { mode: allow }
      'm*': { mode: allow }
"#;

#[test]
fn the_scope_of_a_forbid_says_what_is_forbidden() {
    let policy = Policy::of(SCOPED);
    assert_eq!(policy.says("read", r#"{"path": "a/b"}"#), "allow");
    assert_eq!(
        policy.says("read", r#"{"path": "secrets/b"}"#),
        "Policy forbids tool \"read\""
    );
    assert_eq!(policy.says("write", r#"{"path": "secrets/b"}"#), "allow");
    for undefined in [
        "{}",
        r#"{"path": 1}"#,
        r#"{"path": "../x"}"#,
        r#"{"path": "/x"}"#,
        r#"{"path": []}"#,
        r#"{"path": ["a", 1]}"#,
        r#"{"path": ["a", "secrets"]}"#,
        r#"{"path": "a~1"}"#,
    ] {
        assert_eq!(
            policy.says("read", undefined),
            "Policy forbids tool \"read\"",
            "{undefined}"
        );
    }
    assert_eq!(policy.says("read", r#"{"path": ["a", "b"]}"#), "allow");
}

#[test]
fn the_number_of_a_scope_tells_the_forbids_for_the_tool() {
    let policy = Policy::of(SCOPED);
    let args = r#"{"path": "a"}"#;
    let read = policy.scope("read", args).unwrap();
    assert!(policy.covers(read, "a/b") && !policy.covers(read, "secrets/b"));
    let write = policy.scope("write", args).unwrap();
    assert!(policy.covers(write, "a/b") && policy.covers(write, "secrets/b"));
    // A pattern of tools of which some are forbidden, one of which all are.
    let mcp = policy.scope("mcp__fs", args).unwrap();
    assert!(policy.covers(mcp, "a/b") && !policy.covers(mcp, "secrets/b"));
    assert_eq!(policy.scope("m", args), None);
    assert_eq!(policy.scope("mcp__x", args), Some(mcp));
    assert_eq!(policy.scope("unlisted", args), None);
    let described = policy.plan().scope(mcp).unwrap().unwrap();
    assert!(described.arguments.is_empty());
    assert_eq!(
        described.exclusions[0].paths,
        paths(&[], &["secrets/**"], &[])
    );
}

#[test]
fn a_forbid_speaks_of_any_path_where_it_names_none() {
    let policy = Policy::of(
        r#"
forbid: [{ tools: [t], constraints: ['args.mode == "w"'], file_scope: { argument: path } }]
roles: { default: { tools: { t: { mode: allow } } } }
"#,
    );
    assert_eq!(policy.says("t", r#"{"mode": "r", "path": "a"}"#), "allow");
    assert_eq!(
        policy.says("t", r#"{"mode": "w"}"#),
        "Policy forbids tool \"t\": args.mode == \"w\""
    );
    let scope = policy.scope("t", r#"{"mode": "r"}"#).unwrap();
    assert!(!policy.covers(scope, "a"));
}

#[test]
fn a_search_from_the_root_is_forbidden_by_what_covers_the_root() {
    let policy = |denied: &str| {
        Policy::of(&format!(
            "forbid: [{{tools: [grep], file_scope: {{denied_paths: ['{denied}']}}}}]\nroles: {{default: {{tools: {{grep: {{mode: allow}}}}}}}}\n"
        ))
    };
    for args in ["{}", r#"{"path": "."}"#] {
        assert_eq!(policy("secrets/**").says("grep", args), "allow");
        assert_eq!(
            policy("**").says("grep", args),
            "Policy forbids tool \"grep\""
        );
    }
    assert_eq!(
        policy("secrets/**").says("grep", r#"{"path": "secrets"}"#),
        "Policy forbids tool \"grep\""
    );
}
