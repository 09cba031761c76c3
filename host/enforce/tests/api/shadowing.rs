//! A candidate beside the live policy: what it says is recorded, and never acts.

use std::fs;
use std::time::{Duration, SystemTime};

use hexgate_compiler::Compiler;
use hexgate_compiler::bundle::Expectation;
use hexgate_enforce::audit::{
    Anchors, AuditLog, By, DigestKey, Effect, KeptAs, Options, Replayed, replay, verify,
};
use hexgate_enforce::source::{BundleDir, PolicyFile};
use hexgate_enforce::{
    Approvals, AuditRecorder, Call, Decision, Enforcer, EnforcerBuilder, LivePolicy,
    OnRecordFailure, Refresh, Shadow,
};
use hexgate_host::{Engine, Limits};

use crate::common::component;
use crate::fixture::*;

const NEXT: &str = r#"
roles:
  default: {}
  support:
    tools:
      help: { mode: allow }
      close_account: { mode: allow }
      refund_order: { mode: allow, constraints: ["args.amount <= 100"] }
"#;

const CALLS: [(&str, &str); 5] = [
    ("view_order", "{}"),
    ("refund_order", r#"{"amount": 75, "currency": "USD"}"#),
    ("close_account", "{}"),
    ("refund_order", r#"{"amount": 5000, "currency": "USD"}"#),
    ("view_order", "{"),
];

/// However slow the machine is, the candidate is asked.
fn patient(candidate: &LivePolicy) -> Shadow {
    Shadow::new(candidate).budget(Duration::MAX)
}

fn builder(live: &LivePolicy) -> EnforcerBuilder {
    Enforcer::builder(AGENT, live)
}

/// What counts of a decision for whoever acts on it.
fn acts(decision: &Decision) -> (Effect, String, Vec<String>, Option<String>) {
    (
        decision.outcome(),
        decision.reason().to_owned(),
        decision.violations().to_vec(),
        decision.model_message(),
    )
}

fn candidates(enforcer: &Enforcer) -> Vec<Option<Effect>> {
    let shadowed = |(tool, arguments): &(&str, &str)| {
        let decision = enforcer.decide(&alice(), tool, *arguments);
        decision.shadow().map(|shadow| shadow.verdict().effect())
    };
    CALLS.iter().map(shadowed).collect()
}

/// A bundle around a component that somebody else made.
fn bundle_of(wasm: &[u8]) -> (tempfile::TempDir, BundleDir) {
    let folder = tempfile::tempdir().unwrap();
    let compiled = Compiler::default().compile_str("policy.yaml", NEXT).policy;
    let compiled = compiled.unwrap();
    let mut draft = compiled.draft(&release(1)).unwrap();
    draft.wasm = wasm;
    draft.claims.engine = "other".to_owned();
    draft.claims.engine_digest = None;
    hexgate_compiler::bundle::write(folder.path(), &draft, Some(&key(1))).unwrap();
    let source = BundleDir::new(folder.path(), trusted(1), Expectation::agent(AGENT));
    (folder, source)
}

#[test]
fn a_candidate_is_asked_and_changes_nothing() {
    let (_live, _, live) = live(BILLING);
    let (_next, _, next) = crate::fixture::live(NEXT);
    let alone = builder(&live).build().unwrap();
    let beside = builder(&live).shadow(patient(&next)).build().unwrap();
    for (tool, arguments) in CALLS {
        let decision = beside.decide(&alice(), tool, arguments);
        assert_eq!(
            acts(&decision),
            acts(&alone.decide(&alice(), tool, arguments)),
            "{tool}"
        );
        let shadow = decision.shadow().unwrap();
        assert_eq!(shadow.component(), next.id().component);
        assert_ne!(shadow.component(), decision.policy().component);
    }
    use Effect::{Allow, Deny};
    assert_eq!(
        candidates(&beside),
        [Deny, Allow, Allow, Deny, Deny].map(Some)
    );
    let counts = beside.counts().shadow;
    assert_eq!(
        (
            counts.asked,
            counts.differed,
            counts.failed,
            counts.passed_over
        ),
        (10, 6, 2, 0)
    );
    assert_eq!(alone.counts().shadow.asked, 0);

    // Of what the live policy is not asked about the candidate is not asked either.
    beside.kill_switch().stop_user("alice", "gone");
    assert!(
        beside
            .decide(&alice(), "view_order", "{}")
            .shadow()
            .is_none()
    );
    assert!(
        beside
            .decide_in_scope("view_order", "{}")
            .shadow()
            .is_none()
    );
    assert_eq!(beside.counts().shadow.asked, 10);
}

#[test]
fn what_it_says_is_in_the_log_once_for_each_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (_live, _, live) = live(BILLING);
    let (_next, _, next) = crate::fixture::live(NEXT);
    let mut options = Options::new(DigestKey::from_bytes(&[5; 32]));
    options.arguments = KeptAs::DigestOnly;
    let log = AuditLog::open(&path, options, SystemTime::now()).unwrap();
    let enforcer = builder(&live)
        .shadow(patient(&next))
        .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
        .approvals(Approvals::Always)
        .build()
        .unwrap();
    for (tool, arguments) in CALLS {
        let _ = enforcer.authorize(Call::of(&alice(), tool, arguments));
    }
    let counts = enforcer.counts().shadow;
    assert_eq!((counts.asked, counts.differed), (5, 3));
    drop(enforcer);
    let verified = verify(&path, &Anchors::default()).unwrap();
    assert!(verified.is_intact(), "{:?}", verified.findings);
    assert_eq!((verified.shadowed, verified.shadow_differs), (5, 3));
    // The one thing that `replay --shadow` needs is there, without arguments.
    let Replayed { changes, .. } = replay(&path, &Anchors::default(), By::Shadow).unwrap();
    assert_eq!((changes.same, changes.looser, changes.stricter), (2, 2, 1));
}

#[test]
fn a_candidate_that_traps_or_never_ends_harms_nothing() {
    let limits = Limits {
        fuel: 1_000_000,
        ..Limits::default()
    };
    let engine = Engine::builder().limits(limits).build().unwrap();
    for (hostile, says) in [
        (
            include_str!("../../../core/tests/hostile/unreachable.wat"),
            "unreachable",
        ),
        (
            include_str!("../../../core/tests/hostile/endless_loop.wat"),
            "fuel",
        ),
        (
            include_str!("../../../core/tests/hostile/memory_growth_forever.wat"),
            "",
        ),
    ] {
        let (_bundle, source) = bundle_of(&component(hostile));
        let next = LivePolicy::open(&engine, source).unwrap();
        let (_live, _, live) = live(BILLING);
        let alone = builder(&live).build().unwrap();
        let beside = builder(&live).shadow(patient(&next)).build().unwrap();
        for (tool, arguments) in CALLS {
            let decision = beside.decide(&alice(), tool, arguments);
            assert_eq!(
                acts(&decision),
                acts(&alone.decide(&alice(), tool, arguments)),
                "{tool}"
            );
            let verdict = decision.shadow().unwrap().verdict();
            assert_eq!(verdict.effect(), Effect::Deny);
            assert!(verdict.reason().contains(says), "{}", verdict.reason());
        }
        let counts = beside.counts().shadow;
        assert_eq!((counts.asked, counts.failed), (5, 5));
    }
}

#[test]
fn a_candidate_that_takes_too_long_is_left_alone_for_a_while() {
    let (_live, _, live) = live(BILLING);
    let (_next, _, next) = crate::fixture::live(NEXT);
    // Everything takes longer than nothing, and a hundred times as long has not passed when the next call comes.
    let slow = Shadow::new(&next).budget(Duration::ZERO);
    let enforcer = builder(&live).shadow(slow).build().unwrap();
    let first = enforcer.decide(&alice(), "view_order", "{}");
    assert!(first.shadow().is_some());
    for _ in 0..1000 {
        assert!(enforcer.decide(&alice(), "view_order", "{}").is_allowed());
    }
    let counts = enforcer.counts().shadow;
    assert_eq!(counts.asked + counts.passed_over, 1001);
    assert!(counts.passed_over > 0, "{counts:?}");
}

#[test]
fn another_candidate_is_looked_for_and_a_bad_one_is_no_failure() {
    let (_live, _, live) = live(BILLING);
    let (_next, path, next) = crate::fixture::live(NEXT);
    let enforcer = builder(&live).shadow(patient(&next)).build().unwrap();
    fs::write(
        &path,
        "roles: {default: {}, support: {tools: {view_order: {mode: allow}}}}",
    )
    .unwrap();
    assert!(matches!(enforcer.begin_turn(), Refresh::Unchanged));
    assert_eq!(candidates(&enforcer)[0], Some(Effect::Allow));
    fs::write(&path, "roles: [").unwrap();
    assert!(matches!(enforcer.begin_turn(), Refresh::Unchanged));
    assert!(next.failure().is_some() && live.failure().is_none());
    assert_eq!((next.failures(), live.failures()), (1, 0));
    assert_eq!(candidates(&enforcer)[0], Some(Effect::Allow));
}

#[test]
fn a_candidate_for_another_agent_has_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    write_bundle(folder.path(), NEXT, &release(1), Some(&key(1)));
    let source = BundleDir::new(folder.path(), trusted(1), Expectation::agent(AGENT));
    let next = LivePolicy::open(&engine(), source).unwrap();
    let (_live, path, _) = live(BILLING);
    let live = LivePolicy::open(&engine(), PolicyFile::dangerous_unsigned(&path)).unwrap();
    let enforcer = Enforcer::builder("another-bot", &live)
        .shadow(patient(&next))
        .build()
        .unwrap();
    let decision = enforcer.decide(&alice(), "view_order", "{}");
    assert!(decision.is_allowed());
    let verdict = decision.shadow().unwrap().verdict();
    assert!(
        verdict.reason().contains("bound to the agent"),
        "{verdict:?}"
    );
}
