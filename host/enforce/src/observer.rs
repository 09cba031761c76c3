//! Observers and recorders of decisions.

mod audit;

pub use audit::AuditRecorder;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hexgate_audit::EndState;

use crate::decision::{Decision, DecisionId};
use crate::live::Refresh;

/// Is told of every decision. It cannot change one: it returns nothing, and a panic in it is caught and counted.
pub trait Observer: Send + Sync {
    /// A decision was made, and recorded if there is a recorder. The host has not acted on it yet.
    fn observe(&self, decision: &Decision);
}

impl<F: Fn(&Decision) + Send + Sync> Observer for F {
    fn observe(&self, decision: &Decision) {
        self(decision);
    }
}

/// Keeps a record of every decision, before the host can act on it.
pub trait Recorder: Send + Sync {
    /// Records a decision. When this returns, the record is as durable as this recorder makes records.
    ///
    /// # Errors
    ///
    /// There is no record. [`OnRecordFailure`] says whether the decision stands. A panic counts as an error.
    fn record(&self, decision: &Decision) -> Result<(), RecordError>;

    /// Records how a call ended that was permitted. By default it is ignored.
    ///
    /// # Errors
    ///
    /// There is no record. The call has run by then. A panic counts as an error.
    fn ended(&self, ended: &Ended<'_>) -> Result<(), RecordError> {
        let _ = ended;
        Ok(())
    }

    /// How many decisions passed without a record so far, because this recorder is set to let them. Default: none.
    fn lost(&self) -> u64 {
        0
    }

    /// Is told the result of looking for another policy when a turn began. No decision depends on it. By default it is ignored.
    fn refreshed(&self, refresh: &Refresh) {
        let _ = refresh;
    }
}

impl<R: Recorder + ?Sized> Recorder for Arc<R> {
    fn record(&self, decision: &Decision) -> Result<(), RecordError> {
        (**self).record(decision)
    }

    fn ended(&self, ended: &Ended<'_>) -> Result<(), RecordError> {
        (**self).ended(ended)
    }

    fn lost(&self) -> u64 {
        (**self).lost()
    }

    fn refreshed(&self, refresh: &Refresh) {
        (**self).refreshed(refresh);
    }
}

/// How a call ended that was permitted.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// When it ended.
    pub at: SystemTime,
    /// The decision that permitted it.
    pub decision: DecisionId,
    /// The tool.
    pub tool: &'a str,
    /// Whether the tool was started.
    pub ran: bool,
    /// How it ended.
    pub state: EndState,
    /// The result that the agent got. Recorders keep no more of it than its length and a keyed digest.
    pub result: Option<&'a str>,
    /// A short stable name for the kind of failure, such as `timeout`.
    pub error: Option<&'a str>,
    /// How long the tool ran.
    pub took: Duration,
}

/// Why a decision could not be recorded.
pub type RecordError = Box<dyn Error + Send + Sync>;

/// The fate of a decision that could not be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnRecordFailure {
    /// The decision becomes a denial.
    #[default]
    Deny,
    /// The decision stands, and is [counted](crate::Counts::not_recorded).
    Continue,
}
