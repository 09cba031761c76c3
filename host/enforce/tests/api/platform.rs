//! The platform as the source of a policy.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hexgate_compiler::Release;
use hexgate_enforce::LivePolicy;
use hexgate_enforce::platform::{Address, Platform};
use hexgate_enforce::resolve::{Environment, Resolver};
use serde_json::{Value, json};

use crate::fixture::*;
use crate::server::*;

const CLOSED: &str = "{}";

fn without(mut payload: Value, member: &str) -> Value {
    payload[member] = Value::Null;
    payload
}

fn with(mut payload: Value, member: &str, value: &str) -> Value {
    payload[member] = value.into();
    payload
}

/// What must not become the policy, and what is said about it.
fn bad_answers() -> Vec<(&'static str, Value)> {
    let open = BILLING.replace("args.amount <= 50", "args.amount <= 5000");
    let good = || payload(&open, &terms(9), Some(1));
    let bound = |agent: Option<&str>, project: Option<&str>| {
        let release = Release {
            agent: agent.map(Into::into),
            project: project.map(Into::into),
            ..release(9)
        };
        payload(&open, &release, Some(1))
    };
    let expired = Release {
        expires_at: hexgate_compiler::bundle::Timestamp::from_unix_seconds(1_000),
        ..terms(9)
    };
    let yaml_only = json!({"policy_yaml": open});
    vec![
        ("no bundle", yaml_only.clone()),
        ("no bundle", with(yaml_only, "bundle_signature_b64", "")),
        (
            "without its signature",
            without(good(), "bundle_signature_b64"),
        ),
        (
            "without its signature",
            with(good(), "bundle_signature_b64", ""),
        ),
        ("without its manifest", without(good(), "bundle_manifest")),
        ("without its component", without(good(), "bundle_wasm_b64")),
        ("not base64", with(good(), "bundle_wasm_b64", "-_-_")),
        ("64", with(good(), "bundle_signature_b64", "AAAA")),
        ("trusted key", payload(&open, &terms(9), Some(2))),
        (
            "trusted key",
            with(good(), "bundle_signature_b64", &STANDARD.encode([0; 64])),
        ),
        (
            "the component",
            with(good(), "bundle_wasm_b64", &STANDARD.encode(b"\0asm")),
        ),
        ("`other-bot`", bound(Some("other-bot"), Some("acme"))),
        ("`other`", bound(Some(AGENT), Some("other"))),
        ("project", bound(Some(AGENT), None)),
        ("expired", payload(&open, &expired, Some(1))),
        ("cannot be read", json!(["a list"])),
        ("cannot be read", json!({"bundle_wasm_b64": 7})),
    ]
}

#[test]
fn a_policy_comes_from_the_platform_and_changes_in_the_background() {
    let server = Server::start();
    let live = server.open();
    assert!(may_view(&live));
    assert_eq!(live.id().project.as_deref(), Some("acme"));
    // Nothing changes, and nothing is sent.
    wait(|| server.not_modified.load(Ordering::SeqCst) > 3);
    assert!(live.failure().is_none());
    server.says(payload(CLOSED, &terms(6), Some(1)));
    wait(|| !may_view(&live));
    server.says(payload(BILLING, &terms(7), Some(1)));
    wait(|| may_view(&live));
    assert_eq!(live.id().sequence, Some(7));
    let seen = server.seen.lock().unwrap().clone();
    assert!(
        seen.iter()
            .all(|line| line == "support-bot true application/json"),
        "{:?}",
        seen.first()
    );
    // The work ends with the policy.
    drop(live);
    thread::sleep(Duration::from_millis(100));
    let after = server.requests.load(Ordering::SeqCst);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(server.requests.load(Ordering::SeqCst), after);
}

#[test]
fn what_must_not_decide_does_not_and_is_named() {
    let server = Server::start();
    let live = server.open();
    let good = live.id();
    let mut answers = bad_answers();
    answers.push(("sequence number 4", payload(CLOSED, &terms(4), Some(1))));
    answers.push(("no sequence number", payload(CLOSED, &terms(0), Some(1))));
    answers.push((
        "belongs to another bundle",
        payload(CLOSED, &terms(5), Some(1)),
    ));
    for (why, body) in answers {
        server.says(body.clone());
        wait(|| {
            live.failure()
                .is_some_and(|failure| failure.to_string().contains(why))
        });
        server.looked_at();
        assert!(live.failure().is_some(), "{why}");
        assert_eq!(*live.id(), *good, "{why}");
        assert!(may_view(&live), "{why}");
        // A turn that begins says so too.
        assert!(matches!(live.refresh(), hexgate_enforce::Refresh::Kept(_)));
    }
    server.says(payload(BILLING, &terms(5), Some(1)));
    wait(|| live.failure().is_none());
}

