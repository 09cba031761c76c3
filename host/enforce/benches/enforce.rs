//! What enforcement costs beside the bare decision.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement fails by panicking"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, SystemTime};

use criterion::{Criterion, criterion_group, criterion_main};
use hexgate_enforce::audit::{AuditLog, DigestKey, Durability, Options};
use hexgate_enforce::scope::sync_scope;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::token::{Attenuation, RootKey, TokenVerifier, attenuate, mint};
use hexgate_enforce::{AuditRecorder, Call, Caller, Enforcer, LivePolicy, OnRecordFailure, Shadow};
use hexgate_host::bundle::PrivateKey;
use hexgate_host::{Engine, Request};

const BILLING: &str = include_str!("../../../examples/policies/billing.yaml");
const ARGUMENTS: &str = r#"{"amount": 42, "currency": "USD"}"#;
const DENIED: &str = r#"{"amount": 4200000, "currency": "USD"}"#;

struct Bench {
    live: LivePolicy,
    enforcer: Enforcer,
    _folder: tempfile::TempDir,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, BILLING).unwrap();
    let live = LivePolicy::open(
        &Engine::new().unwrap(),
        PolicyFile::dangerous_unsigned(&path),
    )
    .unwrap();
    // From then on the file counts as settled, and a look at it is a look at the file system.
    std::thread::sleep(Duration::from_secs(3));
    let _ = live.refresh();
    let enforcer = Enforcer::builder("support-bot", &live).build().unwrap();
    Bench {
        live,
        enforcer,
        _folder: folder,
    }
}

fn decisions(c: &mut Criterion) {
    let Bench {
        live,
        enforcer,
        _folder,
    } = &bench();
    let caller = Caller::builder("alice")
        .role("billing")
        .session("s-1")
        .attribute("plan", "pro")
        .build()
        .unwrap();
    let policy = live.policy();
    let facts = r#"{"user":{"id":"alice","session":"s-1"},"ctx":{"plan":"pro"}}"#;
    let mut group = c.benchmark_group("allow");
    group.bench_function("bare", |b| {
        let request = Request::new("refund_order", ARGUMENTS)
            .roles(&["billing"])
            .facts(facts);
        b.iter(|| assert!(policy.decide(black_box(&request)).unwrap().is_allowed()));
    });
    group.bench_function("decide", |b| {
        b.iter(|| {
            assert!(
                enforcer
                    .decide(black_box(&caller), "refund_order", ARGUMENTS)
                    .is_allowed()
            );
        });
    });
    group.bench_function("scope, decide, permit", |b| {
        b.iter(|| {
            sync_scope(&caller, || {
                enforcer
                    .authorize(Call::in_scope("refund_order", black_box(ARGUMENTS)))
                    .unwrap()
                    .into_parts()
            })
        });
    });
    group.finish();

    let mut group = c.benchmark_group("deny");
    group.bench_function("bare", |b| {
        let request = Request::new("refund_order", DENIED)
            .roles(&["billing"])
            .facts(facts);
        b.iter(|| assert!(policy.decide(black_box(&request)).unwrap().is_denied()));
    });
    group.bench_function("scope, decide, render", |b| {
        b.iter(|| {
            sync_scope(&caller, || {
                let decision = enforcer.decide_in_scope("refund_order", black_box(DENIED));
                let payload = serde_json::to_string(&decision.payload()).unwrap();
                (payload, decision.model_message())
            })
        });
    });
    group.finish();
}

