//! Random policies and calls: the oracle, the evaluator and the component must answer alike, to the last byte of a reason.
//!
//! `HEXGATE_CASES` sets the number of policies, `HEXGATE_SEED` the first seed. A disagreement is made small and printed as a line for
//! `tests/vectors`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, in its helpers too"
)]

use hexgate_tests::{
    agreement::{Open, Plan, run},
    engines::{Component, Reference},
};

/// Calls of each policy: compiling costs more than deciding.
const CALLS: usize = 12;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number, not `{text}`"))
    })
}

fn agree(policies: u64, open: Open<'_>) {
    let plan = Plan {
        first: number("HEXGATE_SEED", 0),
        policies,
        calls: CALLS,
    };
    run(plan, open, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_reference_evaluator_agrees_with_the_oracle() {
    agree(number("HEXGATE_CASES", 300), &|policy| {
        Box::new(Reference::open(policy).unwrap())
    });
}

#[test]
fn the_component_agrees_with_the_oracle() {
    let engine = hexgate_host::Engine::new().unwrap();
    agree(number("HEXGATE_CASES", 100), &|policy| {
        Box::new(Component::load(&engine, policy, true).unwrap())
    });
}
