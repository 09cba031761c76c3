//! A plan that was tampered with: validating, describing and deciding end.
#![no_main]

use std::sync::LazyLock;

use hexgate_eval::{Plan, Request, Workspace};
use hexgate_tests::{engines, generate};
use libfuzzer_sys::fuzz_target;

/// Plans of the compiler at hand, so that no seed grows stale with the format.
static PLANS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    (0..40)
        .filter_map(|seed| engines::compile(&generate::cases(seed, 0).0.to_string()).ok())
        .map(|policy| policy.plan)
        .collect()
});

/// The input as it is, or as changes to a real plan: two bytes say where, one says what.
fn plan_of(input: &[u8]) -> Vec<u8> {
    let Some((choice, rest)) = input.split_first() else {
        return Vec::new();
    };
    let Some(plan) = PLANS.get(usize::from(*choice)) else {
        return rest.to_vec();
    };
    let mut plan = plan.clone();
    for change in rest.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % plan.len();
        plan[at] = change[2];
    }
    plan
}

fuzz_target!(|input: &[u8]| {
    let bytes = plan_of(input);
    let Ok(plan) = Plan::open(&bytes) else { return };
    // What does not validate is never run by a host, and its conditions may be tangled without end.
    let valid = plan.validate().is_ok();
    let about = plan.about();
    let roles = about.map_or(0, |about| about.roles).min(64);
    for index in 0..roles {
        let Ok(Some(role)) = plan.role(index) else {
            continue;
        };
        for rule in role.rules(0, 64).unwrap_or_default() {
            let _ = (rule.tools(), rule.mode(), rule.constraints(), rule.scope());
            let _ = (rule.terms(), rule.message(), rule.description());
        }
        for forbid in role.forbids(0, 64).unwrap_or_default() {
            let _ = (forbid.tools(), forbid.constraints(), forbid.scope());
        }
    }
    for id in 0..64 {
        let _ = (plan.scope(id), plan.terms(id), plan.forbids(id, 8));
    }
    if !valid {
        return;
    }
    let mut workspace = Workspace::new();
    for path in ["src/a", ".", "C:/a", ""] {
        for id in 0..64 {
            let _ = workspace.covers(&plan, id, path);
        }
    }
    for tool in ["t", "u", "read_file", "agent.run"] {
        for arguments in [
            "{}",
            r#"{"a": 1, "n": "x", "list": [1, "a", {"a": null}], "file_path": "src/a", "x y": {"a": {"n": 2.50}}}"#,
        ] {
            let request = Request::new(tool, arguments)
                .roles(&["r1", "default"])
                .facts(r#"{"ctx": {"a": 5}, "user": {"n": [1]}, "said": {"emails": ["a"]}, "usage": {"tool_calls_24h": 1}}"#);
            let first = workspace.decide(&plan, &request);
            let second = workspace.decide(&plan, &request);
            assert_eq!(
                first, second,
                "a decision is a function of the plan and the request"
            );
            assert!(
                !matches!(first, Err(hexgate_eval::Error::Internal(_))),
                "a valid plan is damaged: {first:?}"
            );
        }
    }
});
