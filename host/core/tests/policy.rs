//! Loading bundles and deciding by them, through the public API only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use common::component;
use hexgate_host::bundle::{
    Claims, Draft, Expectation, PrivateKey, SealedBundle, Timestamp, TrustedKeys, UnverifiedBundle,
    VerifiedBundle,
};
use hexgate_host::{
    Clock, Coverage, DecideError, Engine, EngineError, ErrorKind, Exceeded, Field, Isolation,
    Limits, LoadError, Malformed, OptionError, Policy, Request,
};

fn seal(wasm: &[u8], change: impl FnOnce(&mut Claims)) -> (SealedBundle, TrustedKeys) {
    let key = PrivateKey::from_bytes(&[7; 32]);
    let mut claims = Claims::new("policy.yaml", "hexgate:policy@0.1.0", "other", "test 1");
    claims.agent = Some("bot".into());
    change(&mut claims);
    let draft = Draft {
        stem: "policy".parse().unwrap(),
        source: b"{}",
        rego: "",
        wasm,
        claims,
    };
    (
        draft.seal(Some(&key)).unwrap(),
        TrustedKeys::from(key.public_key()),
    )
}

fn verified(wasm: &[u8], change: impl FnOnce(&mut Claims)) -> VerifiedBundle {
    let (sealed, keys) = seal(wasm, change);
    let bundle = UnverifiedBundle::from_parts(sealed.into_parts("test")).unwrap();
    let expectation = Expectation::agent("bot").dangerous_ignore_validity();
    bundle
        .verify(&keys, &expectation, SystemTime::now())
        .unwrap()
}

/// A clock that shows what it was set to.
#[derive(Debug, Clone, Default)]
struct Manual {
    seconds: Arc<AtomicU64>,
    asked: Arc<AtomicU64>,
}

impl Clock for Manual {
    fn now(&self) -> SystemTime {
        self.asked.fetch_add(1, Ordering::Relaxed);
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }
}

fn at(seconds: u64) -> Option<Timestamp> {
    Timestamp::from_system_time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[test]
fn a_verified_bundle_decides() {
    let policy = Policy::load(&Engine::new().unwrap(), &verified(&component(""), |_| {})).unwrap();
    assert!(
        policy
            .decide(&Request::new("tool", "{}"))
            .unwrap()
            .is_allowed()
    );
    assert_eq!(
        (policy.about().coverage, policy.about().compiler.as_str()),
        (Coverage::Opaque, "floor")
    );
    assert!(!policy.is_of_known_engine());
    assert_eq!(policy.describe().unwrap().about, *policy.about());
    assert_eq!(policy.scope(0).unwrap(), None);
}

#[test]
fn outside_of_its_validity_a_policy_denies_all() {
    let clock = Manual::default();
    let engine = Engine::builder().clock(clock.clone()).build().unwrap();
    let bundle = verified(&component(""), |claims| {
        (claims.not_before, claims.expires_at) = (at(1000), at(2000))
    });
    let policy = Policy::load(&engine, &bundle).unwrap();
    let decide = |seconds| {
        clock.seconds.store(seconds, Ordering::Relaxed);
        policy.decide(&Request::new("tool", "{}"))
    };
    for (seconds, valid) in [
        (0, false),
        (999, false),
        (1000, true),
        (1999, true),
        (2000, false),
        (u64::MAX >> 16, false),
    ] {
        match decide(seconds) {
            Ok(verdict) => assert!(valid && verdict.is_allowed(), "{seconds}"),
            Err(error) => assert!(
                !valid && error.kind() == ErrorKind::Validity,
                "{seconds}: {error}"
            ),
        }
    }
    assert!(matches!(decide(999), Err(DecideError::NotYetValid { .. })));
    assert!(matches!(decide(2000), Err(DecideError::Expired { .. })));
    // Valid again as soon as the clock is right again: what is refused is the time, not the policy.
    assert!(decide(1500).is_ok());
}

#[test]
fn without_a_validity_the_clock_is_not_asked() {
    let clock = Manual::default();
    let engine = Engine::builder().clock(clock.clone()).build().unwrap();
    let policy = Policy::load(&engine, &verified(&component(""), |_| {})).unwrap();
    let _ = policy.decide(&Request::new("tool", "{}")).unwrap();
    assert_eq!(clock.asked.load(Ordering::Relaxed), 0);
}

/// Allows the first call of an instance, denies all others.
const COUNTER: &str = r#"
;; part decide
(global $calls (mut i32) (i32.const 0))
(data (i32.const 16) "\00\00\00\00\00\00\00\00\02")
(data (i32.const 64) "\00\00\00\00\00\00\00\00\00")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
  (select (i32.const 16) (i32.const 64) (i32.eq (global.get $calls) (i32.const 1))))
