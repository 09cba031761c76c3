//! What version 0.1.0 of the contract left behind is loaded, and decides as it did.
#![cfg(feature = "cranelift")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{fs, path::PathBuf, time::SystemTime};

use hexgate_host::bundle::{Expectation, TrustedKeys, UnverifiedBundle};
use hexgate_host::{
    Coverage, DecideError, Engine, ErrorKind, PathScope, PathStyle, Policy, Request, Tools, Verdict,
};
use serde_json::{Value, json};

const NAMES: [&str; 4] = ["native", "rego", "rust", "opaque"];

fn fixture(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder
        .join("../../tests/fixtures/contract-0.1.0")
        .join(name)
}

fn load(engine: &Engine, name: &str) -> Policy {
    let file = match name {
        "native" => "shop.bundle/policy.wasm".to_owned(),
        other => format!("{other}.wasm"),
    };
    let wasm = fs::read(fixture(&file)).unwrap();
    Policy::dangerous_from_unverified_bytes(engine, &wasm).unwrap()
}

fn paths(paths: &PathScope) -> Value {
    assert!(paths.except.is_empty());
    json!({"allowed": paths.allowed, "denied": paths.denied})
}

/// An answer as the cases have it. What that version did not have is absent.
fn answered(policy: &Policy, roles: &[&str], request: &Request<'_>) -> Value {
    let granted = |outcome: &str, grant: hexgate_host::Grant| {
        let role = grant.role.map_or("default", |index| roles[index as usize]);
        let scope = grant.scope.map(|id| {
            let scope = policy.scope(id).unwrap().unwrap();
            assert!(!scope.search && scope.exclusions.is_empty());
            assert_eq!(scope.style, PathStyle::Posix);
            json!({
                "argument": scope.arguments[0],
                "allowed_paths": scope.paths.allowed,
                "denied_paths": scope.paths.denied,
            })
        });
        json!({"outcome": outcome, "role": role, "violations": [], "hint": null, "scope": scope})
    };
    match policy.decide(request).unwrap() {
        Verdict::Allow(grant) => granted("allow", grant),
        Verdict::NeedsApproval(needed) => {
            assert_eq!((needed.terms, &needed.message), (None, &None));
            granted("needs_approval", needed.grant)
        }
        Verdict::Deny(denial) => {
            assert_eq!(denial.message, None);
            json!({
                "outcome": "deny",
                "role": null,
                "reason": denial.reason,
                "violations": denial.violations,
                "hint": denial.hint.as_ref().map(paths),
                "scope": null,
            })
        }
    }
}

#[test]
fn each_component_decides_as_its_own_host_had_it() {
    let engine = Engine::new().unwrap();
    let cases: Value = serde_json::from_slice(&fs::read(fixture("cases.json")).unwrap()).unwrap();
    for name in NAMES {
        let policy = load(&engine, name);
        // Its engine is another one: each decision has an instance of its own.
        assert!(!policy.is_of_known_engine());
        let cases = cases[name].as_array().unwrap();
        assert!(cases.len() >= 4);
        for case in cases {
            let texts = case["roles"].as_array().unwrap();
            let roles: Vec<&str> = texts.iter().map(|role| role.as_str().unwrap()).collect();
            let request = Request::new(
                case["tool"].as_str().unwrap(),
                case["arguments"].as_str().unwrap(),
            );
            let request = request.roles(&roles).optional_facts(case["facts"].as_str());
            assert_eq!(
                answered(&policy, &roles, &request),
                case["answer"],
                "{name} {case}"
            );
        }
    }
}

#[test]
fn a_signed_bundle_is_verified_and_loaded() {
    let trusted = TrustedKeys::from_file(fixture("release.public")).unwrap();
    let bundle = UnverifiedBundle::read(fixture("shop.bundle")).unwrap();
    let verified = bundle
        .verify(&trusted, &Expectation::agent("shop-bot"), SystemTime::now())
        .unwrap();
    let policy = Policy::load(&Engine::new().unwrap(), &verified).unwrap();
    let request = Request::new("refund_order", r#"{"amount": 12, "currency": "USD"}"#);
    assert!(
        policy
            .decide(&request.roles(&["support"]))
            .unwrap()
            .is_allowed()
    );
}

#[test]
fn what_that_version_could_not_say_is_absent_or_an_error() {
    let engine = Engine::new().unwrap();
    for name in NAMES {
        let policy = load(&engine, name);
        let error = policy.covers(0, "docs/a.md").unwrap_err();
        assert!(
            matches!(error, DecideError::EarlierContract { .. }),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::Guest);
        assert!(error.to_string().ends_with("compile it again"), "{error}");
        assert_eq!(policy.terms(0).unwrap(), None);
        assert_eq!(policy.about().facts, ["ctx", "run", "user"]);

        let description = policy.describe().unwrap();
        let opaque = name == "opaque";
        assert_eq!(description.about.coverage == Coverage::Opaque, opaque);
        assert_eq!(description.roles.is_empty(), opaque);
        assert!(description.forbids.is_empty() && description.terms.is_empty());
        for role in &description.roles {
            assert_eq!(role.rules[0].tools, Tools::Unlisted);
            assert!(role.forbids.is_empty() && role.description.is_none());
        }
    }
    // Facts that it does not know are malformed to it, so denied.
    let policy = load(&engine, "native");
    let request = Request::new("view_orders", "{}").facts(r#"{"said": {}}"#);
    assert!(matches!(
        policy.decide(&request),
        Err(DecideError::Malformed(_))
    ));
}
