//! For whom and when a bundle may be used.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hexgate_bundle::{
    Claims, Digest, Draft, Expectation, Obligation, Parts, Timestamp, UnverifiedBundle,
    VerifiedBundle, VerifyError,
};

use crate::{fixture::*, reading::resign};

fn check(
    claims: Claims,
    expectation: &Expectation,
    now: SystemTime,
) -> Result<VerifiedBundle, VerifyError> {
    let parts = Draft { claims, ..draft() }
        .seal(Some(&key()))
        .unwrap()
        .into_parts("test");
    UnverifiedBundle::from_parts(parts)
        .unwrap()
        .verify(&trusted(), expectation, now)
}

fn bound(agent: Option<&str>, project: Option<&str>) -> Claims {
    Claims {
        agent: agent.map(str::to_owned),
        project: project.map(str::to_owned),
        ..claims()
    }
}

#[test]
fn a_bundle_is_accepted_for_exactly_what_it_names() {
    let bindings = [None, Some("a"), Some("b")];
    for agent in bindings {
        for project in bindings {
            for expected_agent in bindings {
                for expected_project in bindings {
                    let expectation = match (expected_agent, expected_project) {
                        (Some(agent), None) => Expectation::agent(agent),
                        (Some(agent), Some(project)) => {
                            Expectation::agent(agent).in_project(project)
                        }
                        (None, Some(project)) => Expectation::project(project),
                        (None, None) => Expectation::default(),
                    };
                    let case = format!(
                        "{agent:?} {project:?} for {expected_agent:?} {expected_project:?}"
                    );
                    let same = (agent, project) == (expected_agent, expected_project);
                    let accepted = check(bound(agent, project), &expectation, now()).is_ok();
                    assert_eq!(accepted, same && (agent, project) != (None, None), "{case}");

                    let open = expectation.dangerous_accept_unbound();
                    let fits = |bound: Option<&str>, expected| bound.is_none() || bound == expected;
                    let accepted = check(bound(agent, project), &open, now()).is_ok();
                    assert_eq!(
                        accepted,
                        fits(agent, expected_agent) && fits(project, expected_project),
                        "{case}"
                    );

                    check(
                        bound(agent, project),
                        &Expectation::dangerous_any_binding(),
                        now(),
                    )
                    .unwrap();
                }
            }
        }
    }
}

#[test]
fn says_what_a_bundle_is_bound_to() {
    let message = |claims, expectation: Expectation| {
        check(claims, &expectation, now()).unwrap_err().to_string()
    };
    says(
        &message(bound(Some("a"), None), Expectation::agent("b")),
        &["bound to the agent `a`", "`b` is expected"],
    );
    says(
        &message(bound(Some("a"), Some("p")), Expectation::agent("a")),
        &["bound to the project `p`", "no project is expected"],
    );
    says(
        &message(bound(None, Some("p")), Expectation::agent("a")),
        &["not bound to any agent", "--agent"],
    );
    says(
        &message(bound(None, None), Expectation::default()),
        &["bound to no agent and no project"],
    );
    // Case and Unicode form count: names are compared byte by byte.
    says(
        &message(bound(Some("Bot"), None), Expectation::agent("bot")),
        &["`Bot`", "`bot`"],
    );
}

#[test]
fn a_bundle_is_valid_from_its_first_second_up_to_its_last() {
    let at = |seconds| Timestamp::from_unix_seconds(seconds);
    let (from, until) = (1_000_000_000, 1_000_000_100);
    let window = || Claims {
        not_before: at(from),
        expires_at: at(until),
        ..claims()
    };
    let time = |seconds, nanos| UNIX_EPOCH + Duration::new(seconds, nanos);
    let verdict = |now| check(window(), &expectation(), now).map(|_| ());
    assert!(matches!(
        verdict(time(from - 1, 999_999_999)),
        Err(VerifyError::NotYetValid { .. })
    ));
    verdict(time(from, 0)).unwrap();
    verdict(time(until - 1, 999_999_999)).unwrap();
    assert!(matches!(
        verdict(time(until, 0)),
        Err(VerifyError::Expired { .. })
    ));
    assert!(matches!(
        verdict(UNIX_EPOCH - Duration::from_secs(1)),
        Err(VerifyError::Clock { .. })
    ));
    assert!(matches!(
        verdict(time(Timestamp::MAX.unix_seconds() + 1, 0)),
        Err(VerifyError::Clock { .. })
    ));
    says(
        &verdict(time(from - 1, 0)).unwrap_err().to_string(),
        &[
            "valid from 2001-09-09T01:46:40Z",
            "it is 2001-09-09T01:46:39Z",
        ],
    );
    says(
        &verdict(time(until, 0)).unwrap_err().to_string(),
        &["expired at 2001-09-09T01:48:20Z", "sign the policy again"],
    );

    let bundle = check(window(), &expectation(), time(from, 0)).unwrap();
    assert!(matches!(
        bundle.check_validity(time(until, 0)),
        Err(VerifyError::Expired { .. })
    ));
    check(
        window(),
        &expectation().dangerous_ignore_validity(),
        time(until, 0),
    )
    .unwrap();
    // Without a window no clock is needed.
    check(
        claims(),
        &expectation(),
        UNIX_EPOCH - Duration::from_secs(1),
    )
    .unwrap();
}

