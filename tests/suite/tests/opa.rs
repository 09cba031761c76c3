//! Policies as Rego, compiled by a real `opa`, wrapped, in the host and as ES modules in Node: every numbered case.
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
    env, fs,
    path::Path,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use hexgate_compiler::{
    opa::{Opa, OpaError},
    rego::Refusal,
};
use hexgate_tests::{
    engines::{self, Component},
    runtimes,
    vectors::{self, Vector},
};
use serde_json::Value;

/// Which part of the policies an ordinary run takes.
const STEP: usize = 16;

/// The policies as ES modules, what they are to be asked, and what the host answers.
struct Modules<'a> {
    folder: &'a Path,
    asked: Mutex<Vec<(String, Value, Value)>>,
}

impl<'a> Modules<'a> {
    fn new(folder: &'a Path, policies: usize) -> Self {
        let _ = fs::remove_dir_all(folder);
        for policy in 0..policies {
            fs::create_dir_all(folder.join(format!("policies/{policy}"))).unwrap();
        }
        // What ends in `.js` is a module.
        fs::write(folder.join("package.json"), r#"{"type": "module"}"#).unwrap();
        Self {
            folder,
            asked: Mutex::default(),
        }
    }

    fn add(&self, number: usize, component: &[u8], source_digest: &[u8; 32]) {
        let folder = self.folder.join(format!("policies/{number}"));
        runtimes::write_component(&folder, component, source_digest).unwrap();
    }

    fn ask(&self, number: usize, vector: &Vector, policy: &hexgate_host::Policy) {
        let call = &vector.case.call;
        let (case, answer) = (runtimes::case(number, call), runtimes::answer(policy, call));
        let mut asked = self.asked.lock().unwrap();
        asked.push((vector.id.clone(), case, answer));
    }

    /// Where Node's answers are not the host's. None are known where there is no Node.
    fn differences(self) -> Vec<String> {
        if env::var_os("HEXGATE_RUNTIMES").is_none() {
            hexgate_test_support::skipped(
                "Node is not set up; run `cargo xtask setup`, then `cargo xtask test`",
            );
            return Vec::new();
        }
        let asked = self.asked.into_inner().unwrap();
        let cases: Vec<&Value> = asked.iter().map(|(_, case, _)| case).collect();
        let text = serde_json::to_vec(&cases).unwrap();
        fs::write(self.folder.join("cases.json"), text).unwrap();
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtimes/node.mjs");
        let mut node = Command::new("node");
        let output = node.arg(program).arg(self.folder).arg("own").output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let answers = report["answers"].as_array().unwrap();
        assert_eq!(answers.len(), asked.len());
        let differs = |given: &Value, expected: &Value| match expected["error"].as_str() {
            // The host's words are its own.
            Some("broken") => !["internal", "trap", "bad-output"]
                .contains(&given["error"].as_str().unwrap_or_default()),
            _ => given != expected,
        };
        asked
            .iter()
            .zip(answers)
            .filter(|((.., expected), given)| differs(given, expected))
            .map(|((id, _, expected), given)| {
                format!("{id}: Node: expected {expected}, got {given}")
            })
            .collect()
    }
}

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
    // What OPA cannot hold exactly is refused by name, and nothing else is.
    let before = policies.len();
    policies.retain(|text, _| {
        let policy = engines::compile(text).unwrap();
        match policy.rego() {
            Ok(_) => true,
            Err(Refusal::Inexact { .. }) => false,
            Err(other) => panic!("{other}: {text}"),
        }
    });
    assert!(
        policies.len() * 10 > before * 9,
        "{} of {before}",
        policies.len()
    );
    let step = if hexgate_test_support::tools_required() {
        1
    } else {
        STEP
    };
    let policies: Vec<_> = policies.iter().step_by(step).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let engine = engines::keeping(folder).unwrap();
    let folder = folder.join("rego-modules");
    let modules = Modules::new(&folder, policies.len());
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some((text, vectors)) = policies.get(number) else {
                        break;
                    };
                    let policy = engines::compile(text).unwrap();
                    let bytes = policy.rego_component(&opa).unwrap();
                    let component =
                        Component::of_bytes(&engine, &bytes, hexgate_host::Isolation::Full)
                            .unwrap();
                    modules.add(number, &bytes, &policy.model.source_digest);
                    for vector in *vectors {
                        modules.ask(number, vector, component.policy());
                    }
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
    let mut wrong = wrong.into_inner().unwrap();
    wrong.extend(modules.differences());
    assert!(
        wrong.is_empty(),
        "{} fail:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
