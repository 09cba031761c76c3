//! Looking for another policy without a turn: for hosts whose runs are long.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::live::LivePolicy;

/// Looks for another policy again and again, until it is dropped.
#[derive(Debug)]
#[must_use = "what is dropped does not watch"]
pub struct Watch(
    #[allow(dead_code, reason = "held so that dropping it ends the thread")] mpsc::Sender<()>,
);

impl LivePolicy {
    /// Also looks for another policy this often, on a thread of its own, as [`refresh`](Self::refresh) does. It does not keep the
    /// policy alive.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn watch(&self, interval: Duration) -> io::Result<Watch> {
        let (hold, dropped) = mpsc::channel();
        let live = self.downgrade();
        thread::Builder::new()
            .name("hexgate-watch".to_owned())
            .spawn(move || {
                while let Err(RecvTimeoutError::Timeout) = dropped.recv_timeout(interval) {
                    let Some(live) = live.upgrade() else { return };
                    // Whoever wants to know asks the policy; a failure was said to the log.
                    let _ = live.refresh();
                }
            })?;
        Ok(Watch(hold))
    }
}
