//! Policies as Rego, compiled by a real `opa`, wrapped, in the host: every numbered case.
//!
//! Each policy is a run of `opa` and a module to compile, a second together. So the ordinary run takes every sixteenth policy, and the
//! full one, where tools are required, all.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use hexgate_compiler::opa::{Opa, OpaError};
use hexgate_tests::{
    engines::{self, Component},
    vectors::{self, Vector},
};

/// Which part of the policies an ordinary run takes.
const STEP: usize = 16;

/// The real one. Without any, says so past the capture of the output, or fails where tools are required.
fn opa() -> Option<Opa> {
    hexgate_test_support::tool(
        Opa::find(),
        |error| matches!(error, OpaError::NotFound),
        "there is no `opa`; run `cargo xtask setup opa`",
    )
}

#[test]
fn the_rego_component_agrees_with_every_vector() {
    let Some(opa) = opa() else { return };
    let all = vectors::all().unwrap();
    let mut policies: BTreeMap<String, Vec<&Vector>> = BTreeMap::new();
    for vector in &all {
        let policy = vector.case.policy.to_string();
        policies.entry(policy).or_default().push(vector);
    }
    let step = if hexgate_test_support::tools_required() {
        1
    } else {
        STEP
    };
    let policies: Vec<_> = policies.iter().step_by(step).collect();
    let engine = hexgate::Engine::new().unwrap();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((text, vectors)) = policies.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let policy = engines::compile(text).unwrap();
                    let component = policy.rego_component(&opa).unwrap();
                    let component =
                        Component::of_bytes(&engine, &component, hexgate::Isolation::Full).unwrap();
                    for vector in *vectors {
                        if let Err(error) = vector.check(&component.answer(&vector.case.call)) {
                            let said = format!("{} ({}): {error}", vector.id, vector.why);
                            wrong.lock().unwrap().push(said);
                        }
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} fail:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
