//! Recorders and observers.

use std::sync::{Arc, Mutex};

use hexgate_enforce::{Cause, Decision, Effect, Enforcer, OnRecordFailure, RecordError, Recorder};

use crate::fixture::*;

/// Writes down who learned what, in order.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    fn add(&self, who: &str, decision: &Decision) {
        let line = format!("{who} {} {}", decision.tool(), decision.outcome());
        self.0.lock().unwrap().push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Recorder for Journal {
    fn record(&self, decision: &Decision) -> Result<(), RecordError> {
        self.add("recorder", decision);
        match decision.tool() {
            "help" => Ok(()),
            "view_order" => Err("the disk is full".into()),
            _ => panic!("the recorder has a bug"),
        }
    }
}

fn enforcer(journal: &Journal, on_failure: OnRecordFailure) -> Enforcer {
    let (_folder, _, live) = live(BILLING);
    let observer = journal.clone();
    Enforcer::builder(AGENT, &live)
        .recorder(journal.clone(), on_failure)
        .observer(|_: &Decision| panic!("the observer has a bug"))
        .observer(move |decision: &Decision| observer.add("observer", decision))
        .build()
        .unwrap()
}

#[test]
fn a_decision_that_cannot_be_recorded_becomes_a_denial() {
    let journal = Journal::default();
    let enforcer = enforcer(&journal, OnRecordFailure::Deny);
    assert!(
        enforcer
            .decide(&alice(), "help", "{}")
            .is_denied_by_policy()
    );
    let support = enforcer.decide(&alice(), "view_order", "{}");
    assert_eq!(
        (support.outcome(), support.cause(), support.reason()),
        (
            Effect::Deny,
            Cause::NotRecorded,
            "the decision could not be recorded: the disk is full"
        )
    );
    let panicked = enforcer.decide(&alice(), "close_account", "{}");
    assert_eq!(panicked.cause(), Cause::NotRecorded);
    assert!(
        panicked.reason().ends_with("the recorder has a bug"),
        "{}",
        panicked.reason()
    );
    // The model is not told how the host is doing.
    assert_eq!(
        support.model_payload().unwrap().message,
        "Policy denied tool \"view_order\""
    );
    assert_eq!(
        (
            enforcer.counts().not_recorded,
            enforcer.counts().observer_panics
        ),
        (2, 3)
    );
    assert_eq!(
        journal.lines(),
        [
            "recorder help deny",
            "observer help deny",
            "recorder view_order allow",
            "observer view_order deny",
            "recorder close_account needs_approval",
            "observer close_account deny",
        ]
    );
}

#[test]
fn or_stands_and_is_counted_if_that_was_chosen() {
    let journal = Journal::default();
    let enforcer = enforcer(&journal, OnRecordFailure::Continue);
    assert!(enforcer.decide(&alice(), "view_order", "{}").is_allowed());
    assert_eq!(enforcer.counts().not_recorded, 1);
    assert_eq!(
        journal.lines(),
        ["recorder view_order allow", "observer view_order allow"]
    );
}

trait Denied {
    fn is_denied_by_policy(&self) -> bool;
}

impl Denied for Decision {
    fn is_denied_by_policy(&self) -> bool {
        self.outcome() == Effect::Deny && self.cause() == Cause::Policy
    }
}

#[test]
fn what_a_recorder_lets_pass_is_counted_too() {
    struct Lets;
    impl Recorder for Lets {
        fn record(&self, decision: &Decision) -> Result<(), RecordError> {
            match decision.tool() {
                "fails" => Err("no room".into()),
                _ => Ok(()),
            }
        }
        fn lost(&self) -> u64 {
            3
        }
    }
    let (_folder, _, live) = live(BILLING);
    let recorder = Arc::new(Lets);
    let enforcer = Enforcer::builder(AGENT, &live)
        .recorder(recorder, OnRecordFailure::Continue)
        .build()
        .unwrap();
    let _ = enforcer.decide(&alice(), "view_order", "{}");
    assert_eq!(enforcer.counts().not_recorded, 3);
    let _ = enforcer.decide(&alice(), "fails", "{}");
    assert_eq!(enforcer.counts().not_recorded, 4);
}
