//! Several rules for a tool.

use super::common::{Policy, paths};

const REFUND: &str = r#"
tools:
  refund:
    - { mode: allow, constraints: ['only(args, ["amount"])', 'args.amount > 0', 'args.amount <= 50'] }
    - { mode: approval_required, constraints: ['only(args, ["amount"])', 'args.amount > 50', 'args.amount <= 500'] }
    - { mode: deny, constraints: ['args.amount > 400 and ctx.new_customer == true'], message: "Ask the customer to call us." }
"#;

#[test]
fn the_best_rule_that_holds_decides() {
    let policy = Policy::of(REFUND);
    let old = r#"{"ctx": {"new_customer": false}}"#;
    let says = |args: &str| super::common::said(policy.decide_as(&[], "refund", args, Some(old)));
    assert_eq!(says(r#"{"amount": 50}"#), "allow");
    assert_eq!(says(r#"{"amount": 51}"#), "ask");
    assert_eq!(says(r#"{"amount": 500}"#), "ask");
    // What several rules say in the same words is told once.
    assert_eq!(
        says(r#"{"amount": 501, "to": 1}"#),
        "Policy denied tool \"refund\": only(args, [\"amount\"]); args.amount <= 50; args.amount <= 500"
    );
}

#[test]
fn an_exception_forbids_unless_its_condition_is_false() {
    let policy = Policy::of(REFUND);
    let decide = |args: &str, facts: Option<&str>| {
        super::common::said(policy.decide_as(&[], "refund", args, facts))
    };
    let forbidden =
        "Policy forbids tool \"refund\": args.amount > 400 and ctx.new_customer == true";
    let new = Some(r#"{"ctx": {"new_customer": true}}"#);
    assert_eq!(decide(r#"{"amount": 450}"#, new), forbidden);
    // Nothing is known of the customer.
    assert_eq!(decide(r#"{"amount": 450}"#, None), forbidden);
    // False whatever is known.
    assert_eq!(decide(r#"{"amount": 40}"#, None), "allow");
    assert_eq!(decide(r#"{"amount": "x"}"#, new), forbidden);
    let denial = policy.denial("refund", r#"{"amount": 450}"#);
    assert_eq!(
        denial.message.as_deref(),
        Some("Ask the customer to call us.")
    );
    assert_eq!(
        denial.violations,
        ["args.amount > 400 and ctx.new_customer == true"]
    );
    assert_eq!(denial.hint, None);
}

#[test]
fn the_first_exception_that_forbids_gives_the_reason() {
    let policy = Policy::of(
        r#"
tools:
  t:
    - { mode: allow }
    - { mode: deny, constraints: ['args.a == 1', 'args.b == 1'] }
    - { mode: deny, constraints: ['args.b == 1'], message: second }
    - { mode: deny, constraints: ['args.c == 1'], message: third }
"#,
    );
    let denial = policy.denial("t", r#"{"a": 1, "b": 1, "c": 1}"#);
    assert_eq!(
        denial.reason,
        "Policy forbids tool \"t\": args.a == 1; args.b == 1"
    );
    assert_eq!(denial.violations, ["args.a == 1", "args.b == 1"]);
    assert_eq!(denial.message.as_deref(), Some("second"));
    // One part is false, and the other undefined: the exception does not forbid.
    let denial = policy.denial("t", r#"{"a": 2, "c": 1}"#);
    assert_eq!(denial.reason, "Policy forbids tool \"t\": args.b == 1");
    assert_eq!(policy.says("t", r#"{"a": 2, "b": 0, "c": 0}"#), "allow");
}

#[test]
fn an_exception_without_a_condition_always_forbids() {
    let policy = Policy::of("tools: {t: [{mode: allow}, {mode: deny, message: never}]}");
    let denial = policy.denial("t", "{}");
    assert_eq!(denial.reason, "Policy denied tool \"t\"");
    assert_eq!(denial.message.as_deref(), Some("never"));
    assert!(denial.violations.is_empty());
}

#[test]
fn exceptions_alone_deny() {
    let policy = Policy::of(
        "tools: {t: [{mode: deny, constraints: ['args.a == 1']}, {mode: deny, constraints: ['args.a == 2'], message: 'No.'}]}",
    );
    assert_eq!(
        policy.says("t", r#"{"a": 1}"#),
        "Policy forbids tool \"t\": args.a == 1"
    );
    let denial = policy.denial("t", r#"{"a": 3}"#);
    assert_eq!(denial.reason, "Policy denied tool \"t\"");
    assert_eq!(denial.message.as_deref(), Some("No."));
}

#[test]
fn policy_level_constraints_are_for_rules_and_not_for_exceptions() {
    let policy = Policy::of(
        r#"
constraints: ['args.tenant == "a"']
tools:
  t:
    - { mode: allow, constraints: ['args.n < 5'] }
    - { mode: deny, constraints: ['args.n == 3'] }
"#,
    );
    assert_eq!(policy.says("t", r#"{"tenant": "a", "n": 1}"#), "allow");
    assert_eq!(
        policy.says("t", r#"{"tenant": "b", "n": 1}"#),
        "Policy denied tool \"t\": args.tenant == \"a\""
    );
    assert_eq!(
        policy.says("t", r#"{"tenant": "b", "n": 3}"#),
        "Policy forbids tool \"t\": args.n == 3"
    );
}

#[test]
fn allow_wins_wherever_it_stands_and_an_approval_is_that_of_the_first_rule() {
    let policy = Policy::of(
        r#"
tools:
  t:
    - { mode: approval_required, constraints: ['args.n > 0'], message: first }
    - { mode: approval_required, constraints: ['args.n > 1'], message: second }
    - { mode: allow, constraints: ['args.n == 7'] }
"#,
    );
    assert_eq!(policy.says("t", r#"{"n": 7}"#), "allow");
    let needed = policy.approval("t", r#"{"n": 5}"#);
    assert_eq!(needed.message.as_deref(), Some("first"));
    assert_eq!(
        policy.denial("t", r#"{"n": 0}"#).message.as_deref(),
        Some("first")
    );
}

#[test]
fn a_scope_is_the_reason_where_no_constraint_is() {
    let policy = Policy::of(
        r#"
tools:
  write:
    - { mode: allow, file_scope: { argument: path, allowed_paths: ['a/**'] } }
    - { mode: approval_required, file_scope: { argument: path, allowed_paths: ['a/**'] }, message: ask }
    - { mode: allow, constraints: ['args.force == true'], file_scope: { argument: path, allowed_paths: ['b/**'] } }
"#,
    );
    let denial = policy.denial("write", r#"{"path": "c/x", "force": true}"#);
    assert_eq!(
        denial.reason,
        "Policy denied tool \"write\" for the requested path"
    );
    // Three rules fail by their scopes, which differ.
    assert_eq!(denial.hint, None);
    assert_eq!(denial.message.as_deref(), Some("ask"));
    let denial = policy.denial("write", r#"{"path": "c/x"}"#);
    assert_eq!(
        denial.reason,
        "Policy denied tool \"write\": args.force == true"
    );
    // The rule that fails by its constraint does not count.
    assert_eq!(denial.hint, Some(paths(&["a/**"], &[], &[])));
    assert_eq!(
        policy.says("write", r#"{"path": "b/x", "force": true}"#),
        "allow"
    );
}

#[test]
fn a_list_of_one_rule_is_that_rule() {
    let alone = Policy::of("tools: {t: {mode: allow, constraints: ['args.a == 1']}}");
    let listed = Policy::of("tools: {t: [{mode: allow, constraints: ['args.a == 1']}]}");
    assert_eq!(alone.says("t", "{}"), listed.says("t", "{}"));
    assert_eq!(listed.0[4], 1);
}

#[test]
fn the_scopes_of_exceptions_travel_with_the_grant() {
    let policy = Policy::of(
        r#"
tools:
  glob:
    - { mode: allow, file_scope: { allowed_paths: ['src/**'] } }
    - { mode: deny, file_scope: { denied_paths: ['secrets/**', '*.pem'], except_paths: ['public.pem'] } }
"#,
    );
    let scope = policy.scope("glob", "{}").unwrap();
    for (path, covered) in [
        ("src/a.rs", true),
        ("src/key.pem", false),
        ("src/public.pem", true),
        ("docs/a.md", false),
        ("src/../a", false),
        ("src/GIT~1", false),
    ] {
        assert_eq!(policy.covers(scope, path), covered, "{path}");
    }
    let described = policy.plan().scope(scope).unwrap().unwrap();
    assert_eq!(described.paths, paths(&["src/**"], &[], &[]));
    assert_eq!(described.arguments, ["path"]);
    assert!(described.search);
    assert_eq!(
        described.exclusions[0].paths,
        paths(&[], &["secrets/**", "*.pem"], &["public.pem"])
    );
    assert!(!policy.covers(scope + 100, "src/a.rs"));
}
