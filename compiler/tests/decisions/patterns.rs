//! Rules for patterns of names.

use super::common::Policy;

#[test]
fn a_name_goes_before_patterns_and_patterns_before_the_rest() {
    let policy = Policy::of(
        r#"
default_policy: { mode: approval_required }
tools:
  "mcp__*": { mode: deny }
  "mcp__git*": { mode: allow }
  "mcp__*push*": { mode: approval_required, message: long }
  mcp__git__status: { mode: approval_required, message: exact }
  "*": { mode: allow, constraints: ['args.x == 1'] }
"#,
    );
    assert_eq!(policy.says("mcp__git__log", "{}"), "allow");
    assert_eq!(
        policy.says("mcp__shell", "{}"),
        "Policy denied tool \"mcp__shell\""
    );
    // As many bytes match as of `mcp__git*` and one more.
    let needed = policy.approval("mcp__git__push", "{}");
    assert_eq!(needed.message.as_deref(), Some("long"));
    let needed = policy.approval("mcp__git__status", "{}");
    assert_eq!(needed.message.as_deref(), Some("exact"));
    assert_eq!(policy.says("other", r#"{"x": 1}"#), "allow");
    assert_eq!(
        policy.says("other", "{}"),
        "Policy denied tool \"other\": args.x == 1"
    );
    // A closed name matches no pattern that does not write it out, and never falls to the rest.
    assert_eq!(
        policy.says("agent.run", "{}"),
        "Policy denied tool \"agent.run\" (no allow rule matched for role \"default\")"
    );
}

#[test]
fn a_closed_name_is_matched_where_its_prefix_is_written_out() {
    let policy = Policy::of(
        r#"
default_policy: { mode: allow }
tools:
  "skill:pdf*": { mode: allow }
  "agent.tool:*": [{ mode: allow, constraints: ['args.n < 3'] }, { mode: deny, constraints: ['args.n == 2'] }]
"#,
    );
    assert_eq!(policy.says("skill:pdf_fill", "{}"), "allow");
    assert!(policy.says("skill:doc", "{}").contains("no allow rule"));
    assert_eq!(policy.says("agent.tool:x", r#"{"n": 1}"#), "allow");
    assert_eq!(
        policy.says("agent.tool:x", r#"{"n": 2}"#),
        "Policy forbids tool \"agent.tool:x\": args.n == 2"
    );
    assert!(policy.says("agent.other", "{}").contains("no allow rule"));
}

#[test]
fn a_denying_pattern_is_no_missing_rule() {
    let policy = Policy::of(
        r#"
roles:
  default: { default_policy: { mode: allow }, tools: { "rm*": { mode: deny, message: "No." } } }
"#,
    );
    let denial = policy.denial("rmdir", "{}");
    assert_eq!(denial.reason, "Policy denied tool \"rmdir\"");
    assert_eq!(denial.message.as_deref(), Some("No."));
    assert_eq!(policy.says("ls", "{}"), "allow");
}
