//! The run that an agent is in: on whose behalf, and until when.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hexgate_base::guarded::locked;
use hexgate_enforce::{Caller, scope};
use hexgate_gate::Counts;
use tokio::sync::{OwnedMutexGuard, watch};

/// Runs of this process so far.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// The run of one agent. An agent is in one run at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Current(Arc<Mutex<Option<Run>>>);

#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) caller: Option<Caller>,
    pub(crate) counts: Counts,
    goes_on: watch::Receiver<()>,
}

impl Run {
    /// Waits for the end of the run.
    pub(crate) async fn ended(mut self) {
        // Nothing is ever sent: the run is over when its sender is gone.
        while self.goes_on.changed().await.is_ok() {}
    }
}

/// While it lives, the run goes on.
#[derive(Debug)]
pub(crate) struct Running {
    current: Current,
    _goes_on: watch::Sender<()>,
}

impl Current {
    /// Begins a run on behalf of the caller in scope here, if there is one.
    pub(crate) fn begin(&self) -> Running {
        let (sender, goes_on) = watch::channel(());
        let caller = scope::current().ok();
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        *locked(&self.0) = Some(Run {
            caller,
            counts: Counts::new(format!("{}-{number}", std::process::id())),
            goes_on,
        });
        Running {
            current: self.clone(),
            _goes_on: sender,
        }
    }

    /// Tells agents apart while they live.
    pub(crate) fn agent_id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    pub(crate) fn get(&self) -> Option<Run> {
        locked(&self.0).clone()
    }
}

/// The framework runs the calls of an answer side by side. They are decided one after the other, in the model's order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns {
    one: Arc<Turn>,
    /// Whose turn it is, by the id of the call.
    whose: Arc<Mutex<HashMap<String, OwnedMutexGuard<()>>>>,
}

type Turn = tokio::sync::Mutex<()>;

impl Turns {
    /// Waits until the calls before this one are decided.
    pub(crate) async fn wait(&self, call: String) {
        let turn = Arc::clone(&self.one).lock_owned().await;
        locked(&self.whose).insert(call, turn);
    }

    /// The turn of a call, until it is decided.
    pub(crate) fn take(&self, call: &str) -> Option<OwnedMutexGuard<()>> {
        locked(&self.whose).remove(call)
    }

    pub(crate) fn clear(&self) {
        locked(&self.whose).clear();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *locked(&self.current.0) = None;
    }
}
