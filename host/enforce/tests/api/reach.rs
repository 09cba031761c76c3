//! What a host may show and search: by the component that decides.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use hexgate_enforce::{
    Answer, AnswerFuture, ApprovalError, ApprovalHandler, Approvals, Call, Caller, Cause, Decision,
    Effect, EndState, Ended, Enforcer, OnRecordFailure, RecordError, Recorder,
};
use serde_json::value::RawValue;

use crate::fixture::*;

const READ: &str = r#"{"file_path": "docs/a.md"}"#;

fn permit(enforcer: &Enforcer, tool: &str, arguments: &str) -> hexgate_enforce::Permit {
    let called = enforcer.authorize(Call::of(&alice(), tool, arguments));
    called.unwrap_or_else(|decision| panic!("{}", decision.human()))
}

#[test]
fn a_permit_holds_what_a_search_finds_against_the_scope_of_its_rule() {
    let enforcer = enforcer(BILLING);
    let scoped = permit(&enforcer, "read_file", READ);
    for (path, covered) in [
        ("docs/b.md", true),
        ("docs/private/b.md", false),
        ("src/main.rs", false),
        ("docs/../src/main.rs", false),
        ("", false),
    ] {
        assert_eq!(scoped.covers(path).unwrap(), covered, "{path}");
    }
    let long = "docs/".to_owned() + &"x".repeat(2 << 20);
    assert!(!scoped.covers(&long).is_ok_and(|covered| covered));
    let free = permit(&enforcer, "view_order", "{}");
    assert!(free.covers("anything").unwrap());
}

