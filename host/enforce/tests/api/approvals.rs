//! Calls that need approval.

use std::fs;
use std::sync::{Arc, Mutex};

use hexgate_enforce::{
    Answer, ApprovalError, ApprovalHandler, Approvals, Call, Caller, Cause, Decision, Effect,
    Enforcer, Permit,
};

use crate::fixture::*;

fn with(approvals: Approvals) -> Enforcer {
    let (_folder, _, live) = live(BILLING);
    Enforcer::builder(AGENT, &live)
        .approvals(approvals)
        .build()
        .unwrap()
}

fn close(enforcer: &Enforcer) -> Result<Permit, Box<Decision>> {
    enforcer.authorize(Call::of(&alice(), "close_account", r#"{"id": 7}"#))
}

fn close_async(enforcer: &Enforcer) -> Result<Permit, Box<Decision>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(enforcer.authorize_async(Call::of(&alice(), "close_account", r#"{"id": 7}"#)))
}

#[test]
fn without_anybody_to_ask_the_call_waits() {
    let decision = close(&with(Approvals::Nobody)).unwrap_err();
    assert_eq!(decision.outcome(), Effect::NeedsApproval);
    assert!(
        decision
            .model_message()
            .unwrap()
            .starts_with("[approval_required]")
    );
}

#[test]
fn always_never_and_callbacks_answer() {
    for (approvals, allowed) in [
        (Approvals::Always, true),
        (Approvals::Never, false),
        (Approvals::ask(|_| true), true),
        (Approvals::ask(|_| false), false),
    ] {
        let enforcer = with(approvals);
        for answer in [close(&enforcer), close_async(&enforcer)] {
            match answer {
                Ok(permit) => {
                    assert!(allowed);
                    assert_eq!(permit.arguments(), r#"{"id": 7}"#);
                    let decision = permit.decision();
                    assert_eq!(
                        (decision.outcome(), decision.cause()),
                        (Effect::Allow, Cause::Approval)
                    );
                    assert!(decision.approved_by().is_some() && decision.follows().is_some());
                }
                Err(decision) => {
                    assert!(!allowed);
                    assert_eq!(
                        (decision.outcome(), decision.cause()),
                        (Effect::Deny, Cause::Approval)
                    );
                }
            }
        }
        // Nobody can approve what the policy denies.
        let denied = enforcer.authorize(Call::of(&alice(), "delete_account", "{}"));
        assert_eq!(denied.unwrap_err().cause(), Cause::Policy);
    }
}

#[test]
fn a_callback_that_waits_needs_a_call_that_can_wait() {
    let enforcer = with(Approvals::ask_async(|decision| {
        let tool = decision.tool().to_owned();
        async move {
            tokio::task::yield_now().await;
            tool == "close_account"
        }
    }));
    assert!(close_async(&enforcer).is_ok());
    let decision = close(&enforcer).unwrap_err();
    assert_eq!(decision.outcome(), Effect::Deny);
    assert!(
        decision.reason().contains("authorize_async"),
        "{}",
        decision.reason()
    );
}

#[test]
fn a_handler_that_fails_is_a_denial() {
    struct Broken;
    impl ApprovalHandler for Broken {
        fn ask(&self, _: &Decision) -> Result<Answer, ApprovalError> {
            Err("the store is gone".into())
        }
    }
    struct Waiting;
    impl ApprovalHandler for Waiting {
        fn ask(&self, _: &Decision) -> Result<Answer, ApprovalError> {
            Ok(Answer::Pending {
                request: "r-1".into(),
            })
        }
    }
    for approvals in [
        Approvals::handler(Broken),
        Approvals::ask(|_| panic!("a bug")),
        Approvals::ask_async(|_| async { panic!("a bug") }),
    ] {
        let enforcer = with(approvals);
        for answer in [close(&enforcer), close_async(&enforcer)] {
            let decision = answer.unwrap_err();
            assert_eq!(
                (decision.outcome(), decision.cause()),
                (Effect::Deny, Cause::Approval)
            );
        }
    }
    let decision = close(&with(Approvals::handler(Waiting))).unwrap_err();
    assert_eq!(
        (decision.outcome(), decision.pending_request()),
        (Effect::NeedsApproval, Some("r-1"))
    );
}

#[test]
fn an_approval_is_void_once_something_changed() {
    let changed = BILLING.replace("args.amount <= 50", "args.amount <= 40");
    let allows = BILLING.replace(
        "close_account: { mode: approval_required }",
        "close_account: { mode: allow }",
    );
    let denies = BILLING.replace("close_account: { mode: approval_required }", "");
    type Change = Box<dyn Fn(&Enforcer) + Send + Sync>;
    let rewrite = |path: &std::path::Path, text: &str| -> Change {
        let (path, text) = (path.to_owned(), text.to_owned());
        Box::new(move |enforcer| {
            fs::write(&path, &text).unwrap();
            let _ = enforcer.begin_turn();
        })
    };
    let (_folder, path, live) = live(BILLING);
    for (change, approve, allowed) in [
        (rewrite(&path, &changed), true, Err(Cause::Approval)),
        (rewrite(&path, &denies), true, Err(Cause::Policy)),
        // The policy that is there now needs no approval, and there is one; but what was refused stays refused.
        (rewrite(&path, &allows), true, Ok(())),
        (rewrite(&path, &allows), false, Err(Cause::Approval)),
        (
            Box::new(|enforcer: &Enforcer| enforcer.kill_switch().stop_user("alice", "gone")),
            true,
            Err(Cause::Stopped),
        ),
    ] as [(Change, bool, Result<(), Cause>); 5]
    {
        fs::write(&path, BILLING).unwrap();
        let _ = live.refresh();
        let slot: Arc<Mutex<Option<Enforcer>>> = Arc::default();
        let inner = slot.clone();
        let enforcer = Enforcer::builder(AGENT, &live)
            .approvals(Approvals::ask(move |_| {
                change(inner.lock().unwrap().as_ref().unwrap());
                approve
            }))
            .build()
            .unwrap();
        *slot.lock().unwrap() = Some(enforcer.clone());
        let answer = close(&enforcer);
        assert_eq!(
            answer.map(|_| ()).map_err(|decision| decision.cause()),
            allowed
        );
    }
}

#[test]
fn a_caller_whose_time_ended_while_waiting_is_denied() {
    let clock = HandClock::at(1_000);
    let engine = hexgate_host::Engine::builder()
        .clock(clock.clone())
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, BILLING).unwrap();
    let source = hexgate_enforce::source::PolicyFile::dangerous_unsigned(&path);
    let live = hexgate_enforce::LivePolicy::open(&engine, source).unwrap();
    let hand = clock.clone();
    let enforcer = Enforcer::builder(AGENT, &live)
        .approvals(Approvals::ask(move |_| {
            hand.set(1_060);
            true
        }))
        .build()
        .unwrap();
    let now = hexgate_host::Clock::now(&clock);
    let caller = Caller::builder("alice")
        .role("support")
        .time_to_live(std::time::Duration::from_secs(60), now)
        .build()
        .unwrap();
    let decision = enforcer
        .authorize(Call::of(&caller, "close_account", "{}"))
        .unwrap_err();
    assert_eq!(decision.cause(), Cause::CallerExpired);
}
