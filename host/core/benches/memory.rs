//! What a policy and its warm instance keep in memory, by the process's resident set (Linux).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement fails by panicking"
)]

use hexgate_compiler::Compiler;
use hexgate_host::{Engine, Policy, Request};

const BILLING: &str = include_str!("../../../examples/policies/billing.yaml");
const POLICIES: usize = 64;

fn main() {
    let outcome = Compiler::default().compile_str("policy.yaml", BILLING);
    let wasm = outcome.policy.expect("the policy compiles").component;
    let engine = Engine::new().unwrap();
    let load = || Policy::dangerous_from_unverified_bytes(&engine, &wasm).unwrap();
    let arguments = r#"{"amount": 42, "currency": "USD"}"#;
    let request = Request::new("refund_order", arguments).roles(&["billing"]);
    let decide = |policy: &Policy| assert!(policy.decide(&request).unwrap().is_allowed());

    // The engine's code, the allocator's first pages and the pool's own tables are there before anything is counted.
    let before: Vec<Policy> = (0..POLICIES).map(|_| load()).collect();
    before.iter().for_each(decide);

    let empty = resident();
    let policies: Vec<Policy> = (0..POLICIES).map(|_| load()).collect();
    let loaded = resident();
    policies.iter().for_each(decide);
    let warm = resident();
    policies
        .iter()
        .for_each(|policy| (0..100).for_each(|_| decide(policy)));
    let used = resident();

    let each = |from: usize, to: usize| (to as f64 - from as f64) / POLICIES as f64;
    println!(
        "a loaded policy, after its probe: {:.1} KiB",
        each(empty, loaded)
    );
    println!("its first decision adds: {:.1} KiB", each(loaded, warm));
    println!("a hundred more add: {:.1} KiB", each(warm, used));
}

/// The resident set of this process in KiB.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = text.lines().find(|line| line.starts_with("Rss:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
