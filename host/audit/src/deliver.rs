//! Delivers records of decisions to the platform.
//!
//! The log is the spool: each record is on the disk before the host acts, and a file beside the log says how far the platform has it. An
//! event is sent until the platform takes it or refuses it for good; a repeated event has the same id. An event that fails while others
//! pass is set aside, so that an event that a firewall blocks does not stop the others.

mod aside;
mod control;
mod courier;
mod cursor;
mod event;
mod options;
mod send;
mod tail;
mod window;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

pub use aside::SetAside;
pub use options::{DeliveryOptions, WhenFull};

use courier::{Courier, IDLE};
use cursor::Cursor;
use hexgate_platform::PlatformError;

use crate::{backlog::Backlog, folder::FolderError, log::AuditLog, redact::RedactionError};

/// The state of a delivery. The counts are the log's, over all processes that delivered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Delivered {
    /// Events that the platform took.
    pub delivered: u64,
    /// Events that the platform refused for good. They stay in the log.
    pub refused: u64,
    /// Records that were skipped. They stay in the log, if their file still exists.
    pub skipped: u64,
    /// Events that are set aside: the platform does not take them while it takes others. They are tried again later.
    pub aside: u64,
    /// The number of the first record that is neither settled nor set aside.
    pub next: u64,
}

/// Why the platform takes no events at the moment. A single event that fails while others pass is not such a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The status of its answer. None: there was no answer.
    pub status: Option<u16>,
    /// The reason. A message puts it after the platform's address.
    pub reason: String,
}

/// When a delivery ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When every record in the log is settled or set aside, and events that were set aside before have been tried once more.
    Settled,
    /// Never: it waits for new records.
    Stopped,
}

/// Delivers a log in the background, from a thread of its own.
#[derive(Debug)]
pub struct Delivery {
    progress: Arc<Progress>,
    thread: Option<JoinHandle<Result<(), DeliveryError>>>,
}

/// The state that the threads share.
#[derive(Debug, Default)]
struct Progress {
    backlog: Arc<Backlog>,
    delivered: AtomicU64,
    refused: AtomicU64,
    skipped: AtomicU64,
    aside: AtomicU64,
    stop: AtomicBool,
    problem: Mutex<Option<Problem>>,
}

impl Progress {
    /// Sets why no event passes. None: events pass.
    fn meets(&self, problem: Option<Problem>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    fn set(&self, cursor: &Cursor, aside: usize) {
        self.aside.store(aside as u64, Ordering::Relaxed);
        self.backlog.settled(cursor.next);
        self.delivered.store(cursor.delivered, Ordering::Relaxed);
        self.refused.store(cursor.refused, Ordering::Relaxed);
        self.skipped.store(cursor.skipped, Ordering::Relaxed);
    }

    fn read(&self) -> Delivered {
        Delivered {
            delivered: self.delivered.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            aside: self.aside.load(Ordering::Relaxed),
            next: self.backlog.next(),
        }
    }
}

impl Delivery {
    /// Starts to deliver a log that this process writes.
    ///
    /// # Errors
    /// The options cannot be used, or another process delivers the log.
    pub fn start(log: &AuditLog, options: DeliveryOptions) -> Result<Self, DeliveryError> {
        let limit = (options.when_full == WhenFull::Deny).then_some(options.backlog.max(1));
        let courier = Courier::new(log.folder(), options, limit)?;
        log.bound(Arc::clone(&courier.progress().backlog));
        Self::of(courier, Until::Stopped)
    }

    /// Starts to deliver the log in a folder that any process writes, for example another one than the agent's. The bound on waiting
    /// records does not apply: none is skipped.
    ///
    /// # Errors
    /// The options cannot be used, or another process delivers the log.
    pub fn attach(
        log: impl AsRef<Path>,
        options: DeliveryOptions,
        until: Until,
    ) -> Result<Self, DeliveryError> {
        Self::of(Courier::new(log.as_ref(), options, None)?, until)
    }

    fn of(mut courier: Courier, until: Until) -> Result<Self, DeliveryError> {
        let (log, progress) = (courier.log().to_owned(), courier.progress());
        let thread = std::thread::Builder::new()
            .name("hexgate-delivery".to_owned())
            .spawn(move || {
                courier.run(until).inspect_err(|error| {
                    tracing::error!(%error, "the delivery of the audit log ended");
                })
            })
            .map_err(|source| DeliveryError::Io { path: log, source })?;
        Ok(Self {
            progress,
            thread: Some(thread),
        })
    }

    /// Whether the delivery is running. It ends when it is stopped, when [all is settled](Until::Settled), or when the log cannot be read.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Why the platform takes no events. None: it takes events, or was not asked yet.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let problem = &self.progress.problem;
        problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Stops the delivery now, and returns its state.
    ///
    /// # Errors
    /// The log could not be read.
    pub fn finish(mut self) -> Result<Delivered, DeliveryError> {
        self.end()?;
        Ok(self.progress.read())
    }

    /// The state of the delivery.
    #[must_use]
    pub fn status(&self) -> Delivered {
        self.progress.read()
    }

    /// Waits until all records up to the number `n` are settled, at most this long, and stops. The next process delivers the rest.
    #[must_use]
    pub fn stop(mut self, n: u64, patience: Duration) -> Delivered {
        let begin = Instant::now();
        while self.progress.backlog.next() <= n && begin.elapsed() < patience {
            std::thread::sleep(IDLE / 4);
        }
        // An unreadable log was reported when it happened.
        let _ = self.end();
        self.progress.read()
    }

    fn end(&mut self) -> Result<(), DeliveryError> {
        self.progress.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            // A panic in it was reported where it happened.
            Some(Err(_)) => Err(DeliveryError::Panicked),
            None => Ok(()),
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// Delivers the records in a log now and waits, without a time limit, until all of them are settled or set aside. Events that were set
/// aside before are tried once more.
///
/// # Errors
/// The options cannot be used, another process delivers the log, or it cannot be read.
pub fn deliver(
    log: impl AsRef<Path>,
    options: DeliveryOptions,
) -> Result<Delivered, DeliveryError> {
    let mut courier = Courier::new(log.as_ref(), options, None)?;
    courier.run(Until::Settled)?;
    Ok(courier.progress().read())
}

/// The events of a log that are set aside, oldest first. While another process delivers the log, this can be a second late.
///
/// # Errors
/// The file with these events cannot be read.
pub fn set_aside(log: impl AsRef<Path>) -> Result<Vec<SetAside>, DeliveryError> {
    let log = log.as_ref();
    let cursor = Cursor::load(log).map_err(|source| DeliveryError::Io {
        path: cursor::path(log),
        source,
    })?;
    Ok(cursor.aside)
}

/// Why a log cannot be delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The folder cannot be used, or another process delivers the log.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A redaction cannot be used.
    #[error(transparent)]
    Redaction(#[from] RedactionError),
    /// The platform cannot be asked.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The delivery's thread panicked.
    #[error("the delivery panicked")]
    Panicked,
    /// The system fails.
    #[error("cannot use `{}`: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}
