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

/// A policy whose approvals have terms and words of their own.
const TERMS: &str = r#"
roles:
  support:
    tools:
      refund:
        mode: approval_required
        message: "Tell the customer that two people look at it."
        approval: { roles: [finance], approvers: 2, reason: required, expires: "10m" }
      close_account:
        mode: approval_required
        approval: { roles: [legal] }
      delete_account:
        mode: deny
        message: "Accounts are deleted by the customer."
      view_order: { mode: approval_required }
"#;

fn on_terms(approvals: Approvals) -> Enforcer {
    let (_folder, _, live) = live(TERMS);
    Enforcer::builder(AGENT, &live)
        .approvals(approvals)
        .build()
        .unwrap()
}

#[test]
fn one_answer_in_the_process_does_not_stand_for_two_people() {
    for approvals in [
        Approvals::Always,
        Approvals::ask(|_| true),
        Approvals::ask_async(|_| async { true }),
        Approvals::ask(|_| panic!("it is not even asked")),
    ] {
        let enforcer = on_terms(approvals);
        let denied = enforcer
            .authorize(Call::of(&alice(), "refund", "{}"))
            .unwrap_err();
        assert_eq!(
            (denied.outcome(), denied.cause()),
            (Effect::Deny, Cause::Approval)
        );
        assert!(
            denied.reason().contains("asks for 2 approvers"),
            "{}",
            denied.reason()
        );
        // It is no word about why an approver said no.
        assert_eq!(denied.message(), None);
    }
    // Where the policy asks for one, one suffices.
    let enforcer = on_terms(Approvals::ask(|decision| {
        decision.approval_terms().unwrap().roles == ["legal"]
    }));
    assert!(
        enforcer
            .authorize(Call::of(&alice(), "close_account", "{}"))
            .is_ok()
    );
}

#[test]
fn the_words_of_the_policy_reach_the_model() {
    let enforcer = on_terms(Approvals::Nobody);
    let words = "Tell the customer that two people look at it.";
    let asked = enforcer
        .authorize(Call::of(&alice(), "refund", "{}"))
        .unwrap_err();
    assert_eq!(asked.message(), Some(words));
    let terms = asked.approval_terms().unwrap();
    assert_eq!((terms.approvers, terms.expires), (Some(2), Some(600)));
    assert!(asked.model_message().unwrap().ends_with(words));
    let told = serde_json::to_value(asked.model_payload().unwrap()).unwrap();
    assert_eq!(told["policy_message"], words);
    assert!(asked.human().contains(&format!("  message: {words}\n")));

    let denied = enforcer.decide(&alice(), "delete_account", "{}");
    let words = "Accounts are deleted by the customer.";
    assert_eq!(denied.message(), Some(words));
    assert_eq!(
        denied.model_message().unwrap(),
        format!(
            "[policy_denied] Tool 'delete_account' is denied by the agent policy. The tool was not executed. {words}"
        )
    );
    // Without one nothing is said.
    let asked = enforcer.decide(&alice(), "view_order", "{}");
    assert_eq!((asked.message(), asked.approval_terms()), (None, None));
    let told = serde_json::to_value(asked.model_payload().unwrap()).unwrap();
    assert!(told.get("policy_message").is_none());
}

#[cfg(feature = "approvals")]
mod durable {
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use hexgate_enforce::DurableApprovals;
    use hexgate_enforce::approvals::{
        ApprovalService, Approver, Approvers, Decision as Says, RequestId, RequestStore, Terms,
    };
    use hexgate_host::bundle::Timestamp;

    use super::*;

    fn approvers() -> Approvers {
        let approver = |id: &str, byte: u8| Approver {
            id: id.to_owned(),
            keys: vec![key(byte).public_key()],
            roles: vec!["finance".to_owned()],
            users: vec![],
        };
        Approvers::new(vec![approver("carol", 1), approver("dan", 2)]).unwrap()
    }

    fn enforcer(file: &Path, bound: impl Fn(DurableApprovals) -> DurableApprovals) -> Enforcer {
        let store = RequestStore::open_or_create(file).unwrap();
        let service = Arc::new(ApprovalService::new(store, approvers()));
        let terms = Terms::new(["support"]).unwrap();
        on_terms(Approvals::handler(bound(DurableApprovals::new(
            service, terms,
        ))))
    }

    fn approve(file: &Path, request: &str, byte: u8, reason: &str) -> Result<u8, String> {
        let now = Timestamp::from_system_time(SystemTime::now()).unwrap();
        let request: RequestId = request.parse().unwrap();
        RequestStore::open(file)
            .unwrap()
            .answer(
                &request,
                &approvers(),
                &key(byte),
                Says::Approve,
                reason,
                now,
            )
            .map(|answered| answered.given)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn two_people_approve_on_the_policys_terms() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("approvals.db");
        let enforcer = enforcer(&file, |it| it);
        let refund = || enforcer.authorize(Call::of(&alice(), "refund", r#"{"id": 7}"#));
        let waiting = refund().unwrap_err();
        assert_eq!(waiting.outcome(), Effect::NeedsApproval);
        assert!(waiting.message().is_some());
        let request = waiting.pending_request().unwrap().to_owned();
        let stored = RequestStore::open(&file).unwrap().entries().unwrap();
        let stored = stored[0].request.as_ref().unwrap();
        assert_eq!(stored.conditions.approver_roles, ["finance"]);
        assert_eq!(
            stored.expires_at.unix_seconds() - stored.created_at.unix_seconds(),
            600
        );
        assert!(
            approve(&file, &request, 1, "")
                .unwrap_err()
                .contains("needs a reason")
        );
        assert_eq!(approve(&file, &request, 1, "ticket 1"), Ok(1));
        assert!(approve(&file, &request, 1, "again").is_err());
        assert_eq!(
            refund().unwrap_err().pending_request(),
            Some(request.as_str())
        );
        assert_eq!(approve(&file, &request, 2, "ticket 2"), Ok(2));
        let permit = refund().unwrap();
        assert_eq!(permit.decision().approved_by(), Some("carol, dan"));
        let reason = permit.decision().approval_reason();
        assert_eq!(reason, Some("ticket 1; ticket 2"));
        assert_eq!(permit.decision().approved_request(), Some(&*request));
        assert_ne!(refund().unwrap_err().pending_request(), Some(&*request));
    }

    #[test]
    fn a_role_that_nobody_has_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("approvals.db");
        let enforcer = enforcer(&file, |it| it);
        // The policy's role, and the host's where the policy names none.
        for (tool, role) in [("close_account", "`legal`"), ("view_order", "`support`")] {
            let denied = enforcer
                .authorize(Call::of(&alice(), tool, "{}"))
                .unwrap_err();
            assert_eq!(
                (denied.outcome(), denied.cause()),
                (Effect::Deny, Cause::Approval)
            );
            assert!(
                denied.reason().contains("would wait forever") && denied.reason().contains(role),
                "{}",
                denied.reason()
            );
        }
    }

    #[test]
    fn the_hosts_bounds_hold() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("approvals.db");
        let enforcer = enforcer(&file, |it| it.max_lifetime(Duration::from_secs(60)));
        let waiting = enforcer.authorize(Call::of(&alice(), "refund", "{}"));
        assert!(waiting.unwrap_err().pending_request().is_some());
        let stored = RequestStore::open(&file).unwrap().entries().unwrap();
        let stored = stored[0].request.as_ref().unwrap();
        assert_eq!(
            stored.expires_at.unix_seconds() - stored.created_at.unix_seconds(),
            60
        );
    }
}
