//! The enforcer with the audit log and with stored approvals.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hexgate_enforce::approvals::{
    ApprovalService, Approver, Approvers, Decision as Said, RequestStore, Terms,
};
use hexgate_enforce::audit::{
    Anchors, AuditLog, By, DigestKey, KeptAs, Options, WhenUnwritable, replay, verify,
};
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::token::{Envelope, TokenVerifier};
use hexgate_enforce::{
    Answer, ApprovalError, ApprovalHandler, Approvals, AuditRecorder, Call, Caller, Cause,
    Decision, DurableApprovals, Effect, Enforcer, KillSwitch, LivePolicy, OnRecordFailure,
};
use hexgate_host::Policy;
use hexgate_host::bundle::Timestamp;
use serde_json::Value;

use crate::fixture::*;

fn options() -> Options {
    let mut options = Options::new(DigestKey::from_bytes(&[5; 32]));
    options.arguments = KeptAs::Plain;
    options
}

#[test]
fn every_decision_is_in_the_log_and_is_decided_again_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (_policy, file, live) = live(BILLING);
    let log = AuditLog::open(&path, options(), SystemTime::now()).unwrap();
    let enforcer = Enforcer::builder(AGENT, &live)
        .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
        .approvals(Approvals::ask(|_| true))
        .build()
        .unwrap();
    let calls = [
        ("view_order", "{}"),
        ("refund_order", r#"{"amount": 1200, "currency": "USD"}"#),
        ("read_file", r#"{"file_path": "docs/a.md"}"#),
        ("read_file", r#"{"file_path": "src/a.rs"}"#),
        ("close_account", r#"{"id": 7}"#),
        ("view_order", "{"),
        ("unknown", "{}"),
    ];
    for (tool, arguments) in calls {
        let _ = enforcer.authorize(Call::of(&alice(), tool, arguments));
    }
    let guest = Caller::builder("guest")
        .session("s")
        .attribute("plan", "pro")
        .build()
        .unwrap();
    let _ = enforcer.decide(&guest, "help", "{}");
    let _ = enforcer.decide_in_scope("help", "{}");
    enforcer.kill_switch().stop_user("guest", "gone");
    let _ = enforcer.decide(&guest, "help", "{}");
    std::fs::write(&file, "{}").unwrap();
    let _ = enforcer.begin_turn();
    let _ = enforcer.decide(&alice(), "view_order", "{}");
    assert_eq!(enforcer.counts().not_recorded, 0);
    drop(enforcer);

    let found = verify(&path, &Anchors::default()).unwrap();
    assert!(found.is_intact(), "{:?}", found.findings);
    let components = hexgate_enforce::audit::Components::of_log(&path);
    let engine = engine();
    let mut find = |digest: &hexgate_host::bundle::Digest| {
        let component = components.find(digest).map_err(|error| error.to_string())?;
        component
            .map(|component| {
                Policy::dangerous_from_unverified_bytes(&engine, &component)
                    .map_err(|error| error.to_string())
            })
            .transpose()
    };
    let replayed = replay(&path, &Anchors::default(), By::Recorded(&mut find)).unwrap();
    assert!(
        replayed.differences.is_empty(),
        "{:?}",
        replayed.differences
    );
    // Nobody in scope, and a user who is stopped: no policy was asked.
    assert_eq!(
        (
            replayed.decisions,
            replayed.replayed,
            replayed.skipped.not_by_policy
        ),
        (11, 9, 2)
    );
}

/// The records of a log of this kind.
fn records(path: &Path, kind: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(path.join("segment-000000.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &Value| line["kind"] == kind).collect()
}

#[test]
fn whatever_keeps_the_policy_from_being_asked_leaves_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let clock = HandClock::at(1_800_000_000);
    let engine = hexgate_host::Engine::builder()
        .clock(clock.clone())
        .build()
        .unwrap();
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, BILLING).unwrap();
    let source = PolicyFile::dangerous_unsigned(&file);
    let live = LivePolicy::open(&engine, source).unwrap();
    let log = AuditLog::open(&path, options(), SystemTime::now()).unwrap();
    let enforcer = Enforcer::builder(AGENT, &live)
        .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
        .build()
        .unwrap();
    let issuer = TokenVerifier::new([key(3).public_key()], "live", "acme").unwrap();
    let refused = issuer.verify(
        &Envelope::parse("fty_live_acme_AAAA").unwrap(),
        SystemTime::now(),
    );
    let refused = refused.unwrap_err();
    let huge = format!(r#"{{"q": "{}"}}"#, "x".repeat(2 << 20));
    let late = Caller::builder("late")
        .expires_at(SystemTime::UNIX_EPOCH)
        .build()
        .unwrap();
    let calls = [
        (Call::in_scope("help", "{}"), "no_scope"),
        (Call::with_refused_token(&refused, "help", "{}"), "token"),
        (Call::of(&late, "help", "{}"), "caller_expired"),
        (Call::of(&alice(), "help", "{"), "malformed"),
        (Call::of(&alice(), "help\n", "{}"), "malformed"),
        (Call::of(&alice(), "help", "{} {}"), "malformed"),
        (Call::of(&alice(), "help", huge), "exceeded"),
    ];
    let mut expected = Vec::new();
    for (call, cause) in calls {
        let decision = enforcer.authorize(call).unwrap_err();
        assert_eq!(decision.cause().as_str(), cause, "{}", decision.reason());
        expected.push((decision.id().to_string(), cause.to_owned()));
    }
    enforcer.kill_switch().stop_user("alice", "gone");
    let stopped = enforcer.decide(&alice(), "help", "{}");
    expected.push((stopped.id().to_string(), "stopped".to_owned()));
    drop(enforcer);
    let found: Vec<(String, String)> = records(&path, "decision")
        .iter()
        .map(|record| {
            let verdict = &record["verdict"];
            let cause = verdict["code"].as_str().or(verdict["error"].as_str());
            (
                record["id"].as_str().unwrap().to_owned(),
                cause.unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn what_came_of_looking_for_another_policy_and_of_asking_is_noted_beside_the_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (_policy, file, live) = live(BILLING);
    let log = AuditLog::open(&path, options(), SystemTime::now()).unwrap();
    let enforcer = Enforcer::builder(AGENT, &live)
        .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
        .approvals(Approvals::ask(|_| true))
        .build()
        .unwrap();
    let _ = enforcer.begin_turn();
    let permit = enforcer
        .authorize(Call::of(&alice(), "close_account", "{}"))
        .unwrap();
    std::fs::write(&file, "roles: [").unwrap();
    let _ = enforcer.begin_turn();
    let _ = enforcer.begin_turn();
    std::fs::write(&file, "roles: {default: {}}").unwrap();
    let _ = enforcer.begin_turn();
    let id = permit.decision().id().to_string();
    drop(enforcer);
    let notes = records(&path, "note");
    let events: Vec<_> = notes
        .iter()
        .map(|note| note["event"].as_str().unwrap())
        .collect();
    // The same failure is said once.
    assert_eq!(
        events,
        ["approval_used", "policy_not_replaced", "policy_replaced"]
    );
    let asked = &records(&path, "decision")[0];
    assert_eq!(notes[0]["details"]["decision"], id);
    assert_eq!(notes[0]["details"]["asked_by"], asked["id"]);
    assert_eq!(notes[0]["about"], asked["n"]);
    assert_eq!(
        notes[2]["details"]["component"],
        live.id().component.to_string()
    );
}

/// Where the process that is told to runs out of disk.
const FULL: &str = "HEXGATE_TEST_FULL_DISK";

#[test]
fn as_a_child_on_a_full_disk() {
    let Ok(path) = std::env::var(FULL) else {
        return;
    };
    for (when, outcome) in [
        (WhenUnwritable::Deny, Effect::Deny),
        (WhenUnwritable::Count, Effect::Allow),
    ] {
        let (_policy, _, live) = live(BILLING);
        let mut options = options();
        options.when_unwritable = when;
        let path = Path::new(&path).join(format!("{when:?}"));
        let log = AuditLog::open(&path, options, SystemTime::now()).unwrap();
        let enforcer = Enforcer::builder(AGENT, &live)
            .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
            .build()
            .unwrap();
        let decide = || enforcer.decide(&alice(), "view_order", "{}").outcome();
        assert_eq!(decide(), Effect::Allow);
        let size = std::fs::metadata(path.join("segment-000000.jsonl"))
            .unwrap()
            .len();
        limit(Some(size + 10));
        for _ in 0..5 {
            assert_eq!(decide(), outcome);
        }
        assert_eq!(enforcer.counts().not_recorded, 5);
        limit(None);
        assert_eq!(decide(), Effect::Allow);
    }
    println!("both were as they should be");
}

/// No file of this process may become larger than that.
fn limit(bytes: Option<u64>) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = Rlimit {
        current: bytes,
        ..getrlimit(Resource::Fsize)
    };
    setrlimit(Resource::Fsize, limit).unwrap();
}

#[test]
fn on_a_full_disk_the_operators_choice_is_taken_and_seen() {
    let folder = tempfile::tempdir().unwrap();
    let test = "composed::as_a_child_on_a_full_disk";
    let child = std::process::Command::new("sh")
        // Without the trap the process would be ended by a signal.
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--quiet"])
        .env(FULL, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("both were as they should be"), "{child:?}");
    let path = folder.path().join("Count");
    let found = verify(&path, &Anchors::default()).unwrap();
    assert!(found.is_intact(), "{:?}", found.findings);
    assert_eq!((found.decisions, found.lost, found.torn), (2, 5, 1));
}

#[test]
fn who_lets_decisions_pass_without_a_record_lets_them_pass_without_a_component() {
    let folder = tempfile::tempdir().unwrap();
    for (when, outcome) in [
        (WhenUnwritable::Deny, Effect::Deny),
        (WhenUnwritable::Count, Effect::Allow),
    ] {
        let path = folder.path().join(format!("{when:?}"));
        let (_policy, _, live) = live(BILLING);
        let mut options = options();
        options.when_unwritable = when;
        let log = AuditLog::open(&path, options, SystemTime::now()).unwrap();
        std::fs::write(path.join("components"), "in the way").unwrap();
        let enforcer = Enforcer::builder(AGENT, &live)
            .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
            .build()
            .unwrap();
        let decision = enforcer.decide(&alice(), "view_order", "{}");
        assert_eq!(decision.outcome(), outcome, "{}", decision.reason());
        drop(enforcer);
        let recorded = usize::from(when == WhenUnwritable::Count);
        assert_eq!(records(&path, "decision").len(), recorded);
    }
}

#[test]
fn a_log_that_cannot_be_written_denies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (_policy, _, live) = live(BILLING);
    let log = AuditLog::open(&path, options(), SystemTime::now()).unwrap();
    let enforcer = Enforcer::builder(AGENT, &live)
        .recorder(AuditRecorder::new(log), OnRecordFailure::Deny)
        .build()
        .unwrap();
    // The component of the policy cannot be kept, so a decision by it could not be replayed.
    std::fs::remove_dir_all(&path).unwrap();
    std::fs::write(&path, "in the way").unwrap();
    let decision = enforcer.decide(&alice(), "view_order", "{}");
    assert_eq!(
        (decision.outcome(), decision.cause()),
        (Effect::Deny, Cause::NotRecorded)
    );
}

/// Approvals by Carol, in a file of this folder.
fn stored(folder: &Path) -> (PathBuf, Approvers, DurableApprovals) {
    let file = folder.join("approvals.db");
    let approvers = Approvers::new(vec![Approver {
        id: "carol".into(),
        keys: vec![key(9).public_key()],
        roles: vec!["finance".into()],
        users: vec![],
    }])
    .unwrap();
    let service = ApprovalService::new(
        RequestStore::open_or_create(&file).unwrap(),
        approvers.clone(),
    );
    let terms = Terms::new(["finance"]).unwrap();
    let handler = DurableApprovals::new(Arc::new(service), terms);
    (file, approvers, handler)
}

#[test]
fn a_database_that_is_locked_holds_up_nobody_who_waits_without_a_thread() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _, handler) = stored(folder.path());
    let (_policy, _, live) = live(BILLING);
    let enforcer = Enforcer::builder(AGENT, &live)
        .approvals(Approvals::handler(handler))
        .build()
        .unwrap();
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let call = Call::of(&alice(), "close_account", r#"{"id": 7}"#);
        let asking = enforcer.authorize_async(call);
        tokio::pin!(asking);
        // Others go on on the only thread there is. One of them gives the database back.
        tokio::select! {
            _ = &mut asking => panic!("the database is locked"),
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
        other.execute_batch("ROLLBACK").unwrap();
        let decision = asking.await.unwrap_err();
        assert!(decision.pending_request().is_some(), "{decision:?}");
    });
}

#[test]
fn a_stored_approval_lets_one_call_pass_once() {
    let folder = tempfile::tempdir().unwrap();
    let (file, approvers, handler) = stored(folder.path());
    let (_policy, path, live) = live(BILLING);
    let enforcer = Enforcer::builder(AGENT, &live)
        .approvals(Approvals::handler(handler))
        .build()
        .unwrap();
    let close = |caller: &Caller, arguments: &str| {
        enforcer.authorize(Call::of(caller, "close_account", arguments))
    };
    let pending = |arguments: &str| {
        let decision = close(&alice(), arguments).unwrap_err();
        assert_eq!(decision.outcome(), Effect::NeedsApproval);
        decision.pending_request().unwrap().to_owned()
    };
    let answer = |request: &str, said: Said| answer(&file, &approvers, request, said);
    let request = pending(r#"{"id": 7}"#);
    answer(&request, Said::Approve);
    // Not for other arguments, not for somebody else, and once.
    assert!(close(&alice(), r#"{"id": 8}"#).is_err());
    let bob = Caller::builder("bob").role("support").build().unwrap();
    assert!(close(&bob, r#"{"id": 7}"#).is_err());
    let permit = close(&alice(), r#"{"id": 7}"#).unwrap();
    assert_eq!(permit.decision().approved_by(), Some("carol"));
    assert!(close(&alice(), r#"{"id": 7}"#).is_err());

    answer(&pending(r#"{"id": 9}"#), Said::Deny);
    let decision = close(&alice(), r#"{"id": 9}"#).unwrap_err();
    assert_eq!(
        (decision.outcome(), decision.cause()),
        (Effect::Deny, Cause::Approval)
    );

    // With another policy it is void.
    answer(&pending(r#"{"id": 10}"#), Said::Approve);
    std::fs::write(&path, BILLING.replace("<= 50", "<= 40")).unwrap();
    let _ = enforcer.begin_turn();
    pending(r#"{"id": 10}"#);
}

/// Answers, as Carol, what waits in the database in this file.
fn answer(file: &Path, approvers: &Approvers, request: &str, said: Said) {
    let now = Timestamp::from_system_time(SystemTime::now()).unwrap();
    RequestStore::open(file)
        .unwrap()
        .answer(
            &request.parse().unwrap(),
            approvers,
            &key(9),
            said,
            "seen",
            now,
        )
        .unwrap();
}

/// The notes about asking for approval: what happened, and what else is said.
fn notes(log: &Path) -> Vec<(String, Value)> {
    records(log, "note")
        .into_iter()
        .filter(|note| {
            note["event"]
                .as_str()
                .is_some_and(|event| event.starts_with("approval"))
        })
        .map(|note| {
            (
                note["event"].as_str().unwrap().to_owned(),
                note["details"].clone(),
            )
        })
        .collect()
}

#[test]
fn an_approval_that_is_used_up_is_in_the_log_whatever_becomes_of_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let (file, approvers, handler) = stored(folder.path());
    let (_policy, _, live) = live(BILLING);
    let path = folder.path().join("log");
    let log = AuditLog::open(&path, options(), SystemTime::now()).unwrap();
    let recorder = Arc::new(AuditRecorder::new(log));
    let enforcer = Enforcer::builder(AGENT, &live)
        .approvals(Approvals::handler(handler))
        .recorder(recorder.clone(), OnRecordFailure::Deny)
        .build()
        .unwrap();
    let call = |id: u32| Call::of(&alice(), "close_account", format!(r#"{{"id": {id}}}"#));
    let pending = |id: u32| {
        let decision = enforcer.authorize(call(id)).unwrap_err();
        decision.pending_request().unwrap().to_owned()
    };

    // Somebody asks, and has gone before the answer is there: nobody runs the call, and the approval is gone.
    let request = pending(1);
    answer(&file, &approvers, &request, Said::Approve);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let locked = rusqlite::Connection::open(&file).unwrap();
    locked.execute_batch("BEGIN IMMEDIATE").unwrap();
    runtime.block_on(async {
        let asking = tokio::time::timeout(
            Duration::from_millis(100),
            enforcer.authorize_async(call(1)),
        );
        assert!(asking.await.is_err(), "the database is locked");
        locked.execute_batch("ROLLBACK").unwrap();
    });
    let begin = std::time::Instant::now();
    while !notes(&path)
        .iter()
        .any(|(event, _)| event == "approval_used")
    {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "{:?}",
            notes(&path)
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let (_, used) = notes(&path).pop().unwrap();
    let said = ["user", "tool", "approved_by", "approval_reason", "request"]
        .map(|name| used[name].as_str().unwrap().to_owned());
    assert_eq!(said, ["alice", "close_account", "carol", "seen", &request]);
    assert_eq!(used["arguments_digest"].as_str().unwrap().len(), 64);
    assert!(enforcer.authorize(call(1)).is_err());

    // Alice is stopped while her approval is used.
    struct Stops(DurableApprovals, KillSwitch);
    impl ApprovalHandler for Stops {
        fn ask(&self, decision: &Decision) -> Result<Answer, ApprovalError> {
            let answer = self.0.ask(decision);
            self.1.stop_user("alice", "gone");
            answer
        }
    }
    answer(&file, &approvers, &pending(2), Said::Approve);
    let service = ApprovalService::new(RequestStore::open(&file).unwrap(), approvers);
    let switch = KillSwitch::new();
    let handler = DurableApprovals::new(Arc::new(service), Terms::new(["finance"]).unwrap());
    let stopping = Enforcer::builder(AGENT, &live)
        .kill_switch(&switch)
        .approvals(Approvals::handler(Stops(handler, switch.clone())))
        .recorder(recorder, OnRecordFailure::Deny)
        .build()
        .unwrap();
    let decision = stopping.authorize(call(2)).unwrap_err();
    assert_eq!(
        (decision.cause(), decision.approved_by()),
        (Cause::Stopped, Some("carol"))
    );
    let (event, void) = notes(&path).pop().unwrap();
    assert_eq!(
        (event.as_str(), void["approved_by"].as_str()),
        ("approval_void", Some("carol"))
    );
    let refused = records(&path, "decision").pop().unwrap();
    assert_eq!(refused["id"], void["decision"]);
}