"#;

#[test]
fn a_claim_to_be_stateless_counts_only_where_the_operator_accepts_it() {
    for (claim, accept) in [(false, false), (true, false), (false, true), (true, true)] {
        let engine = Engine::builder()
            .accept_stateless_claims(accept)
            .build()
            .unwrap();
        let policy = Policy::load(
            &engine,
            &verified(&component(COUNTER), |claims| claims.stateless = claim),
        )
        .unwrap();
        let request = Request::new("tool", "{}");
        assert!(policy.decide(&request).unwrap().is_allowed());
        assert_eq!(
            policy.decide(&request).unwrap().is_allowed(),
            !(claim && accept),
            "{claim} {accept}"
        );
    }
}

#[test]
fn a_core_module_in_a_signed_bundle_is_refused() {
    let core = wat::parse_str("(module)").unwrap();
    let error = Policy::load(&Engine::new().unwrap(), &verified(&core, |_| {})).unwrap_err();
    assert!(matches!(error, LoadError::NotAComponent { .. }), "{error}");
}

#[test]
fn a_host_may_lower_what_a_policy_accepts() {
    let limits = Limits {
        arguments_bytes: 10,
        facts_bytes: 12,
        roles: 2,
        ..Limits::default()
    };
    let engine = Engine::builder().limits(limits).build().unwrap();
    let policy = Policy::dangerous_from_unverified_bytes(&engine, &component("")).unwrap();
    let decide = |request: &Request<'_>| policy.decide(request);
    let exceeded = |limit: &str, allowed| {
        DecideError::Exceeded(Exceeded {
            limit: limit.into(),
            allowed,
        })
    };
    assert!(
        decide(
            &Request::new("t", r#"{"a":1234}"#)
                .facts(r#"{"ctx": {} }"#)
                .roles(&["a", "b"])
        )
        .is_ok()
    );
    assert_eq!(
        decide(&Request::new("t", r#"{"a":12345}"#)),
        Err(exceeded("arguments-bytes", 10))
    );
    assert_eq!(
        decide(&Request::new("t", "{}").facts(r#"{"ctx":  {} }"#)),
        Err(exceeded("facts-bytes", 12))
    );
    assert_eq!(
        decide(&Request::new("t", "{}").roles(&["a"; 3])),
        Err(exceeded("roles", 2))
    );
}

#[test]
fn a_request_larger_than_the_memory_is_refused_before_it_is_copied() {
    let engine = Engine::builder()
        .limits(Limits {
            memory_bytes: 1 << 20,
            ..Limits::default()
        })
        .build()
        .unwrap();
    let policy = Policy::dangerous_from_unverified_bytes(&engine, &component("")).unwrap();
    let long = "x".repeat((1 << 20) + 1);
    let error = policy.decide(&Request::new(&long, "{}")).unwrap_err();
    assert_eq!(
        error,
        DecideError::Exceeded(Exceeded {
            limit: "memory-bytes".into(),
            allowed: 1 << 20
        })
    );
    // Just below it, the guest gets no memory for it.
    let error = policy
        .decide(&Request::new(&long[..1 << 20], ""))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Guest, "{error}");
}

#[test]
fn options_out_of_range_are_errors() {
    let error = Engine::builder()
        .limits(Limits {
            fuel: 0,
            ..Limits::default()
        })
        .build()
        .unwrap_err();
    assert!(
        matches!(
            error,
            EngineError::Option(OptionError::Value { name: "fuel", .. })
        ),
        "{error}"
    );
}

#[test]
fn instances_that_nobody_uses_make_room_for_others() {
    let limits = Limits {
        instances: 4,
        ..Limits::default()
    };
    let engine = Engine::builder()
        .limits(limits)
        .accept_stateless_claims(true)
        .build()
        .unwrap();
    let bundle = verified(&component(""), |claims| claims.stateless = true);
    let policies: Vec<Policy> = (0..20)
        .map(|_| Policy::load(&engine, &bundle).unwrap())
        .collect();
    for _ in 0..3 {
        for policy in &policies {
            assert!(
                policy
                    .decide(&Request::new("tool", "{}"))
                    .unwrap()
                    .is_allowed()
            );
        }
    }
}

#[test]
fn threads_that_find_no_instance_are_told_so() {
    // Long enough that decisions of several threads meet.
    const SLOW: &str = r#"
;; part decide
(data (i32.const 16) "\00\00\00\00\00\00\00\00\02")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (local $n i32)
  (loop $again (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3000000))))
  (i32.const 16))
"#;
    let engine = Engine::builder()
        .limits(Limits {
            instances: 1,
            ..Limits::default()
        })
        .build()
        .unwrap();
    let policy = Policy::dangerous_from_unverified_bytes(&engine, &component(SLOW)).unwrap();
    let busy = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..4)
                        .map(|_| policy.decide(&Request::new("t", "{}")))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let answers: Vec<_> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        for answer in &answers {
            assert!(
                matches!(answer, Ok(_) | Err(DecideError::Busy { .. })),
                "{answer:?}"
            );
        }
        answers.iter().filter(|answer| answer.is_err()).count()
    });
    assert!(busy > 0);
    assert!(
        policy
            .decide(&Request::new("t", "{}"))
            .unwrap()
            .is_allowed()
    );
}

