//! What others have met in public: policies and calls from their reports, rule files and documents, below `tests/cases`.
//!
//! A case is `NAME.yaml` or `NAME.rego` with its calls, `NAME.suite.json`, as `hexgate policy test --suite` reads them. In `index.jsonl`
//! stands for each one where it comes from (`source`), what it shows (`about`), and what the compiler has to say: one of the codes in
//! `refused`, or nothing against it but warnings, those in `warned` among them and none in `quiet`; and words that match each pattern in
//! `says`. Where the policy is not what its author needs, `remedy` is, and decides as the calls expect but for what `remedied` says.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use hexgate_compiler::{
    Artifact, Compiled, Compiler, Outcome, RegoOptions,
    opa::{Opa, OpaError},
    rego::Refusal,
};
use hexgate_tests::{
    case::{Answer, Call},
    engines::{self, Component, Reference},
};
use serde_json::{Value, value::RawValue};

/// Which part of the policies an ordinary run also asks by way of OPA, which takes a second each.
const STEP: usize = 16;

struct Case {
    name: String,
    expected: Value,
    path: PathBuf,
    /// Whether the remedy is asked, and not the policy.
    remedied: bool,
}

/// One call and the outcome that is meant.
struct Asked {
    name: String,
    call: Call,
    expect: String,
    violations: Option<Vec<String>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases")
}

fn cases() -> Vec<Case> {
    let index = fs::read_to_string(folder().join("index.jsonl")).unwrap();
    let cases: Vec<Case> = index
        .lines()
        .map(|line| {
            let expected: Value = serde_json::from_str(line).unwrap();
            let name = expected["name"].as_str().unwrap().to_owned();
            let yaml = folder().join(format!("{name}.yaml"));
            let path = if yaml.exists() {
                yaml
            } else {
                folder().join(format!("{name}.rego"))
            };
            Case {
                name,
                expected,
                path,
                remedied: false,
            }
        })
        .collect();
    assert!(cases.len() > 105);
    cases
}

impl Case {
    fn is_rego(&self) -> bool {
        self.path.extension().is_some_and(|ending| ending == "rego")
    }

    fn codes(&self, member: &str) -> Vec<&str> {
        let list = self.expected[member].as_array().into_iter().flatten();
        list.map(|code| code.as_str().unwrap()).collect()
    }

    /// What is wrong with what the compiler said. The policy, if it is accepted and may be.
    fn judge<P>(&self, outcome: Outcome<P>) -> Result<Option<P>, String> {
        let found: BTreeSet<&str> = outcome
            .diagnostics
            .iter()
            .map(|diagnostic| diagnostic.code)
            .collect();
        let refused = self.codes("refused");
        let fits = if refused.is_empty() {
            outcome.policy.is_some()
                && self.codes("warned").iter().all(|code| found.contains(code))
                && !self.codes("quiet").iter().any(|code| found.contains(code))
        } else {
            outcome.policy.is_none() && refused.iter().any(|code| found.contains(code))
        };
        let said = format!("{:?}", outcome.diagnostics);
        let says = |pattern: &&str| regex::Regex::new(pattern).unwrap().is_match(&said);
        if fits && self.codes("says").iter().all(says) {
            Ok(outcome.policy)
        } else {
            Err(format!(
                "{}: wanted {}, found {found:?}: {said}",
                self.name, self.expected
            ))
        }
    }

    fn compile(&self) -> Result<Option<Compiled>, String> {
        self.judge(Compiler::default().compile_path(&self.path).unwrap())
    }

    /// The calls, with their arguments as written: numbers keep their digits, and what is no JSON stays so.
    fn calls(&self) -> Vec<Asked> {
        let path = folder().join(format!("{}.suite.json", self.name));
        let text = fs::read_to_string(path).unwrap();
        let suite: Vec<BTreeMap<String, &RawValue>> = serde_json::from_str(&text).unwrap();
        let calls = suite.into_iter().map(|case| {
            let known = [
                "name",
                "role",
                "roles",
                "tool",
                "args",
                "facts",
                "expect",
                "violations",
            ];
            assert!(case.keys().all(|key| known.contains(&key.as_str())));
            let text = |key: &str| serde_json::from_str::<String>(case[key].get()).unwrap();
            let roles = match (case.get("role"), case.get("roles")) {
                (Some(_), None) => vec![text("role")],
                (None, Some(roles)) => serde_json::from_str(roles.get()).unwrap(),
                _ => Vec::new(),
            };
            let name = text("name");
            let remedied = self.expected["remedied"][&name].as_str();
            let expect = match remedied.filter(|_| self.remedied) {
                Some(expect) => expect.to_owned(),
                None => text("expect"),
            };
            Asked {
                name,
                call: Call {
                    roles,
                    tool: text("tool"),
                    args: case
                        .get("args")
                        .map_or("{}".to_owned(), |args| args.get().to_owned()),
                    facts: case.get("facts").map(|facts| facts.get().to_owned()),
                },
                expect,
                violations: case
                    .get("violations")
                    .map(|list| serde_json::from_str(list.get()).unwrap()),
            }
        });
        let calls: Vec<Asked> = calls.collect();
        assert!(!calls.is_empty(), "{}", self.name);
        calls
    }