#[test]
fn what_must_not_decide_is_not_opened() {
    let server = Server::start();
    for (why, body) in bad_answers() {
        server.says(body);
        let error = server.refused();
        assert!(error.contains(why), "{why}: {error}");
    }
}

#[test]
fn a_platform_that_is_out_of_order_changes_nothing() {
    let server = Server::start();
    let live = server.open();
    let open = payload(BILLING, &terms(9), Some(1));
    let modes = |server: &Server| {
        vec![
            (
                Mode::Status(StatusCode::INTERNAL_SERVER_ERROR),
                "status 500",
            ),
            (Mode::Status(StatusCode::UNAUTHORIZED), "refuses the token"),
            (Mode::Status(StatusCode::FORBIDDEN), "refuses the token"),
            (
                Mode::Status(StatusCode::NOT_FOUND),
                "does not know the agent",
            ),
            (Mode::Status(StatusCode::NO_CONTENT), "status 204"),
            (
                Mode::Redirect(format!("{}/elsewhere", server.url)),
                "status 302",
            ),
            (Mode::Hang, "did not answer in time"),
            (Mode::Half, "cannot be reached"),
            (Mode::Text("<html>".into()), "cannot be read"),
            (Mode::Text(String::new()), "cannot be read"),
        ]
    };
    for (mode, why) in modes(&server) {
        server.behaves(mode);
        wait(|| {
            live.failure()
                .is_some_and(|failure| failure.to_string().contains(why))
        });
        assert!(may_view(&live), "{why}");
        let shown = live.failure().unwrap().to_string();
        assert!(
            !shown.contains('\u{1b}') && !shown.contains("fty_"),
            "{shown}"
        );
    }
    for (mode, why) in modes(&server) {
        server.behaves(mode);
        let error = server.refused();
        assert!(error.contains(why), "{why}: {error}");
    }
    server.behaves(Mode::NothingChanged);
    assert!(server.refused().contains("never sent"));
    assert!(
        !server
            .seen
            .lock()
            .unwrap()
            .contains(&"elsewhere".to_owned())
    );
    server.says(open);
    wait(|| live.failure().is_none() && live.id().sequence == Some(9));
}

#[test]
fn an_answer_that_is_long_may_take_longer_than_to_begin_with_it() {
    let server = Server::start();
    let live = server.open();
    server.change(|answers| {
        // Longer than a conditional request may take until it is answered, and shorter than an answer may be.
        answers.mode = Mode::Slow(Duration::from_millis(600));
        answers.body = payload(CLOSED, &terms(6), Some(1));
    });
    wait(|| !may_view(&live));
    assert!(live.failure().is_none());
}

#[test]
fn a_tag_saves_bytes_and_means_nothing() {
    let server = Server::start();
    server.behaves(Mode::OneTag);
    let live = server.open();
    // The tag stays, and the policy behind it does not.
    server.change(|answers| answers.body = payload(CLOSED, &terms(6), Some(1)));
    wait(|| !may_view(&live));
    // Another tag for the same bytes is no other policy.
    let before = live.id();
    server.says(payload(CLOSED, &terms(6), Some(1)));
    server.looked_at();
    assert!(Arc::ptr_eq(&before, &live.id()));
    // "Nothing changed", for ever: then it does not change, and what is past its validity denies all the same.
    server.says(payload(BILLING, &terms(7), Some(1)));
    wait(|| may_view(&live));
    server.behaves(Mode::NothingChanged);
    server.change(|answers| answers.body = payload(CLOSED, &terms(8), Some(1)));
    server.looked_at();
    assert!(may_view(&live) && live.failure().is_none());
}

