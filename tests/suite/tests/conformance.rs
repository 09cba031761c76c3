//! Every numbered case, through every engine.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::{collections::BTreeMap, fmt::Write as _};

use hexgate_compiler::Compiled;
use hexgate_tests::{
    case::{Answer, Call},
    engines::{self, Component, Reference},
    json::Json,
    oracle,
    vectors::{self, Vector},
};

/// Vectors that the engines are known not to agree with, each with the reason. One that passes has to go from here.
const DISPUTED: [(&str, &str); 0] = [];

/// Runs all vectors, policy by policy. `answers` gets one policy and all calls of it.
fn run(answers: impl Fn(&Compiled, &[&Call]) -> Vec<Answer>) {
    let all = vectors::all().unwrap();
    let mut wrong = String::new();
    let mut count = 0;
    for (policy, vectors) in by_policy(&all) {
        let compiled = match engines::compile(&policy) {
            Ok(compiled) => compiled,
            Err(refused) => {
                for vector in vectors {
                    let _ = writeln!(wrong, "{} ({}): {refused}", vector.id, vector.why);
                }
                continue;
            }
        };
        let calls: Vec<&Call> = vectors.iter().map(|vector| &vector.case.call).collect();
        let answers = answers(&compiled, &calls);
        assert_eq!(answers.len(), vectors.len());
        for (vector, answer) in vectors.iter().zip(answers) {
            count += 1;
            match (
                vector.check(&answer),
                DISPUTED.iter().find(|(id, _)| *id == vector.id),
            ) {
                (Ok(()), None) | (Err(_), Some(_)) => {}
                (Ok(()), Some((id, reason))) => {
                    let _ = writeln!(wrong, "{id} passes now and is no longer disputed: {reason}");
                }
                (Err(error), None) => {
                    let _ = writeln!(wrong, "{} ({}): {error}", vector.id, vector.why);
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} vectors fail:\n{wrong}",
        wrong.lines().count(),
        all.len()
    );
    assert_eq!(count, all.len());
}

fn by_policy(all: &[Vector]) -> BTreeMap<String, Vec<&Vector>> {
    let mut out: BTreeMap<String, Vec<&Vector>> = BTreeMap::new();
    for vector in all {
        out.entry(vector.case.policy.to_string())
            .or_default()
            .push(vector);
    }
    out
}

#[test]
fn the_oracle_agrees_with_every_vector() {
    let all = vectors::all().unwrap();
    assert!(all.len() >= 1_000, "only {} vectors were found", all.len());
    let mut wrong = Vec::new();
    for vector in &all {
        let answer = oracle::answer(&vector.case).map_err(|error| format!("refused: {error}"));
        if let Err(error) = answer.and_then(|answer| vector.check(&answer)) {
            wrong.push(format!("{} ({}): {error}", vector.id, vector.why));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} vectors fail:\n{}",
        wrong.len(),
        all.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_reference_evaluator_agrees_with_every_vector() {
    run(|policy, calls| {
        let mut reference = Reference::open(policy).unwrap();
        calls.iter().map(|call| reference.answer(call)).collect()
    });
}

#[test]
fn the_component_agrees_with_every_vector() {
    let engine = hexgate_host::Engine::new().unwrap();
    run(|policy, calls| {
        let component = Component::load(&engine, policy, true).unwrap();
        calls.iter().map(|call| component.answer(call)).collect()
    });
}

/// For further paths that a tool finds.
#[test]
fn scopes_of_grants_cover_what_every_vector_says() {
    let engine = hexgate_host::Engine::new().unwrap();
    let mut paths = 0;
    for vector in vectors::all().unwrap() {
        if vector.covers().next().is_none() {
            continue;
        }
        let compiled = engines::compile(&vector.case.policy.to_string()).unwrap();
        let mut reference = Reference::open(&compiled).unwrap();
        let component = Component::load(&engine, &compiled, true).unwrap();
        let call = &vector.case.call;
        let answer = oracle::answer(&vector.case).unwrap();
        let bounds = vectors::granted(&answer).unwrap().scope.as_ref().unwrap();
        for (path, covered) in vector.covers() {
            paths += 1;
            let id = &vector.id;
            assert_eq!(oracle::covers(bounds, path), covered, "{id} {path:?}");
            assert_eq!(reference.covers(call, path), Some(covered), "{id} {path:?}");
            assert_eq!(component.covers(call, path), Some(covered), "{id} {path:?}");
        }
    }
    assert!(paths > 40, "{paths}");
}

#[test]
fn ids_are_unique() {
    let mut ids: Vec<String> = vectors::all()
        .unwrap()
        .into_iter()
        .map(|vector| vector.id)
        .collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

/// Texts that are too long for a vector file: each limit on both sides.
#[test]
fn the_longest_texts_are_accepted_and_one_more_byte_is_not() {
    const MOST: usize = 1 << 20;
    let policy = r#"{"version": 1, "tools": {"t": {"mode": "allow"}, "c": {"mode": "allow", "constraints": ["count(args.a) == 1048566"]}}}"#;
    let compiled = engines::compile(policy).unwrap();
    let engine = hexgate_host::Engine::new().unwrap();
    let component = Component::load(&engine, &compiled, true).unwrap();
    let mut reference = Reference::open(&compiled).unwrap();
    let document = hexgate_tests::json::parse(policy).unwrap();
    let resolved = oracle::resolve(&document).unwrap();

    let padded = |length: usize| format!("{{\"a\": \"{}\"}}", "x".repeat(length - 9));
    let listed = |length: usize| {
        format!("{{\"a\":[0{}]}}", ",0".repeat((length - 9) / 2)) + &" ".repeat((length - 9) % 2)
    };
    let spaced = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    let members = |count: usize| {
        let members: Vec<String> = (0..count).map(|index| format!("\"k{index}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    let call = |tool: &str, args: String, facts: Option<String>| Call {
        roles: Vec::new(),
        tool: tool.to_owned(),
        args,
        facts,
    };
    let exceeded = |limit: &str| Answer::Exceeded(limit.to_owned());
    let allowed = Answer::Allow(hexgate_tests::case::Grant {
        role: None,
        scope: None,
    });
    let cases = [
        (
            "one text, longest",
            call("t", padded(MOST), None),
            allowed.clone(),
        ),
        (
            "one text, one byte more",
            call("t", padded(MOST + 1), None),
            exceeded("arguments-bytes"),
        ),
        (
            "many elements, longest",
            call("t", listed(MOST), None),
            allowed.clone(),
        ),
        (
            "many elements, one byte more",
            call("t", listed(MOST + 1), None),
            exceeded("arguments-bytes"),
        ),
        (
            "white space, longest",
            call("t", spaced(MOST), None),
            allowed.clone(),
        ),
        (
            "white space, one byte more",
            call("t", spaced(MOST + 1), None),
            exceeded("arguments-bytes"),
        ),
        (
            "longest and malformed",
            call("t", " ".repeat(MOST), None),
            Answer::Malformed("arguments"),
        ),
        (
            "too long comes before malformed",
            call("t", " ".repeat(MOST + 1), None),
            exceeded("arguments-bytes"),
        ),
        (
            "facts, longest",
            call("t", "{}".to_owned(), Some(spaced(MOST))),
            allowed.clone(),
        ),
        (
            "facts, one byte more",
            call("t", "{}".to_owned(), Some(spaced(MOST + 1))),
            exceeded("facts-bytes"),
        ),
        (
            "both longest",
            call("t", listed(MOST), Some(spaced(MOST))),
            allowed.clone(),
        ),
        (
            "two thousand members",
            call("t", members(2_000), None),
            allowed.clone(),
        ),
        (
            "a count over the whole text",
            call("c", padded(1_048_566 + 9), None),
            allowed,
        ),
    ];
    for (name, call, expected) in cases {
        for (engine, answer) in [
            ("oracle", oracle::decide(&resolved, &call)),
            ("reference", reference.answer(&call)),
            ("component", component.answer(&call)),
        ] {
            assert!(
                answer == expected,
                "{engine}, {name}: expected {expected:?}, got {answer:?}"
            );
        }
    }
}

/// A policy that is compiled for shorter texts says so itself.
#[test]
fn a_policy_counts_its_own_limits() {
    let limits = hexgate_compiler::model::Limits {
        arguments_bytes: 10,
        facts_bytes: 20,
    };
    let compiler =
        hexgate_compiler::Compiler::new(hexgate_compiler::Options::default().with_limits(limits));
    let outcome = compiler.compile_str("policy.yaml", "{tools: {t: {mode: allow}}}");
    let compiled = outcome.policy.unwrap();
    let engine = hexgate_host::Engine::new().unwrap();
    let component = Component::load(&engine, &compiled, true).unwrap();
    let mut reference = Reference::open(&compiled).unwrap();
    for (args, facts, expected) in [
        (10, 20, None),
        (11, 20, Some("arguments-bytes")),
        (10, 21, Some("facts-bytes")),
        (11, 21, Some("arguments-bytes")),
    ] {
        let spaced = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
        let call = Call {
            roles: Vec::new(),
            tool: "t".to_owned(),
            args: spaced(args),
            facts: Some(spaced(facts)),
        };
        for answer in [reference.answer(&call), component.answer(&call)] {
            match expected {
                None => assert!(
                    matches!(answer, Answer::Allow(_)),
                    "{args} {facts}: {answer:?}"
                ),
                Some(limit) => {
                    assert_eq!(answer, Answer::Exceeded(limit.to_owned()), "{args} {facts}")
                }
            }
        }
    }
}

/// What an answer is made of reaches the host as it left the guest, whatever kept it in between.
#[test]
fn a_fresh_instance_answers_as_a_kept_one() {
    let engine = hexgate_host::Engine::new().unwrap();
    let all = vectors::all().unwrap();
    for (policy, vectors) in by_policy(&all).into_iter().step_by(9) {
        let compiled = engines::compile(&policy).unwrap();
        let kept = Component::load(&engine, &compiled, true).unwrap();
        let fresh = Component::load(&engine, &compiled, false).unwrap();
        for vector in vectors {
            let call = &vector.case.call;
            assert_eq!(kept.answer(call), fresh.answer(call), "{}", vector.id);
        }
    }
    // The JSON form that the policies are read in must not hide that there are none.
    assert!(all.iter().any(|vector| {
        vector
            .case
            .policy
            .member("roles")
            .is_some_and(|roles| *roles != Json::Null)
    }));
}
