//! What tests and examples of the adapters share: a policy that decides, what was recorded, and who approves.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, and an example ends"
)]

mod durable;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{
    Caller, Decision, Ended, Enforcer, EnforcerBuilder, LivePolicy, OnRecordFailure, RecordError,
    Recorder,
};

pub use durable::{Carol, Denied, Proposed, holds_durable_approvals};

/// What was recorded, a line for each decision and for each end. Cloning gives the same one.
///
/// A decision is `allow read {"path":"a"} for alice`, an end `read completed`, or `read failed (tool)`; a call that was not started ends with
/// `not run`.
#[derive(Debug, Clone, Default)]
pub struct Record(Arc<Mutex<Vec<String>>>);

impl Record {
    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn push(&self, line: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }
}

impl Recorder for Record {
    fn record(&self, decision: &Decision) -> Result<(), RecordError> {
        self.push(format!(
            "{} {} {} for {}",
            decision.outcome().as_str(),
            decision.tool(),
            decision.arguments(),
            decision
                .caller()
                .map_or("nobody", |caller| caller.user_id())
        ));
        Ok(())
    }

    fn ended(&self, ended: &Ended<'_>) -> Result<(), RecordError> {
        let state = format!("{:?}", ended.state).to_lowercase();
        let error = ended.error.map(|error| format!(" ({error})"));
        let ran = if ended.ran { "" } else { ", not run" };
        self.push(format!(
            "{} {state}{}{ran}",
            ended.tool,
            error.unwrap_or_default()
        ));
        Ok(())
    }
}

/// An enforcer of the agent `desk` by this policy in YAML, and what it records. Nobody is asked for approval, unless the builder is told.
pub fn enforcer(policy: &str) -> (EnforcerBuilder, Record) {
    let (builder, record, _) = replaceable(policy);
    (builder, record)
}

/// As [`enforcer`], with the policy's file, for another one that the next run finds.
pub fn replaceable(policy: &str) -> (EnforcerBuilder, Record, Replaceable) {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| Engine::new().unwrap());
    let file = Replaceable(tempfile::tempdir().unwrap());
    file.replace(policy);
    let source = PolicyFile::dangerous_unsigned(file.path());
    let live = LivePolicy::open(engine, source).unwrap();
    let record = Record::default();
    let builder = Enforcer::builder("desk", &live).recorder(record.clone(), OnRecordFailure::Deny);
    (builder, record, file)
}

/// The file of a policy.
#[derive(Debug)]
pub struct Replaceable(tempfile::TempDir);

impl Replaceable {
    fn path(&self) -> PathBuf {
        self.0.path().join("policy.yaml")
    }

    /// Puts another policy in its place.
    pub fn replace(&self, policy: &str) {
        std::fs::write(self.path(), policy).unwrap();
    }
}

/// A caller with the role `user`.
#[must_use]
pub fn caller(user: &str) -> Caller {
    Caller::builder(user).role("user").build().unwrap()
}
