//! Looking for another policy without a turn: for hosts whose runs are long.

#[cfg(feature = "watch")]
mod files;

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::live::LivePolicy;

/// Looks for another policy again and again, until it is dropped.
#[derive(Debug)]
#[must_use = "what is dropped does not watch"]
#[allow(dead_code, reason = "held so that dropping it ends the thread")]
pub struct Watch {
    hold: mpsc::Sender<()>,
    #[cfg(feature = "watch")]
    files: Option<files::Files>,
}

/// What changes within this time is looked at once: a policy is written in several steps.
const TOGETHER: Duration = Duration::from_millis(20);

impl LivePolicy {
    /// Also looks for another policy this often, on a thread of its own, as [`refresh`](Self::refresh) does. It does not keep the
    /// policy alive.
    ///
    /// With the feature `watch` it also looks as soon as the file system tells that the policy's files changed. The interval counts
    /// all the same: not every file system tells, and what a link leads to may change elsewhere.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn watch(&self, interval: Duration) -> io::Result<Watch> {
        let (hold, woken) = mpsc::channel();
        let live = self.downgrade();
        let watch = Watch {
            #[cfg(feature = "watch")]
            files: self
                .watched()
                .and_then(|path| files::Files::watch(&path, hold.clone())),
            hold,
        };
        thread::Builder::new()
            .name("hexgate-watch".to_owned())
            .spawn(move || {
                loop {
                    match woken.recv_timeout(interval) {
                        Err(RecvTimeoutError::Disconnected) => return,
                        Err(RecvTimeoutError::Timeout) => {}
                        Ok(()) => {
                            thread::sleep(TOGETHER);
                            while woken.try_recv().is_ok() {}
                        }
                    }
                    let Some(live) = live.upgrade() else { return };
                    // Whoever wants to know asks the policy; a failure was said to the log.
                    let _ = live.refresh();
                }
            })?;
        Ok(watch)
    }
}
