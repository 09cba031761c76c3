//! Who goes: reads the log, has its events sent, and remembers how far the platform has it.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    DeliveryError, DeliveryOptions, Progress, Until, WhenFull,
    cursor::{self, Cursor},
    event,
    send::{Sender, Sent},
    tail::Tail,
};
use crate::{folder::Lock, redact::Redactor};

/// Who goes.
pub(super) struct Courier {
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
    pub(super) fn new(
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

    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Delivers until told to stop, or until that.
    pub(super) fn run(&mut self, until: Until) -> Result<(), DeliveryError> {
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
pub(super) const IDLE: Duration = Duration::from_millis(50);
/// How many records may be read ahead of the oldest one that is on its way, for each one that may be.
const WINDOW: usize = 4;
/// After how many records, and after how long, it is saved how far it is.
const SAVE_RECORDS: u64 = 4096;
const SAVE_TIME: Duration = Duration::from_secs(1);
