//! Who learns of decisions.

mod audit;

pub use audit::AuditRecorder;

use std::error::Error;
use std::sync::Arc;

use crate::decision::Decision;
use crate::live::Refresh;

/// Learns of every decision. It cannot change one: what it returns does not matter, and a panic in it is caught and counted.
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
    /// Records a decision. Once this returned, the record is as durable as this recorder makes records.
    ///
    /// # Errors
    ///
    /// There is no record. [`OnRecordFailure`] says what becomes of the decision. A panic counts as an error.
    fn record(&self, decision: &Decision) -> Result<(), RecordError>;

    /// How many decisions passed without a record since this recorder began, because it was told to let them. Default: none do.
    fn lost(&self) -> u64 {
        0
    }

    /// Learns what came of looking for another policy when a turn began. No decision depends on what becomes of that. By default it is passed
    /// over.
    fn refreshed(&self, refresh: &Refresh) {
        let _ = refresh;
    }
}

impl<R: Recorder + ?Sized> Recorder for Arc<R> {
    fn record(&self, decision: &Decision) -> Result<(), RecordError> {
        (**self).record(decision)
    }

    fn lost(&self) -> u64 {
        (**self).lost()
    }

    fn refreshed(&self, refresh: &Refresh) {
        (**self).refreshed(refresh);
    }
}

/// Why there is no record of a decision.
pub type RecordError = Box<dyn Error + Send + Sync>;

/// What becomes of a decision that could not be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnRecordFailure {
    /// It becomes a denial.
    #[default]
    Deny,
    /// It stands, and is [counted](crate::Counts::not_recorded).
    Continue,
}