#[test]
fn keys_are_pinned_and_can_be_withdrawn() {
    let server = Server::start();
    let open = |platform: Platform| {
        platform
            .open(LivePolicy::builder(&engine()))
            .map_err(|error| error.to_string())
    };
    // A list that names another key, or none, does not make the pinned one less needed.
    for keys in [list(&[2]), list(&[])] {
        server.change(|answers| answers.keys = Some(keys));
        assert!(server.refused().contains("none of the pinned keys"));
    }
    server.change(|answers| answers.keys = Some(json!({"keys": [{"x": "AAAA"}]})));
    assert!(server.refused().contains("list of the platform's keys"));
    server.change(|answers| answers.keys = None);
    assert!(open(server.platform()).is_ok());

    // Both keys are pinned and named: the second takes over, and the first is withdrawn.
    server.change(|answers| answers.keys = Some(list(&[1, 2])));
    let live = open(server.platform().pin(key(2).public_key())).unwrap();
    server.change(|answers| {
        answers.keys = Some(list(&[2]));
        answers.body = payload(CLOSED, &terms(6), Some(1));
    });
    wait(|| {
        live.failure()
            .is_some_and(|failure| failure.to_string().contains("trusted key"))
    });
    assert!(may_view(&live));
    server.says(payload(CLOSED, &terms(6), Some(2)));
    wait(|| !may_view(&live));
    assert_eq!(live.id().signer, Some(key(2).public_key().id()));
    // The signer of the policy that decides is withdrawn, and nothing else changes: that is said, and the policy stays.
    server.answers.lock().unwrap().keys = Some(list(&[1]));
    let withdrawn = "none of the pinned keys";
    wait(|| {
        live.failure()
            .is_some_and(|error| error.to_string().contains(withdrawn))
    });
    assert!(!may_view(&live));
    server.answers.lock().unwrap().keys = Some(list(&[2]));
    wait(|| live.failure().is_none());

    // The token is shown to nobody before a pinned key is known to have begun it.
    let asked = server.requests.load(Ordering::SeqCst);
    drop(live);
    server.change(|answers| answers.keys = Some(list(&[1])));
    let error = open(server.platform_of(&token(2))).unwrap_err();
    assert!(error.contains("not signed by a trusted key"), "{error}");
    wait(|| server.requests.load(Ordering::SeqCst) <= asked + 1);

    // Without a pin nothing is trusted, unless somebody asks for danger.
    let unpinned = || Platform::new(AGENT, token(1), Address::parse(&server.url).unwrap());
    assert!(open(unpinned()).unwrap_err().contains("pin one"));
    server.says(payload(BILLING, &terms(7), Some(1)));
    assert!(open(unpinned().dangerous_trust_on_first_use()).is_ok());
}

#[test]
fn the_environment_leads_to_the_platform() {
    let server = Server::start();
    let token = token(1);
    let public = key(1).public_key().to_text();
    let mut variables = vec![
        ("HEXGATE_API_KEY", token.expose()),
        ("HEXGATE_API_URL", &server.url),
        ("HEXGATE_PUBLIC_KEY", &public),
    ];
    let resolve = |variables: &[(&str, &str)]| {
        let environment: Environment = variables.iter().copied().collect();
        Resolver::new(AGENT, &engine()).resolve(&environment)
    };
    let resolved = resolve(&variables).unwrap();
    assert!(may_view(&resolved.live));
    let [notice] = &resolved.notices[..] else {
        panic!("{:?}", resolved.notices);
    };
    assert!(
        notice.contains("number 5") && notice.contains("HEXGATE_BUNDLE_SEQUENCES_PATH"),
        "{notice}"
    );
    // With a place to remember numbers in, there is nothing to say, and no older one comes after a restart.
    let folder = tempfile::tempdir().unwrap();
    let sequences = folder.path().join("sequences").display().to_string();
    variables.push(("HEXGATE_BUNDLE_SEQUENCES_PATH", &sequences));
    assert_eq!(resolve(&variables).unwrap().notices, [""; 0]);
    server.says(payload(CLOSED, &terms(4), Some(1)));
    let older = resolve(&variables).unwrap_err().to_string();
    assert!(older.contains("5 was already in use"), "{older}");
    server.says(payload(CLOSED, &terms(5), Some(1)));
    let another = resolve(&variables).unwrap_err().to_string();
    assert!(another.contains("belongs to another bundle"), "{another}");
    variables.pop();
    server.says(payload(BILLING, &terms(0), Some(1)));
    let resolved = resolve(&variables).unwrap();
    assert!(
        resolved.notices.len() == 1 && resolved.notices[0].contains("has no sequence number"),
        "{:?}",
        resolved.notices
    );
    // What must be signed here is not a matter of the environment.
    for require in ["true", "false"] {
        variables.push(("HEXGATE_BUNDLE_REQUIRE_SIGNATURE", require));
        server.says(payload(BILLING, &terms(9), None));
        assert!(
            resolve(&variables)
                .unwrap_err()
                .to_string()
                .contains("without its signature")
        );
        server.says(json!({"policy_yaml": BILLING}));
        assert!(
            resolve(&variables)
                .unwrap_err()
                .to_string()
                .contains("no bundle")
        );
        server.says(payload(BILLING, &terms(9), Some(2)));
        assert!(
            resolve(&variables)
                .unwrap_err()
                .to_string()
                .contains("trusted key")
        );
        server.says(payload(BILLING, &terms(9), Some(1)));
        assert!(resolve(&variables).is_ok());
        variables.pop();
    }
}
