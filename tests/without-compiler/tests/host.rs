//! Hosts with `default-features = false`.

use std::time::SystemTime;

use hexgate_compiler::{CONTRACT, Compiler};
use hexgate_component::{OpaquePlan, opaque_plan, wrap};
use hexgate_host::bundle::{Claims, Draft, Expectation, PrivateKey, TrustedKeys, UnverifiedBundle};
use hexgate_host::{Engine, ErrorKind, Isolation, LoadError, Policy, Request, Verdict};

const BILLING: &str = include_str!("../../../examples/policies/billing.yaml");
const REGO: &[u8] = include_bytes!("../../opa/plain.wasm");

fn component() -> Vec<u8> {
    let outcome = Compiler::default().compile_str("billing.yaml", BILLING);
    outcome.policy.unwrap().component
}

/// What is said of a component that is refused for want of a compiler.
fn refused(component: &[u8], isolation: Isolation) -> String {
    let engine = Engine::new().unwrap();
    let error = Policy::dangerous_from_unverified_bytes_with(&engine, component, isolation);
    let error = error.unwrap_err();
    assert!(matches!(error, LoadError::NoCompiler { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Host);
    error.to_string()
}

#[test]
fn a_signed_policy_of_the_known_engine_decides() {
    let (component, key) = (component(), PrivateKey::from_bytes(&[7; 32]));
    let draft = Draft {
        stem: "billing".parse().unwrap(),
        source: BILLING.as_bytes(),
        rego: "",
        wasm: &component,
        claims: Claims {
            agent: Some("support-bot".into()),
            ..Claims::new("billing.yaml", CONTRACT, "native", "test")
        },
    };
    let parts = draft.seal(Some(&key)).unwrap().into_parts("the bundle");
    let keys = TrustedKeys::from(key.public_key());
    let bundle = UnverifiedBundle::from_parts(parts)
        .unwrap()
        .verify(&keys, &Expectation::agent("support-bot"), SystemTime::now())
        .unwrap();
    let policy = Policy::load(&Engine::new().unwrap(), &bundle).unwrap();
    assert!(policy.is_of_known_engine());
    assert_eq!(
        policy.describe().unwrap().roles.len(),
        policy.about().roles as usize
    );

    let decide = |arguments: &str| {
        let request = Request::new("refund_order", arguments).roles(&["support"]);
        policy.decide(&request).unwrap()
    };
    assert!(decide(r#"{"amount": 12, "currency": "USD"}"#).is_allowed());
    let denied = decide(r#"{"amount": 12000, "currency": "USD"}"#);
    assert!(matches!(denied, Verdict::Deny(_)));
}

#[test]
fn everything_else_is_refused_with_the_remedy() {
    let mut changed = component();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let plan = opaque_plan(&OpaquePlan::new([0; 32], "test"));
    let rego = wrap(REGO, &plan).unwrap();
    for other in [&changed, &rego] {
        let error = refused(other, Isolation::AsKnown);
        assert!(
            error.contains("is not of the engine that this host ships")
                && error.ends_with("build `hexgate-host` with its feature `cranelift`"),
            "{error}"
        );
    }
    refused(&component(), Isolation::Full);
    refused(&component(), Isolation::DangerousNone);
}
