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

use hexgate_compiler::Compiled;
use hexgate_tests::{
    case::{Answer, Call, Case},
    engines::{self, Component, Reference},
    generate, oracle, shrink,
};

/// Calls of each policy: compiling costs more than deciding.
const CALLS: usize = 12;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number, not `{text}`"))
    })
}

/// Asks an engine about calls of a policy.
type Ask<'a> = &'a dyn Fn(&Compiled, &[Call]) -> Vec<Answer>;

fn disagreement(case: &Case, ask: Ask<'_>) -> Option<(Answer, Answer)> {
    let expected = oracle::answer(case).ok()?;
    let compiled = engines::compile(&case.policy.to_string()).ok()?;
    let got = ask(&compiled, std::slice::from_ref(&case.call)).pop()?;
    (got != expected).then_some((expected, got))
}

/// Asks about so many policies, from the first seed on.
fn run(policies: u64, ask: Ask<'_>) {
    let first = number("HEXGATE_SEED", 0);
    let mut refused = 0;
    for seed in first..first + policies {
        let (policy, calls) = generate::cases(seed, CALLS);
        let resolved = oracle::resolve(&policy)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}: {policy}"));
        let compiled = match engines::compile(&policy.to_string()) {
            Ok(compiled) => compiled,
            Err(error) => {
                // The generator writes few policies that can be refused for good reason (a condition that can never hold).
                assert!(
                    error.0.iter().any(|diagnostic| diagnostic.is_error()),
                    "seed {seed}: refused without an error"
                );
                refused += 1;
                assert!(
                    refused * 20 < policies.max(200),
                    "seed {seed}: too many policies are refused: {error}: {policy}"
                );
                continue;
            }
        };
        for (call, answer) in calls.iter().zip(ask(&compiled, &calls)) {
            if answer != oracle::decide(&resolved, call) {
                let case = Case {
                    policy: policy.clone(),
                    call: call.clone(),
                };
                let small = shrink::shrink(case, &mut |case| disagreement(case, ask).is_some());
                let (expected, got) = disagreement(&small, ask).unwrap();
                let line = shrink::as_vector(&small, "?");
                panic!(
                    "seed {seed}: the oracle says {expected:?}\nthe engine says {got:?}\n{line}"
                );
            }
        }
    }
}

#[test]
fn the_reference_evaluator_agrees_with_the_oracle() {
    run(number("HEXGATE_CASES", 1_500), &|policy, calls| {
        let mut reference = Reference::open(policy).unwrap();
        calls.iter().map(|call| reference.answer(call)).collect()
    });
}

#[test]
fn the_component_agrees_with_the_oracle() {
    let engine = hexgate_host::Engine::new().unwrap();
    run(number("HEXGATE_CASES", 250), &|policy, calls| {
        let component = Component::load(&engine, policy, true).unwrap();
        calls.iter().map(|call| component.answer(call)).collect()
    });
}
