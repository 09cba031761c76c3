//! Who is stopped, and whose time is over.

use std::time::Duration;

use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{Caller, Cause, Effect, Enforcer, KillSwitch, LivePolicy};
use hexgate_host::{Clock, Engine};

use crate::fixture::*;

#[test]
fn a_stop_counts_from_the_next_call_on_within_a_run_and_for_all_enforcers() {
    let (_folder, _, live) = live(BILLING);
    let switch = KillSwitch::new();
    let build = |agent: &str| {
        Enforcer::builder(agent, &live)
            .kill_switch(&switch)
            .build()
            .unwrap()
    };
    let (first, second) = (build("first"), build("second"));
    let bob = Caller::builder("bob").role("support").build().unwrap();
    let allowed = || {
        [
            (&first, alice()),
            (&first, bob.clone()),
            (&second, alice()),
            (&second, bob.clone()),
        ]
        .map(|(enforcer, caller)| enforcer.decide(&caller, "view_order", "{}").is_allowed())
    };
    assert_eq!(allowed(), [true; 4]);
    switch.stop_agent("first", "it loops");
    assert_eq!(allowed(), [false, false, true, true]);
    switch.stop_user("alice", "account taken over");
    assert_eq!(allowed(), [false, false, false, true]);
    let decision = second.decide(&alice(), "view_order", "{}");
    assert_eq!(
        (decision.outcome(), decision.cause(), decision.reason()),
        (
            Effect::Deny,
            Cause::Stopped,
            "the user is stopped: account taken over"
        )
    );
    assert!(!decision.model_message().unwrap().contains("taken over"));
    switch.release_agent("first");
    switch.release_user("alice");
    assert_eq!(allowed(), [true; 4]);
}

#[test]
fn a_caller_ends_with_its_time() {
    let clock = HandClock::at(1_000);
    let engine = Engine::builder().clock(clock.clone()).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, BILLING).unwrap();
    let live = LivePolicy::open(&engine, PolicyFile::dangerous_unsigned(&path)).unwrap();
    let enforcer = Enforcer::builder(AGENT, &live).build().unwrap();
    let caller = Caller::builder("alice")
        .role("support")
        .time_to_live(Duration::from_secs(60), clock.now())
        .build()
        .unwrap();
    for (second, outcome, cause) in [
        (1_000, Effect::Allow, Cause::Policy),
        (1_059, Effect::Allow, Cause::Policy),
        (1_060, Effect::Deny, Cause::CallerExpired),
        (9_999, Effect::Deny, Cause::CallerExpired),
    ] {
        clock.set(second);
        let decision = enforcer.decide(&caller, "view_order", "{}");
        assert_eq!(
            (decision.outcome(), decision.cause()),
            (outcome, cause),
            "{second}"
        );
    }
}
