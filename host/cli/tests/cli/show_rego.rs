//! `hexgate policy show-rego`

use crate::fixture::Fixture;

#[test]
fn prints_a_policy_as_rego() {
    let shown = Fixture::new().run("show-rego policy.yaml");
    assert!(shown.starts_with("exit 0\n# Made by hexgate"), "{shown}");
    for line in ["package hexgate.policy", "decision := {"] {
        assert!(shown.lines().any(|one| one.trim() == line), "{shown}");
    }
}

#[test]
fn prints_nothing_of_a_policy_that_is_refused() {
    let fixture = Fixture::empty().with("policy.yaml", "tools: {t: {mode: alow}}\n");
    let shown = fixture.run("show-rego policy.yaml");
    assert!(
        shown.starts_with("exit 1\n--- stderr\nerror[unknown-mode]"),
        "{shown}"
    );
}