#[test]
fn a_sequence_number_below_the_minimum_is_refused() {
    for (minimum, accepted) in [(0, true), (7, true), (8, false), (u64::MAX, false)] {
        let outcome = check(claims(), &expectation().min_sequence(minimum), now());
        assert_eq!(outcome.is_ok(), accepted);
        if let Err(error) = outcome {
            says(
                &error.to_string(),
                &["sequence number 7", &format!("at least {minimum}")],
            );
        }
    }
}

#[test]
fn a_claim_that_breaks_a_rule_is_not_signed() {
    let refused = |claims| {
        Draft { claims, ..draft() }
            .seal(Some(&key()))
            .unwrap_err()
            .to_string()
    };
    says(
        &refused(Claims {
            sequence: 1 << 53,
            ..claims()
        }),
        &["`sequence` must be at most 9007199254740991"],
    );
    says(
        &refused(Claims {
            source: "../policy.yaml".into(),
            ..claims()
        }),
        &["`source` must be a plain file name"],
    );
    says(
        &refused(Claims {
            agent: Some(String::new()),
            ..claims()
        }),
        &["`agent` must be 1 to 256 bytes"],
    );
    let when = Timestamp::from_unix_seconds(5);
    says(
        &refused(Claims {
            not_before: when,
            expires_at: when,
            ..claims()
        }),
        &["`expires_at` must be later"],
    );
}

#[test]
fn rego_that_python_would_read_differently_is_not_signed() {
    let error = Draft {
        rego: "package policy\r\n",
        ..draft()
    }
    .seal(Some(&key()))
    .unwrap_err();
    says(&error.to_string(), &["carriage return", "line feeds only"]);
}

/// A bundle as the Python system signs it, with more keys if wanted.
fn version_1(extra: &str) -> Parts {
    let manifest = format!(
        "{{\n{extra}  \"rego_hash\": \"{}\",\n  \"source\": \"policy.yaml\",\n  \"source_hash\": \"{}\",\n  \"version\": 1,\n  \"wasm_hash\": \"{}\"\n}}\n",
        Digest::of(b""),
        Digest::of(SOURCE),
        Digest::of(WASM)
    );
    let signature = Some(resign(manifest.as_bytes(), [7; 32]));
    Parts {
        manifest: manifest.into_bytes(),
        signature,
        ..draft().seal(None).unwrap().into_parts("test")
    }
}

#[test]
fn version_1_needs_the_dangerous_name_and_has_no_sequence() {
    let verify = |expectation: Expectation| {
        UnverifiedBundle::from_parts(version_1(""))
            .unwrap()
            .verify(&trusted(), &expectation, now())
    };
    assert!(matches!(
        verify(expectation()),
        Err(VerifyError::Unbound { .. })
    ));
    assert!(matches!(
        verify(Expectation::default()),
        Err(VerifyError::BoundToNothing { .. })
    ));
    let bundle = verify(expectation().dangerous_accept_unbound()).unwrap();
    assert_eq!(
        (
            bundle.contents().manifest().version(),
            bundle.accepted_agent()
        ),
        (1, Some(AGENT))
    );
    let error = verify(expectation().dangerous_accept_unbound().min_sequence(0)).unwrap_err();
    says(&error.to_string(), &["no sequence number"]);
}

#[test]
fn an_obligation_that_is_not_honoured_is_a_refusal() {
    for (extra, obligation) in [
        (
            "  \"agent_gating\": {\"admission\": true},\n",
            Obligation::AgentGating,
        ),
        (
            "  \"guards\": {\"baseline\": {\"pii\": false}},\n",
            Obligation::Guards,
        ),
        (
            "  \"usage\": {\"on_unavailable\": \"deny\"},\n",
            Obligation::Usage,
        ),
    ] {
        let verify = |expectation: Expectation| {
            UnverifiedBundle::from_parts(version_1(extra))
                .unwrap()
                .verify(&trusted(), &expectation, now())
        };
        let open = expectation().dangerous_accept_unbound();
        says(
            &verify(open.clone()).unwrap_err().to_string(),
            &[&format!("demands `{}`", obligation.key())],
        );
        assert_eq!(
            verify(open.honours(obligation))
                .unwrap()
                .contents()
                .manifest()
                .obligations(),
            [obligation]
        );
    }
}

#[test]
fn a_version_1_bundle_without_a_module_decides_nothing() {
    let parts = version_1("");
    let manifest = String::from_utf8(parts.manifest.clone())
        .unwrap()
        .replace(&format!("\"{}\"", Digest::of(WASM)), "null")
        .into_bytes();
    let parts = Parts {
        signature: Some(resign(&manifest, [7; 32])),
        manifest,
        ..parts
    };
    let expectation = expectation().dangerous_accept_unbound();
    let error = UnverifiedBundle::from_parts(parts)
        .unwrap()
        .verify(&trusted(), &expectation, now())
        .unwrap_err();
    says(
        &error.to_string(),
        &["no `wasm_hash`", "compile the policy again"],
    );
}
