//! Looks for another policy between turns, for hosts with long runs.

#[cfg(feature = "watch")]
mod files;

use std::io;
use std::time::Duration;

use crate::live::LivePolicy;
use crate::repeat::Repeated;

/// Looks for another policy again and again, until it is dropped.
#[derive(Debug)]
#[must_use = "watching ends when this is dropped"]
#[allow(dead_code, reason = "held so that dropping it ends the thread")]
pub struct Watch {
    repeated: Repeated,
    #[cfg(feature = "watch")]
    files: Option<files::Files>,
}

impl LivePolicy {
    /// Also looks for another policy this often, on a thread of its own, as [`refresh`](Self::refresh) does. It does not keep the policy
    /// alive.
    ///
    /// With the feature `watch` it also looks as soon as the file system reports that the policy's files changed. The interval still
    /// counts: not every file system reports changes, and the target of a link may change elsewhere.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn watch(&self, interval: Duration) -> io::Result<Watch> {
        let live = self.downgrade();
        let look = move || match live.upgrade() {
            Some(live) => {
                // The policy keeps the result, and a failure was logged.
                let _ = live.refresh();
                true
            }
            None => false,
        };
        let failed = |panic| tracing::error!(%panic, "looking for another policy panicked");
        let repeated = Repeated::start("hexgate-watch", move || interval, look, failed)?;
        Ok(Watch {
            #[cfg(feature = "watch")]
            files: self
                .watched()
                .and_then(|path| files::Files::watch(&path, repeated.waker())),
            repeated,
        })
    }
}
