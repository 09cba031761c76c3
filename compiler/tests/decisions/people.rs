//! Messages, descriptions and approval terms.

use hexgate_eval::{Verdict, contract::ApprovalTerms};

use super::common::Policy;

#[test]
fn a_denial_has_the_message_of_the_first_that_denied_and_has_one() {
    let policy = Policy::of(
        r#"
roles:
  silent: { tools: { t: { mode: deny } } }
  first: { tools: { t: { mode: allow, constraints: ['args.n == 1'], message: "One." } } }
  second: { default_policy: { mode: deny, message: "Two." } }
"#,
    );
    let message = |roles: &[&str]| match policy.decide_as(roles, "t", "{}", None) {
        Verdict::Deny(denial) => denial.message,
        other => panic!("{other:?}"),
    };
    assert_eq!(message(&["silent"]), None);
    assert_eq!(
        message(&["silent", "first", "second"]).as_deref(),
        Some("One.")
    );
    assert_eq!(
        message(&["silent", "second", "first"]).as_deref(),
        Some("Two.")
    );
}

#[test]
fn a_message_of_the_default_is_not_for_closed_names() {
    let policy =
        Policy::of("default_policy: {mode: deny, message: Closed.}\ntools: {t: {mode: allow}}\n");
    assert_eq!(policy.denial("x", "{}").message.as_deref(), Some("Closed."));
    assert_eq!(policy.denial("agent.x", "{}").message, None);
    let policy = Policy::of(
        "default_policy: {mode: allow, constraints: ['args.n == 1'], message: No.}\ntools: {t: {mode: allow}}\n",
    );
    let denial = policy.denial("x", "{}");
    assert_eq!(denial.message.as_deref(), Some("No."));
    assert_eq!(denial.reason, "Policy denied tool \"x\": args.n == 1");
}

#[test]
fn a_scope_that_does_not_cover_gives_the_message_of_its_rule() {
    let policy = Policy::of(
        "tools: {read_file: {mode: allow, message: Elsewhere., file_scope: {allowed_paths: ['a/**']}}}",
    );
    let denial = policy.denial("read_file", r#"{"path": "b"}"#);
    assert_eq!(denial.message.as_deref(), Some("Elsewhere."));
    assert!(denial.hint.is_some());
}

#[test]
fn an_approval_carries_its_terms_and_its_message() {
    let policy = Policy::of(
        r#"
default_policy: { mode: approval_required, approval: { roles: [boss] } }
tools:
  pay:
    mode: approval_required
    message: "Somebody has to agree."
    approval: { roles: [finance, boss], expires: 2h, approvers: 2, reason: required }
  again: { mode: approval_required, approval: { roles: [boss] } }
  plain: { mode: approval_required }
  optional: { mode: approval_required, approval: { reason: optional } }
"#,
    );
    let terms = |tool: &str| {
        let needed = policy.approval(tool, "{}");
        needed
            .terms
            .map(|id| policy.plan().terms(id).unwrap().unwrap())
    };
    assert_eq!(
        terms("pay"),
        Some(ApprovalTerms {
            roles: vec!["finance".into(), "boss".into()],
            expires: Some(7200),
            approvers: Some(2),
            reason_required: Some(true),
        })
    );
    assert_eq!(
        policy.approval("pay", "{}").message.as_deref(),
        Some("Somebody has to agree.")
    );
    assert_eq!(terms("plain"), None);
    assert_eq!(
        terms("optional"),
        Some(ApprovalTerms {
            reason_required: Some(false),
            ..ApprovalTerms::default()
        })
    );
    // What is equal has one number.
    assert_eq!(
        policy.approval("again", "{}").terms,
        policy.approval("unlisted", "{}").terms
    );
    assert_eq!(policy.plan().about().unwrap().terms, 3);
    assert_eq!(policy.plan().terms(3).unwrap(), None);
}

#[test]
fn descriptions_are_in_the_description_and_in_no_verdict() {
    let policy = Policy::of(
        r#"
description: "All of it.\nIn two lines."
forbid: [{ tools: [x], description: why }]
roles:
  default:
    description: Everybody.
    tools: { t: { mode: deny, description: What it is for. } }
  other: {}
"#,
    );
    let plan = policy.plan();
    assert_eq!(
        plan.about().unwrap().description.as_deref(),
        Some("All of it.\nIn two lines.")
    );
    let role = plan.find_role("default").unwrap().unwrap();
    assert_eq!(role.description().unwrap(), Some("Everybody."));
    let other = plan.find_role("other").unwrap().unwrap();
    assert_eq!(other.description().unwrap(), None);
    let rules = role.rules(0, 10).unwrap();
    assert_eq!(rules[1].description().unwrap(), Some("What it is for."));
    assert_eq!(rules[0].description().unwrap(), None);
    assert_eq!(
        plan.forbids(0, 9).unwrap()[0].description().unwrap(),
        Some("why")
    );
    let denial = policy.denial("t", "{}");
    assert_eq!(
        (denial.message, denial.reason.as_str()),
        (None, "Policy denied tool \"t\"")
    );
}
