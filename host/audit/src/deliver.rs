//! Telling the platform what was decided.
//!
//! The log is the spool: what is to be sent is on the disk before the host acts, and a file beside it says how far the platform has it. An event is
//! sent until the platform takes it, or says that it never will; one that is sent twice has the same id.

mod cursor;
mod event;
mod send;
mod tail;

use std::{
    collections::VecDeque,
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use cursor::Cursor;
use send::{Sender, Sent};
use tail::Tail;

use crate::{
    folder::{FolderError, Lock},
    log::AuditLog,
    redact::{Redaction, RedactionError, Redactor},
};

/// How a log is delivered. [`DeliveryOptions::new`] has the defaults.
#[derive(Clone)]
#[non_exhaustive]
pub struct DeliveryOptions {
    /// The platform's address, such as `https://app.hexgate.ai`; without TLS on this machine alone.
    pub url: String,
    /// The project's token, which is sent as a bearer.
    pub key: String,
    /// What counts as a secret in events, whatever the log keeps.
    pub redaction: Redaction,
    /// How many events are on their way at the same time. Default: 32.
    pub in_flight: usize,
    /// How long the platform may take for one. Default: 5 seconds.
    pub timeout: Duration,
    /// How long to wait before an event is sent again, the first time; then twice as long each time, up to [`most`](Self::longest_wait), and a
    /// random part less. Default: 500 milliseconds.
    pub shortest_wait: Duration,
    /// The longest wait. Default: 60 seconds.
    pub longest_wait: Duration,
    /// How many records may wait to be delivered. Default: one million.
    pub backlog: u64,
    /// What happens when more do. Default: the oldest are passed over.
    pub when_full: WhenFull,
}

/// What happens when too many records wait to be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// The oldest are passed over, counted, and stay in the log.
    #[default]
    Skip,
    /// Decisions are denied until the platform has taken some.
    Deny,
}

impl DeliveryOptions {
    /// The defaults, for a platform and a project's token.
    #[must_use]
    pub fn new(url: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            key: key.into(),
            redaction: Redaction::of_events(),
            in_flight: 32,
            timeout: Duration::from_secs(5),
            shortest_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            backlog: 1_000_000,
            when_full: WhenFull::default(),
        }
    }
}

impl fmt::Debug for DeliveryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryOptions")
            .field("url", &self.url)
            .field("backlog", &self.backlog)
            .field("when_full", &self.when_full)
            .finish_non_exhaustive()
    }
}

/// How a delivery is doing. The counts are those of the log, over all processes that delivered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Delivered {
    /// Events that the platform took.
    pub delivered: u64,
    /// Events that the platform will never take. They stay in the log.
    pub refused: u64,
    /// Records that were passed over. They stay in the log, if their file is there.
    pub skipped: u64,
    /// The number of the first record that is not settled yet.
    pub next: u64,
}

/// Why the platform does not take events at the moment, or did not take the last one that it answered about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The status of its answer. None: there was no answer.
    pub status: Option<u16>,
    /// What is wrong, to be read after the platform's address.
    pub reason: String,
}

/// When a delivery ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// As soon as everything that is in the log is settled.
    Settled,
    /// Never: it waits for what is written next.
    Stopped,
}

/// Delivers a log in the background, from a thread of its own.
#[derive(Debug)]
pub struct Delivery {
    progress: Arc<Progress>,
    thread: Option<JoinHandle<Result<(), DeliveryError>>>,
}

/// What the threads share.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The number of the next record of the log, as far as its writer is in this process.
    written: AtomicU64,
    /// The number of the first record that is not settled yet.
    next: AtomicU64,
    delivered: AtomicU64,
    refused: AtomicU64,
    skipped: AtomicU64,
    stop: AtomicBool,
    problem: Mutex<Option<Problem>>,
    /// More records than this may not wait, if the operator wants decisions denied then.
    limit: Option<u64>,
}

impl Progress {
    /// Whether another record may be written.
    pub(crate) fn has_room(&self) -> bool {
        let waiting = || {
            let written = self.written.load(Ordering::Relaxed);
            written.saturating_sub(self.next.load(Ordering::Relaxed))
        };
        self.limit.is_none_or(|limit| waiting() < limit)
    }

    /// A record was written.
    pub(crate) fn wrote(&self, n: u64) {
        self.written
            .fetch_max(n.saturating_add(1), Ordering::Relaxed);
    }

