//! Whose tasks are.

use std::sync::{Arc, Mutex};

use hexgate_base::guarded::locked;
use hexgate_enforce::Caller;
use hexgate_mcp::front::Owners;
use rmcp::model::ErrorData;

/// Tasks of one user that are known. When there are more, the one that was not asked for the longest time is unknown from then on.
const OF_USER: usize = 1000;

/// Who made which task of a server. As with sessions, a task belongs to the very caller whose call made it.
#[derive(Debug, Clone)]
pub(crate) struct Tasks(Arc<Mutex<Owners>>);

impl Tasks {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Owners::new(OF_USER))))
    }

    /// A permitted call of this caller made a task.
    pub(crate) fn made(&self, task: &str, caller: &Caller) {
        let forgotten = self.with(|owners| owners.opened(task, caller));
        if forgotten.is_some() {
            tracing::warn!("a task is unknown from now on, because there are too many");
        }
    }

    /// Whether this caller made a task.
    ///
    /// # Errors
    ///
    /// For the client: to others a task is unknown.
    pub(crate) fn is_of(&self, task: &str, caller: Option<&Caller>) -> Result<(), ErrorData> {
        let is_own = caller.is_some_and(|it| self.with(|owners| owners.is_used_by(task, it)));
        if is_own {
            return Ok(());
        }
        tracing::warn!("a request names a task that no call of its caller made");
        Err(ErrorData::invalid_params("unknown_task", None))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Owners) -> T) -> T {
        work(&mut locked(&self.0))
    }
}