    /// Where the answers are not what is meant. Whatever is no verdict is a denial, but nothing may break.
    fn ask(&self, engine: &str, mut answer: impl FnMut(&Call) -> Answer) -> Vec<String> {
        let calls = self.calls();
        let wrong = calls.iter().filter_map(|asked| {
            let answer = answer(&asked.call);
            let outcome = match &answer {
                Answer::Allow(_) => "allow",
                Answer::NeedsApproval(_) => "needs_approval",
                // What OPA cannot evaluate ends the module, and the call is denied.
                Answer::Broken(_) if engine != "opa" => "broken",
                _ => "deny",
            };
            let violations = match &answer {
                Answer::Deny(denial) => denial.violations.as_slice(),
                _ => &[],
            };
            let violated = asked.violations.as_deref().unwrap_or(violations);
            (outcome != asked.expect || violated != violations).then(|| {
                format!(
                    "{}, {} ({engine}): expected {} {violated:?}, came {answer:?}",
                    self.name, asked.name, asked.expect
                )
            })
        });
        wrong.collect()
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

fn assert_none(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} fail:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_index_names_every_case_once() {
    let mut expected = BTreeSet::from(["index.jsonl".to_owned()]);
    for case in cases() {
        for name in [
            case.path.file_name().unwrap().to_str().unwrap().to_owned(),
            format!("{}.suite.json", case.name),
        ] {
            assert!(expected.insert(name), "{} stands there twice", case.name);
        }
        for member in ["source", "about"] {
            let text = case.expected[member].as_str().unwrap();
            assert!(!text.is_empty(), "{}", case.name);
        }
    }
    let found: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn each_policy_is_accepted_or_refused_as_is_meant_and_decides_so() {
    let engine = hexgate_host::Engine::new().unwrap();
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| !case.is_rego()) {
        match case.compile() {
            Err(error) => wrong.push(error),
            Ok(None) => {}
            Ok(Some(policy)) => {
                let mut reference = Reference::open(&policy).unwrap();
                wrong.extend(case.ask("reference", |call| reference.answer(call)));
                let component = Component::load(&engine, &policy, true).unwrap();
                wrong.extend(case.ask("component", |call| component.answer(call)));
            }
        }
    }
    assert_none(&wrong);
}

/// Policies that the language page calls errors, in `tests/refusals`: each is refused, and what is said matches all of `says`.
#[test]
fn what_is_an_error_is_refused_with_the_words_that_help() {
    let file = folder().join("../refusals/refusals.jsonl");
    let mut wrong = Vec::new();
    for line in fs::read_to_string(file).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let outcome =
            Compiler::default().compile_str("policy.yaml", line["policy"].as_str().unwrap());
        let said = format!("{:?}", outcome.diagnostics);
        let says = |pattern: &Value| {
            let pattern = pattern.as_str().unwrap();
            regex::Regex::new(pattern).unwrap().is_match(&said)
        };
        let fits = outcome.policy.is_none() && line["says"].as_array().unwrap().iter().all(says);
        if !fits {
            wrong.push(format!("{line}: {said}"));
        }
    }
    assert_none(&wrong);
}

#[test]
fn each_remedy_meets_the_need() {
    let mut wrong = Vec::new();
    let mut remedies = 0;
    for mut case in cases() {
        let Some(remedy) = case.expected["remedy"].as_str() else {
            continue;
        };
        remedies += 1;
        let outcome = Compiler::default().compile_str("policy.yaml", remedy);
        let Some(policy) = outcome.policy else {
            wrong.push(format!("{}: {:?}", case.name, outcome.diagnostics));
            continue;
        };
        case.remedied = true;
        let mut reference = Reference::open(&policy).unwrap();
        wrong.extend(case.ask("reference", |call| reference.answer(call)));
    }
    assert!(remedies >= 5, "{remedies}");
    assert_none(&wrong);
}

#[test]
fn each_policy_decides_so_by_way_of_opa() {
    let Some(opa) = opa() else { return };
    let step = if hexgate_test_support::tools_required() {
        1
    } else {
        STEP
    };
    let engine = engines::keeping(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let (mut wrong, mut inexact) = (Vec::new(), 0);
    let yaml = cases().into_iter().filter(|case| !case.is_rego());
    let accepted = yaml.filter(|case| case.codes("refused").is_empty());
    for case in accepted.step_by(step) {
        let Ok(Some(policy)) = case.compile() else {
            wrong.push(format!("{} is refused", case.name));
            continue;
        };
        // What calculates is refused by name, and nothing else is.
        if let Err(Refusal::Inexact { .. }) = policy.rego() {
            inexact += 1;
            continue;
        }
        let component = policy.rego_component(&opa).unwrap();
        let component =
            Component::of_bytes(&engine, &component, hexgate_host::Isolation::Full).unwrap();
        wrong.extend(case.ask("rego", |call| component.answer(call)));
    }
    assert_none(&wrong);
    assert!(inexact <= 2, "{inexact} policies calculate");
}

#[test]
fn each_policy_in_rego_decides_as_is_meant() {
    if opa().is_none() {
        return;
    }
    let engine = hexgate_host::Engine::new().unwrap();
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| case.is_rego()) {
        let outcome = Compiler::default()
            .make(&case.path, None, &RegoOptions::default())
            .unwrap();
        match case.judge(outcome) {
            Err(error) => wrong.push(error),
            Ok(None) => {}
            Ok(Some(product)) => {
                assert!(matches!(product, Artifact::Rego(_)));
                let component = Component::of_bytes(
                    &engine,
                    product.component(),
                    hexgate_host::Isolation::Full,
                );
                let component = component.unwrap();
                wrong.extend(case.ask("opa", |call| component.answer(call)));
            }
        }
    }
    assert_none(&wrong);
}