#[test]
fn the_policy_that_decided_answers_although_another_one_is_live() {
    let (_folder, path, live) = live(BILLING);
    let enforcer = Enforcer::builder(AGENT, &live).build().unwrap();
    let permit = permit(&enforcer, "read_file", READ);
    fs::write(&path, BILLING.replace(r#"["docs/**"]"#, r#"["src/**"]"#)).unwrap();
    let _ = enforcer.begin_turn();
    assert!(!enforcer.decide(&alice(), "read_file", READ).is_allowed());
    assert!(permit.covers("docs/b.md").unwrap());
    assert!(!permit.covers("src/main.rs").unwrap());
}

#[test]
fn what_no_role_of_the_caller_can_call_is_known_until_the_policy_changes() {
    let (_folder, path, live) = live(BILLING);
    let enforcer = Enforcer::builder(AGENT, &live).build().unwrap();
    let bob = Caller::builder("bob").build().unwrap();
    for (caller, tool, visible) in [
        (&alice(), "refund_order", true),
        (&alice(), "close_account", true),
        (&alice(), "help", false),
        (&bob, "help", true),
        (&bob, "refund_order", false),
    ] {
        assert_eq!(enforcer.may_ever_call(caller, tool), visible, "{tool}");
    }
    fs::write(
        &path,
        "roles: {default: {tools: {refund_order: {mode: allow}}}}",
    )
    .unwrap();
    assert!(enforcer.may_ever_call(&alice(), "close_account"));
    let _ = enforcer.begin_turn();
    assert!(!enforcer.may_ever_call(&alice(), "close_account"));
    assert!(enforcer.may_ever_call(&bob, "refund_order"));
}

#[test]
fn a_policy_is_asked_about_entry_only_if_it_names_it() {
    assert!(!enforcer(BILLING).names("agent.run"));
    let all = enforcer("roles: {default: {default_policy: {mode: allow}}}");
    assert!(!all.names("agent.run"));
    let named = enforcer("roles: {default: {}, a: {tools: {agent.run: {mode: allow}}}}");
    assert!(named.names("agent.run") && !named.names("agent.tool:x"));
}

#[tokio::test]
async fn a_run_begins_unless_the_policy_or_the_host_refuses() {
    let carol = Caller::builder("carol").build().unwrap();
    let free = enforcer(BILLING);
    assert!(free.admit(&alice(), |call| call).await.unwrap().is_none());
    free.kill_switch().stop_user("alice", "compromised");
    let stopped = free.admit(&alice(), |call| call).await.unwrap_err();
    assert_eq!(stopped.cause(), Cause::Stopped);
    assert!(free.admit(&carol, |call| call).await.is_ok());
    let named = enforcer(
        "roles: {default: {}, support: {tools: {agent.run: {mode: allow, constraints: ['args.agent == \"support-bot\"', run.tool_calls == 0]}}}}",
    );
    let facts =
        |call: Call| call.run(RawValue::from_string(r#"{"tool_calls": 0}"#.to_owned()).unwrap());
    let permit = named.admit(&alice(), facts).await.unwrap().unwrap();
    assert_eq!(permit.tool(), "agent.run");
    let denied = named.admit(&carol, facts).await.unwrap_err();
    assert_eq!(denied.cause(), Cause::Policy);
}

#[test]
fn what_the_runtime_refuses_is_a_recorded_denial() {
    let (_folder, _, live) = live(BILLING);
    let (recorder, records) = Remember::new();
    let enforcer = Enforcer::builder(AGENT, &live)
        .recorder(recorder, OnRecordFailure::Deny)
        .build()
        .unwrap();
    let call = Call::of(&alice(), "view_order", "{}");
    let refused = enforcer.refuse(call, "the guard `x` refused it");
    assert_eq!(
        (refused.outcome(), refused.cause(), refused.reason()),
        (Effect::Deny, Cause::Runtime, "the guard `x` refused it")
    );
    assert_eq!(
        refused.model_message().unwrap(),
        "[policy_denied] Tool 'view_order' is denied by the agent policy. The tool was not executed."
    );
    let permit = enforcer
        .authorize(Call::of(&alice(), "view_order", "{}"))
        .unwrap();
    enforcer.ended(&Ended {
        at: SystemTime::now(),
        decision: permit.decision().id(),
        tool: permit.tool(),
        ran: true,
        state: EndState::Completed,
        result: Some("{}"),
        error: None,
        took: Duration::from_millis(1),
    });
    let ids = [refused.id(), permit.decision().id()].map(|id| id.to_string());
    assert_eq!(
        *records.lock().unwrap(),
        [ids[0].clone(), ids[1].clone(), format!("ended {}", ids[1])]
    );
    assert_eq!(enforcer.counts().ends_not_recorded, 0);
}

#[test]
fn an_end_that_cannot_be_recorded_is_counted() {
    let (_folder, _, live) = live(BILLING);
    struct Broken;
    impl Recorder for Broken {
        fn record(&self, _: &Decision) -> Result<(), RecordError> {
            Ok(())
        }

        fn ended(&self, ended: &Ended<'_>) -> Result<(), RecordError> {
            assert_ne!(ended.tool, "panic", "it panics");
            Err("the disk is full".into())
        }
    }
    let enforcer = Enforcer::builder(AGENT, &live)
        .recorder(Broken, OnRecordFailure::Deny)
        .build()
        .unwrap();
    let decision = enforcer.decide(&alice(), "view_order", "{}");
    for tool in ["view_order", "panic"] {
        enforcer.ended(&Ended {
            at: SystemTime::now(),
            decision: decision.id(),
            tool,
            ran: false,
            state: EndState::Failed,
            result: None,
            error: Some("schema"),
            took: Duration::ZERO,
        });
    }
    assert_eq!(enforcer.counts().ends_not_recorded, 2);
}

#[tokio::test]
async fn who_needs_approval_is_told_before_anyone_is_asked() {
    let (_folder, _, live) = live(BILLING);
    let order = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&order);
    let enforcer = Enforcer::builder(AGENT, &live)
        .approvals(Approvals::ask(move |_| {
            asked.lock().unwrap().push("asked");
            true
        }))
        .build()
        .unwrap();
    for (tool, told) in [("close_account", 2), ("view_order", 0), ("help", 0)] {
        order.lock().unwrap().clear();
        let tell = |decision: &Decision| {
            assert_eq!(decision.outcome(), Effect::NeedsApproval);
            order.lock().unwrap().push("told");
        };
        let _ = enforcer
            .authorize_telling(Call::of(&alice(), tool, "{}"), tell)
            .await;
        assert_eq!(*order.lock().unwrap(), ["told", "asked"][..told], "{tool}");
    }
}

/// Remembers what was recorded.
struct Remember(Arc<Mutex<Vec<String>>>);

impl Remember {
    fn new() -> (Self, Arc<Mutex<Vec<String>>>) {
        let records = Arc::default();
        (Self(Arc::clone(&records)), records)
    }
}

impl Recorder for Remember {
    fn record(&self, decision: &Decision) -> Result<(), RecordError> {
        self.0.lock().unwrap().push(decision.id().to_string());
        Ok(())
    }

    fn ended(&self, ended: &Ended<'_>) -> Result<(), RecordError> {
        let text = format!("ended {}", ended.decision);
        self.0.lock().unwrap().push(text);
        Ok(())
    }
}

/// Says yes when it is told to, and uses something up by it.
struct Late(Arc<tokio::sync::Notify>);

impl ApprovalHandler for Late {
    fn ask(&self, _: &Decision) -> Result<Answer, ApprovalError> {
        Err("it has to be waited for".into())
    }

    fn uses_up(&self) -> bool {
        true
    }

    fn ask_async<'a>(&'a self, _: &'a Decision) -> AnswerFuture<'a> {
        Box::pin(async {
            self.0.notified().await;
            Ok(Answer::Approved {
                by: "carol".to_owned(),
                reason: None,
                request: None,
            })
        })
    }
}

#[tokio::test]
async fn an_approval_that_is_used_up_when_nobody_waits_any_more_has_an_end_on_record() {
    let (_folder, _, live) = live(BILLING);
    let (recorder, records) = Remember::new();
    let yes = Arc::new(tokio::sync::Notify::new());
    let enforcer = Enforcer::builder(AGENT, &live)
        .approvals(Approvals::handler(Late(Arc::clone(&yes))))
        .recorder(recorder, OnRecordFailure::Deny)
        .build()
        .unwrap();
    let call = || Call::of(&alice(), "close_account", r#"{"id": 7}"#);

    // Who waits takes the permission, and says itself how the call ended.
    let (permit, ()) = tokio::join!(enforcer.authorize_async(call()), async {
        yes.notify_one();
    });
    assert_eq!(permit.unwrap().decision().approved_by(), Some("carol"));
    assert_eq!(records.lock().unwrap().len(), 2);

    records.lock().unwrap().clear();
    let waiting = tokio::time::timeout(Duration::from_millis(20), enforcer.authorize_async(call()));
    assert!(waiting.await.is_err(), "nobody said yes");
    assert_eq!(records.lock().unwrap().len(), 1);
    yes.notify_one();
    let end = tokio::time::timeout(Duration::from_secs(30), async {
        while records.lock().unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    end.await.unwrap();
    let records = records.lock().unwrap();
    assert_eq!(records[2], format!("ended {}", records[1]));
}