/// The same with the record in the log: in the page cache when the decision is handed out.
fn records(c: &mut Criterion) {
    let Bench { live, _folder, .. } = &bench();
    let folder = tempfile::tempdir().unwrap();
    let caller = Caller::builder("alice")
        .role("billing")
        .session("s-1")
        .attribute("plan", "pro")
        .build()
        .unwrap();
    let mut group = c.benchmark_group("recorded");
    for (name, arguments, sync) in [
        (
            "allow",
            ARGUMENTS,
            Durability::Every(Duration::from_secs(1)),
        ),
        (
            "deny, render",
            DENIED,
            Durability::Every(Duration::from_secs(1)),
        ),
        ("allow, on the disk", ARGUMENTS, Durability::Each),
    ] {
        let mut options = Options::new(DigestKey::from_bytes(&[5; 32]));
        options.durability = sync;
        let path = folder.path().join(name.replace(", ", "-"));
        let log = AuditLog::open(path, options, SystemTime::now()).unwrap();
        let enforcer = Enforcer::builder("support-bot", live)
            .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
            .build()
            .unwrap();
        group.bench_function(name, |b| {
            b.iter(|| {
                sync_scope(&caller, || {
                    let decision = enforcer.decide_in_scope("refund_order", black_box(arguments));
                    let payload = serde_json::to_string(&decision.payload()).unwrap();
                    (payload, decision.model_message())
                })
            });
        });
        assert_eq!(enforcer.counts().not_recorded, 0);
    }
    group.finish();
}

/// What a candidate beside the live policy, and spans and metrics, add.
fn beside(c: &mut Criterion) {
    let Bench { live, _folder, .. } = &bench();
    let caller = Caller::builder("alice").role("billing").build().unwrap();
    let mut group = c.benchmark_group("beside");
    let mut measure = |name: &str, enforcer: Enforcer| {
        group.bench_function(name, |b| {
            b.iter(|| {
                assert!(
                    enforcer
                        .decide(black_box(&caller), "refund_order", ARGUMENTS)
                        .is_allowed()
                );
            });
        });
    };
    let builder = || Enforcer::builder("support-bot", live);
    measure("nothing", builder().build().unwrap());
    let candidate = Shadow::new(live).budget(Duration::MAX);
    measure("a candidate", builder().shadow(candidate).build().unwrap());
    #[cfg(feature = "opentelemetry")]
    {
        use hexgate_enforce::telemetry::Telemetry;
        use opentelemetry_sdk::metrics::SdkMeterProvider;
        use opentelemetry_sdk::trace::SdkTracerProvider;
        // Spans are made and thrown away, metrics are added up: without what an exporter takes.
        let tracers = SdkTracerProvider::builder().build();
        let meters = SdkMeterProvider::builder().build();
        let telemetry = Telemetry::of(&tracers, &meters).unwrap();
        measure(
            "spans and metrics",
            builder().telemetry(&telemetry).build().unwrap(),
        );
        println!("not told: {}", telemetry.dropped());
    }
    group.finish();
}

fn tokens(c: &mut Criterion) {
    let Bench { enforcer, .. } = &bench();
    let root = [7; 32];
    let public = PrivateKey::from_bytes(&root).public_key();
    let issuer = TokenVerifier::new([public], "live", "acme").unwrap();
    let project = mint(&RootKey::from_bytes(&root).unwrap(), "live", "acme").unwrap();
    let attenuation = Attenuation {
        user: "alice".into(),
        roles: vec!["billing".into()],
        expires_at: Some(SystemTime::now() + Duration::from_secs(86_400)),
    };
    let envelope = attenuate(&project, &issuer, &attenuation).unwrap();
    let mut group = c.benchmark_group("token");
    group.bench_function("verify", |b| {
        b.iter(|| {
            issuer
                .verify(black_box(&envelope), SystemTime::now())
                .unwrap()
        });
    });
    let token = issuer.verify(&envelope, SystemTime::now()).unwrap();
    let caller = token.caller(None, BTreeMap::new()).unwrap();
    group.bench_function("decide", |b| {
        b.iter(|| {
            assert!(
                enforcer
                    .decide(black_box(&caller), "refund_order", ARGUMENTS)
                    .is_allowed()
            );
        });
    });
    group.finish();
}

fn turns(c: &mut Criterion) {
    let Bench { enforcer, .. } = &bench();
    c.bench_function("turn, nothing changed", |b| {
        b.iter(|| black_box(enforcer.begin_turn()));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    targets = decisions, records, beside, tokens, turns
}
criterion_main!(benches);