    /// What the last answer was, or that there was none.
    fn meets(&self, problem: Option<Problem>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    fn set(&self, cursor: &Cursor) {
        self.next.store(cursor.next, Ordering::Relaxed);
        self.delivered.store(cursor.delivered, Ordering::Relaxed);
        self.refused.store(cursor.refused, Ordering::Relaxed);
        self.skipped.store(cursor.skipped, Ordering::Relaxed);
    }

    fn read(&self) -> Delivered {
        Delivered {
            delivered: self.delivered.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            next: self.next.load(Ordering::Relaxed),
        }
    }
}

impl Delivery {
    /// Begins to deliver a log that this process writes.
    ///
    /// # Errors
    /// The options cannot be used, or another process delivers the log.
    pub fn start(log: &AuditLog, options: DeliveryOptions) -> Result<Self, DeliveryError> {
        let limit = (options.when_full == WhenFull::Deny).then_some(options.backlog.max(1));
        let courier = Courier::new(log.folder(), options, limit)?;
        log.bound(Arc::clone(&courier.progress));
        Self::of(courier, Until::Stopped)
    }

    /// Begins to deliver the log in a folder, whoever writes it: from another process than the agent's, say. How many records may wait is not
    /// looked at: none is passed over.
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
        let (log, progress) = (courier.log.clone(), Arc::clone(&courier.progress));
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