#[test]
fn all_threads_get_the_same_verdicts() {
    let engine = Engine::builder()
        .accept_stateless_claims(true)
        .build()
        .unwrap();
    let policy = Policy::load(
        &engine,
        &verified(&component(""), |claims| claims.stateless = true),
    )
    .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    assert!(
                        policy
                            .decide(&Request::new("tool", "{}").roles(&["a", "b"]))
                            .unwrap()
                            .is_allowed()
                    );
                }
            });
        }
    });
}

#[test]
fn what_a_policy_says_about_a_request_arrives_whole() {
    const MALFORMED: &str = r#"
;; part decide
(data (i32.const 16) "\01\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\02\00\00\00\07\00\00\00\00\04\00\00\03\00\00\00")
(data (i32.const 1024) "bad")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 16))
"#;
    const EXCEEDED: &str = r#"
;; part decide
(data (i32.const 16) "\01\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\04\00\00\05\00\00\00\40\00\00\00\01\00\00\00")
(data (i32.const 1024) "depth")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 16))
"#;
    let engine = Engine::new().unwrap();
    let decide = |text| {
        let policy = Policy::dangerous_from_unverified_bytes(&engine, &component(text)).unwrap();
        policy.decide(&Request::new("t", "{}")).unwrap_err()
    };
    let malformed = decide(MALFORMED);
    assert_eq!(
        malformed,
        DecideError::Malformed(Malformed {
            field: Field::Arguments,
            offset: 7,
            reason: "bad".into()
        })
    );
    assert_eq!(malformed.kind(), ErrorKind::Malformed);
    assert_eq!(
        decide(EXCEEDED),
        DecideError::Exceeded(Exceeded {
            limit: "depth".into(),
            allowed: (1 << 32) + 64
        })
    );
}

#[test]
fn the_guest_sees_the_request_as_it_was_given() {
    // Denies with the tool, the arguments, the facts and the roles as they arrived.
    const ECHO: &str = r#"
;; part decide
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (memory.fill (i32.const 16) (i32.const 0) (i32.const 48))
  (i32.store (i32.const 28) (local.get 4))
  (i32.store (i32.const 32) (local.get 5))
  (i32.store (i32.const 36) (local.get 0))
  (i32.store (i32.const 40) (local.get 1))
  (i32.store (i32.const 44) (i32.const 1))
  (i32.store (i32.const 600) (local.get 2))
  (i32.store (i32.const 604) (local.get 3))
  (i32.store (i32.const 48) (i32.const 600))
  (i32.store (i32.const 52) (i32.const 1))
  (if (local.get 6) (then
    (i32.store (i32.const 608) (local.get 7))
    (i32.store (i32.const 612) (local.get 8))
    (i32.store (i32.const 56) (i32.const 608))
    (i32.store (i32.const 60) (i32.const 1))))
  (i32.const 16))
"#;
    let engine = Engine::new().unwrap();
    let policy = Policy::dangerous_from_unverified_bytes(&engine, &component(ECHO)).unwrap();
    let request = Request::new("tööl", "{\"a\": \"ä\"}")
        .roles(&["x", "", "yz"])
        .facts("{\"ctx\":{}}");
    let Ok(hexgate_host::Verdict::Deny(denial)) = policy.decide(&request) else {
        panic!("not a denial")
    };
    assert_eq!(denial.reason, "{\"a\": \"ä\"}");
    assert_eq!(denial.violations, ["x", "", "yz"]);
    let hint = denial.hint.unwrap();
    assert_eq!(
        (hint.allowed, hint.denied),
        (vec!["tööl".to_owned()], vec!["{\"ctx\":{}}".to_owned()])
    );
}

#[test]
fn full_isolation_is_for_any_component() {
    let engine = Engine::new().unwrap();
    let policy =
        Policy::dangerous_from_unverified_bytes_with(&engine, &component(""), Isolation::Full)
            .unwrap();
    assert!(
        policy
            .decide(&Request::new("tool", "{}"))
            .unwrap()
            .is_allowed()
    );
}