    /// Whether it goes on. It ends when it is told to, when [all is settled](Until::Settled), and when the log cannot be read.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Why the platform does not take events. None: it took the last one.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let problem = &self.progress.problem;
        problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends it, now. What came of it until then.
    ///
    /// # Errors
    /// The log could not be read.
    pub fn finish(mut self) -> Result<Delivered, DeliveryError> {
        self.end()?;
        Ok(self.progress.read())
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> Delivered {
        self.progress.read()
    }

    /// Waits until all records up to the number `n` are settled, at most so long, and ends. What is left is delivered by the next process.
    #[must_use]
    pub fn stop(mut self, n: u64, patience: Duration) -> Delivered {
        let begin = Instant::now();
        while self.progress.next.load(Ordering::Relaxed) <= n && begin.elapsed() < patience {
            std::thread::sleep(IDLE / 4);
        }
        // That the log could not be read was told when it happened.
        let _ = self.end();
        self.progress.read()
    }

    fn end(&mut self) -> Result<(), DeliveryError> {
        self.progress.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            // A panic in it was told where it happened.
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

/// Delivers what is in a log now and waits until the platform has settled all of it, however long that takes.
///
/// # Errors
/// The options cannot be used, another process delivers the log, or it cannot be read.
pub fn deliver(
    log: impl AsRef<Path>,
    options: DeliveryOptions,
) -> Result<Delivered, DeliveryError> {
    let mut courier = Courier::new(log.as_ref(), options, None)?;
    courier.run(Until::Settled)?;
    Ok(courier.progress.read())
}

/// Who goes.
struct Courier {
    log: PathBuf,
    options: DeliveryOptions,
    redactor: Redactor,
    sender: Arc<Sender>,
    cursor: Cursor,
    progress: Arc<Progress>,
    saved: Instant,
    unsaved: u64,
    _lock: Lock,
}

/// A record on its way.
struct Waiting {
    n: u64,
    behind: Cursor,
    /// None: it is not settled yet.
    settled: Option<Sent>,
}

impl Courier {
    fn new(
        log: &Path,
        options: DeliveryOptions,
        limit: Option<u64>,
    ) -> Result<Self, DeliveryError> {
        let redactor = Redactor::new(&options.redaction)?;
        let progress = Arc::new(Progress {
            limit,
            ..Progress::default()
        });
        let sender = Arc::new(Sender::new(&options, Arc::clone(&progress))?);
        let lock = Lock::take(log, "delivery.lock")?;
        let io = |path: PathBuf| move |source| DeliveryError::Io { path, source };
        let mut cursor = Cursor::load(log).map_err(io(cursor::path(log)))?;
        let is_where_it_was = Tail::new(log, cursor).is_where_it_was();
        if !is_where_it_was.map_err(io(log.to_owned()))? {
            // Twice is no loss: the same record has the same id.
            tracing::warn!(folder = %log.display(), "the audit log is not the one that was delivered, or lost its end; all of it is delivered again");
            cursor = cursor.at_the_beginning();
        }
        progress.set(&cursor);
        Ok(Self {
            log: log.to_owned(),
            options,
            redactor,
            sender,
            cursor,
            progress,
            saved: Instant::now(),
            unsaved: 0,
            _lock: lock,
        })
    }

    /// Delivers until told to stop, or until that.
    fn run(&mut self, until: Until) -> Result<(), DeliveryError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| self.io(source))?;
        let outcome = runtime.block_on(self.go(until));
        self.save();
        outcome.map_err(|source| self.io(source))
    }

    async fn go(&mut self, until: Until) -> io::Result<()> {
        let mut tail = Tail::new(&self.log, self.cursor);
        let mut window: VecDeque<Waiting> = VecDeque::new();
        let mut sending: JoinSet<(u64, Sent)> = JoinSet::new();
        loop {
            if self.progress.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let mut is_end = false;
            while sending.len() < self.options.in_flight.max(1)
                && window.len() < self.options.in_flight.max(1) * WINDOW
            {
                let Some(item) = tail.next()? else {
                    is_end = true;
                    break;
                };
                let Some(decision) = item.decision else {
                    window.push_back(Waiting {
                        n: item.head.n,
                        behind: item.behind,
                        settled: Some(Sent::Nothing),
                    });
                    continue;
                };
                let event = event::event(&item.head, &decision, &self.redactor);
                let sender = Arc::clone(&self.sender);
                let n = item.head.n;
                sending.spawn(async move { (n, sender.send(event).await) });
                window.push_back(Waiting {
                    n,
                    behind: item.behind,
                    settled: None,
                });
            }
            self.settle(&mut window);
            if self.pass_over()? {
                // What is on its way may arrive; nobody waits for it.
                sending.shutdown().await;
                window.clear();
                tail = Tail::new(&self.log, self.cursor);
                continue;
            }
            if sending.is_empty() {
                if until == Until::Settled && is_end {
                    return Ok(());
                }
                self.save_if_due();
                tokio::time::sleep(IDLE).await;
                continue;
            }
            let arrived = tokio::time::timeout(IDLE, sending.join_next()).await;
            if let Ok(Some(Ok((n, sent)))) = arrived {
                if let Some(waiting) = window.iter_mut().find(|waiting| waiting.n == n) {
                    waiting.settled = Some(sent);
                }
                self.settle(&mut window);
            }
        }
    }

    /// Moves on behind all records at the beginning that are settled.
    fn settle(&mut self, window: &mut VecDeque<Waiting>) {
        while let Some(Waiting {
            behind,
            settled: Some(sent),
            n,
        }) = window.front()
        {
            let missing = n.saturating_sub(self.cursor.next);
            self.cursor.skipped += missing;
            match sent {
                Sent::Taken => self.cursor.delivered += 1,
                Sent::Refused => self.cursor.refused += 1,
                Sent::Nothing => {}
            }
            self.cursor.move_behind(behind);
            self.unsaved += 1;
            window.pop_front();
        }
        self.progress.set(&self.cursor);
        self.save_if_due();
    }

    /// Passes over the oldest records if more wait than may. Whether that was so.
    fn pass_over(&mut self) -> io::Result<bool> {
        let written = self.progress.written.load(Ordering::Relaxed);
        let first = written.saturating_sub(self.options.backlog.max(1));
        if self.options.when_full == WhenFull::Deny || first <= self.cursor.next {
            return Ok(false);
        }
        let mut tail = Tail::new(&self.log, self.cursor);
        let before = self.cursor.next;
        while self.cursor.next < first {
            let Some(item) = tail.next()? else {
                break;
            };
            self.cursor.move_behind(&item.behind);
        }
        let records = self.cursor.next.saturating_sub(before);
        self.cursor.skipped += records;
        tracing::error!(
            records,
            "too many audit records wait to be delivered; the oldest are passed over, and stay in the log"
        );
        self.progress.set(&self.cursor);
        self.save();
        Ok(records > 0)
    }

    fn save_if_due(&mut self) {
        if self.unsaved >= SAVE_RECORDS || (self.unsaved > 0 && self.saved.elapsed() > SAVE_TIME) {
            self.save();
        }
    }

    /// Saves how far it is. Where that fails, the events since the last time are sent again by the next process.
    fn save(&mut self) {
        self.saved = Instant::now();
        self.unsaved = 0;
        if let Err(error) = self.cursor.save(&self.log) {
            tracing::warn!(file = %cursor::path(&self.log).display(), %error, "how far the audit log was delivered cannot be saved");
        }
    }

    fn io(&self, source: io::Error) -> DeliveryError {
        DeliveryError::Io {
            path: self.log.clone(),
            source,
        }
    }
}

/// How long to wait for records, and between looks at whether to stop.
const IDLE: Duration = Duration::from_millis(50);
/// How many records may be read ahead of the oldest one that is on its way, for each one that may be.
const WINDOW: usize = 4;
/// After how many records, and after how long, it is saved how far it is.
const SAVE_RECORDS: u64 = 4096;
const SAVE_TIME: Duration = Duration::from_secs(1);

/// A log cannot be delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The folder cannot be used, or another process delivers the log.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A redaction cannot be used.
    #[error(transparent)]
    Redaction(#[from] RedactionError),
    /// The address cannot be used.
    #[error("`{url}` cannot be delivered to: {reason}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It ended by an error of this program.
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
