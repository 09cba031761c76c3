//! Writes a log.

#[cfg(feature = "deliver")]
mod bound;
mod open;
mod options;
mod sync;
mod writer;
#[cfg(test)]
mod writer_tests;

use std::{
    cell::Cell,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::SystemTime,
};

pub use options::{Durability, Options, WhenUnwritable};

use open::{Found, Trouble};
use sync::Synced;
use writer::Writer;

use hexgate_base::disk::Folder;

#[cfg(feature = "deliver")]
use crate::backlog::Backlog;
use crate::{
    chain::{Head, body_digest},
    components::{Components, ComponentsError},
    encode::{self, Body},
    folder::{self, FolderError, Lock},
    key::DigestKey,
    losses::{self, LossFile, Losses},
    protect::Protection,
    record::{Ended, Note, Record},
    redact::RedactionError,
};

/// A log that is being written: the one writer of its folder.
///
/// [`record`](Self::record) may be called from any thread. When it returns, the operating system has the record; the host acts after that.
/// A log that is dropped is closed: it is synced, and its last record signed.
#[derive(Debug)]
pub struct AuditLog {
    shared: Arc<Shared>,
    keeper: Option<JoinHandle<()>>,
}

/// What the threads share.
#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    open: Folder,
    options: Options,
    protection: Protection,
    writer: Mutex<State>,
    synced: Synced,
    /// The count of decisions that pass without a record, if the operator allows that.
    losses: Option<LossFile>,
    /// Decisions that passed without a record.
    lost: AtomicU64,
    /// Writes that failed.
    failures: AtomicU64,
    /// The delivery of this log, if it runs in this process.
    #[cfg(feature = "deliver")]
    delivery: std::sync::RwLock<Option<Arc<Backlog>>>,
    /// Tells the keeper to end.
    ending: Mutex<bool>,
    end: Condvar,
    /// Held as long as the log is.
    _lock: Lock,
}

#[derive(Debug)]
struct State {
    writer: Writer<Arc<File>>,
    segment: u64,
    /// The size at which the next file begins.
    full_at: u64,
}

/// What [`AuditLog::record`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a decision that was not recorded is denied, unless the operator chose otherwise"]
pub enum Receipt {
    /// The record is in the log.
    Written(Head),
    /// It could not be written, and passes by the operator's choice. The number of such decisions so far.
    Lost(u64),
}

/// The state of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The last record. Keep it elsewhere, as an anchor for `verify`.
    pub head: Option<Head>,
    /// Decisions that passed without a record since the log was opened.
    pub lost: u64,
    /// Writes that failed since the log was opened.
    pub failures: u64,
}

impl AuditLog {
    /// Opens the log in a folder, which is made if it is missing, and continues it. A record that was left unfinished when a process or
    /// machine stopped stays where it is, and the next record describes it.
    ///
    /// # Errors
    ///
    /// If the folder is another user's, the log has a writer already, was changed or is not a log, or the system fails.
    pub fn open(
        folder: impl AsRef<Path>,
        options: Options,
        now: SystemTime,
    ) -> Result<Self, OpenError> {
        let folder = folder.as_ref();
        if options.member_bytes > crate::MAX_MEMBER_BYTES {
            return Err(OpenError::MemberBytes {
                found: options.member_bytes,
            });
        }
        let protection =
            Protection::new(options.arguments, options.member_bytes, &options.redaction)?;
        let open = folder::open(folder)?;
        // Lock before looking for the end: another writer would move it.
        let lock = Lock::take_in(&open, folder, folder::WRITER)?;
        let io = |path: &Path, source| {
            OpenError::Folder(FolderError::Io {
                path: path.to_owned(),
                source,
            })
        };
        let found = open::find_end(&open, folder).map_err(|trouble| match trouble {
            Trouble::Io(source) => io(folder, source),
            Trouble::Damaged {
                segment,
                line,
                reason,
            } => OpenError::Damaged {
                path: folder.join(folder::segment_name(segment)),
                line,
                reason,
            },
        })?;
        let segment = match &found {
            Found::Nothing => 0,
            Found::Log { segment, .. } => *segment,
        };
        let said_lost = match &found {
            Found::Nothing => None,
            Found::Log { end, .. } => end.said_lost,
        };
        let beside = losses::path(folder);
        let unsaid = Losses::unsaid(folder, said_lost).map_err(|error| io(&beside, error))?;
        let losses = if options.when_unwritable == WhenUnwritable::Count || unsaid.is_some() {
            Some(LossFile::open(&open).map_err(|error| io(&beside, error))?)
        } else {
            None
        };
        let path = folder.join(folder::segment_name(segment));
        let is_new = matches!(found, Found::Nothing);
        let file = folder::append_to(&open, segment, is_new).map_err(|error| io(&path, error))?;
        let file = Arc::new(file);
        let writer = match found {
            Found::Nothing => {
                let end = open::beginning().map_err(|error| io(&path, error))?;
                let mut writer = Writer::new(Arc::clone(&file), end);
                writer
                    .begin_segment(file, 0, now)
                    .map_err(|error| io(&path, error))?;
                writer
            }
            Found::Log { end, .. } => Writer::new(file, *end),
        };
        let mut state = State {
            writer,
            segment,
            full_at: options.segment_bytes,
        };
        if let Some(unsaid) = &unsaid {
            let reason = format!(
                "{}; the process ended before the log said so",
                unsaid.reason
            );
            let _ = state.writer.owe(unsaid.decisions, &reason);
        }
        let body = opened(&options, now);
        state
            .writer
            .append_body(&body, now)
            .map_err(|error| io(&path, error))?;
        if let Some(losses) = &losses {
            losses.clear().map_err(|error| io(&beside, error))?;
        }

        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            open,
            synced: Synced::new(state.writer.next()),
            options,
            protection,
            writer: Mutex::new(state),
            losses,
            lost: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            #[cfg(feature = "deliver")]
            delivery: std::sync::RwLock::new(None),
            ending: Mutex::new(false),
            end: Condvar::new(),
            _lock: lock,
        });
        let keeper = sync::keep(&shared).map_err(|error| io(folder, error))?;
        Ok(Self { shared, keeper })
    }

    /// Records a decision. Call it before the host acts on the decision.
    ///
    /// # Errors
    ///
    /// The decision could not be recorded, and must be denied by the operator's choice.
    pub fn record(&self, record: &Record<'_>) -> Result<Receipt, RecordError> {
        let shared = &*self.shared;
        #[cfg(feature = "deliver")]
        if !shared.has_room() {
            shared.failures.fetch_add(1, Ordering::Relaxed);
            return Err(RecordError::Backlog);
        }
        // Encoded and redacted before the lock is taken, which is held for the write alone.
        let body = encode::decision(
            BUFFER.take(),
            record,
            &shared.protection,
            &shared.options.digest_key,
        );
        let outcome = shared.append(&body, record.at);
        if body.capacity() <= BUFFER_BYTES {
            BUFFER.set(body);
        }
        match outcome {
            Ok(head) => Ok(Receipt::Written(head)),
            Err(error) => shared.unwritten(error),
        }
    }

    /// Records how a call ended that was permitted.
    ///
    /// # Errors
    ///
    /// It could not be recorded. The call has run by then; its decision is recorded.
    pub fn ended(&self, ended: &Ended<'_>) -> Result<Head, RecordError> {
        let shared = &*self.shared;
        let body = encode::ended(ended, &shared.protection, &shared.options.digest_key);
        shared.aside(&body, ended.at)
    }

    /// Records an event that is not a decision.
    ///
    /// # Errors
    ///
    /// It could not be recorded.
    pub fn note(&self, note: &Note<'_>) -> Result<Head, RecordError> {
        let shared = &*self.shared;
        let body = encode::note(Vec::new(), note, &shared.protection);
        shared.aside(&body, note.at)
    }

    /// Signs the last record now, and syncs the log. Without a key for checkpoints, nothing is signed.
    ///
    /// # Errors
    ///
    /// The checkpoint cannot be written or synced.
    pub fn checkpoint(&self, now: SystemTime) -> Result<Option<Head>, RecordError> {
        let shared = &*self.shared;
        shared
            .checkpoint(now)
            .and_then(|()| shared.synced.all(shared))
            .map_err(|error| shared.error(&error))?;
        Ok(self.status().head)
    }

    /// The state of the log.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = &*self.shared;
        Status {
            head: shared.lock().ok().and_then(|state| state.writer.head()),
            lost: shared.lost.load(Ordering::Relaxed),
            failures: shared.failures.load(Ordering::Relaxed),
        }
    }

    /// Decisions that passed without a record since the log was opened: [`Status::lost`], without waiting for a writer.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// What happens to a decision that cannot be recorded.
    #[must_use]
    pub fn when_unwritable(&self) -> WhenUnwritable {
        self.shared.options.when_unwritable
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// The key of the digests: a digest of arguments that is made elsewhere can be compared with those in the log.
    #[must_use]
    pub fn digest_key(&self) -> &DigestKey {
        &self.shared.options.digest_key
    }

    /// Keeps a component beside the log, so that its decisions can be replayed. Call it when a policy becomes live.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn keep_component(
        &self,
        component: &[u8],
    ) -> Result<hexgate_bundle::Digest, ComponentsError> {
        Components::of_log(&self.shared.folder).keep(component)
    }

    /// Closes the log: signs the last record and syncs. `now` is the time of its last records.
    ///
    /// # Errors
    ///
    /// If that failed. The records in the log stay there.
    pub fn close(mut self, now: SystemTime) -> Result<Option<Head>, RecordError> {
        self.end(now).map_err(|error| self.shared.error(&error))?;
        Ok(self.status().head)
    }

    fn end(&mut self, now: SystemTime) -> io::Result<()> {
        let Some(keeper) = self.keeper.take() else {
            return Ok(());
        };
        if let Ok(mut ending) = self.shared.ending.lock() {
            *ending = true;
        }
        self.shared.end.notify_all();
        // The keeper must not write after the last record. A panic in it was reported already.
        let _ = keeper.join();
        let body = Body::begin(Vec::new(), "closed", now).finish();
        self.shared.mend(now)?;
        self.shared.lock()?.writer.append_body(&body, now)?;
        self.shared.checkpoint(now)?;
        self.shared.synced.all(&self.shared)
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        let now = SystemTime::now();
        if let Err(error) = self.end(now) {
            tracing::error!(folder = %self.shared.folder.display(), %error, "the audit log could not be closed");
        }
    }
}

impl Shared {
    fn lock(&self) -> io::Result<MutexGuard<'_, State>> {
        // A panic while writing leaves the log in an unknown state.
        self.writer
            .lock()
            .map_err(|_| io::Error::other("a thread panicked while it wrote"))
    }

    /// Writes a record, and waits for the sync if the operator chose that.
    fn append(&self, body: &[u8], at: SystemTime) -> io::Result<Head> {
        let digest = body_digest(body);
        if self.options.when_unwritable == WhenUnwritable::Deny {
            // After a failed sync it is unknown which records are on the disk.
            self.synced.check()?;
        }
        let head = {
            let mut state = self.lock()?;
            let owed = state.writer.owes();
            let head = state.writer.append(body, &digest, at)?;
            if owed {
                self.settle_losses();
            }
            if state.writer.bytes >= state.full_at {
                self.rotate(&mut state, at);
            }
            head
        };
        #[cfg(feature = "deliver")]
        self.wrote(head.n);
        if self.options.durability == Durability::Each {
            // Outside of the lock, so that waiting threads share one sync.
            self.synced.through(head.n, self)?;
        }
        Ok(head)
    }

    /// Writes a record that is not a decision.
    fn aside(&self, body: &[u8], at: SystemTime) -> Result<Head, RecordError> {
        self.append(body, at)
            .inspect_err(|_| {
                self.failures.fetch_add(1, Ordering::Relaxed);
            })
            .map_err(|error| self.error(&error))
    }

    /// Begins the next file. If that fails, this one is used for a while longer.
    fn rotate(&self, state: &mut State, at: SystemTime) {
        let segment = state.segment + 1;
        let path = self.folder.join(folder::segment_name(segment));
        let begun = state
            .writer
            .sink
            // The next file's head binds the last record of this one, so that must be on the disk first.
            .sync_data()
            .and_then(|()| folder::append_to(&self.open, segment, true))
            .and_then(|file| {
                let begun = state.writer.begin_segment(Arc::new(file), segment, at);
                if begun.is_err() {
                    // A file without its head would be taken for a damaged log.
                    let _ = self.open.remove(folder::segment_name(segment));
                }
                begun
            });
        match begun {
            Ok(()) => {
                state.segment = segment;
                state.full_at = self.options.segment_bytes;
            }
            Err(error) => {
                state.full_at = state.writer.bytes.saturating_add(RETRY_BYTES);
                tracing::warn!(file = %path.display(), %error, "the next file of the audit log cannot be begun; this one is used on");
            }
        }
    }

    /// Signs the last record, if there is a key.
    fn checkpoint(&self, now: SystemTime) -> io::Result<()> {
        match &self.options.checkpoint_key {
            Some(key) => self.lock()?.writer.checkpoint(key, now),
            None => Ok(()),
        }
    }

    /// Denies or counts a decision that could not be recorded, as the operator chose.
    fn unwritten(&self, error: io::Error) -> Result<Receipt, RecordError> {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if self.options.when_unwritable == WhenUnwritable::Deny {
            if is_worth_saying(failures) {
                tracing::error!(folder = %self.folder.display(), %error, failures, "decisions cannot be recorded, and are denied");
            }
            return Err(self.error(&error));
        }
        if let Ok(mut state) = self.lock() {
            let losses = state.writer.lose(&error.to_string());
            if let Some(file) = &self.losses
                && let Err(error) = file.write(&losses)
            {
                tracing::error!(folder = %self.folder.display(), %error, "decisions pass without a record, and their count is lost if the process ends now");
            }
        }
        let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
        if is_worth_saying(lost) {
            tracing::error!(folder = %self.folder.display(), %error, lost, "decisions cannot be recorded, and pass by the operator's choice");
        }
        Ok(Receipt::Lost(lost))
    }

    /// Records in the log that decisions were lost, if that was not done yet.
    fn mend(&self, now: SystemTime) -> io::Result<()> {
        let mut state = self.lock()?;
        if state.writer.owes() {
            state.writer.mend(now)?;
            self.settle_losses();
        }
        Ok(())
    }

    /// Resets the count beside the log after the log recorded it, and before another decision can be lost. Until then the number in the
    /// file shows that the log has it.
    fn settle_losses(&self) {
        if let Some(file) = &self.losses
            && let Err(error) = file.clear()
        {
            tracing::warn!(folder = %self.folder.display(), %error, "the count of lost decisions beside the audit log cannot be reset");
        }
    }

    fn error(&self, error: &io::Error) -> RecordError {
        RecordError::Unwritable {
            folder: self.folder.clone(),
            reason: error.to_string(),
        }
    }
}

thread_local! {
    /// The buffer of a record's text, reused.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A longer buffer is not kept: long records are rare, and every thread has a buffer.
const BUFFER_BYTES: usize = 64 << 10;

/// How many bytes go into a full file before the next one is tried again.
const RETRY_BYTES: u64 = 1 << 20;

/// Lets the first of many equal messages through, and then one in a thousand.
fn is_worth_saying(count: u64) -> bool {
    count % 1000 == 1
}

fn opened(options: &Options, now: SystemTime) -> Vec<u8> {
    let mut body = Body::begin(Vec::new(), "opened", now);
    body.text(
        "writer",
        concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")),
    );
    body.value("arguments", &options.arguments);
    body.text("digest_key", options.digest_key.id());
    body.finish()
}

/// A log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A redaction cannot be used.
    #[error(transparent)]
    Redaction(#[from] RedactionError),
    /// The log was changed or damaged, and cannot be continued.
    #[error("line {line} of `{}` was changed or damaged: {reason}; run `hexgate audit verify` on the log, keep it, and begin a new one in another folder", .path.display())]
    Damaged {
        /// The file of the log.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// The option allows larger arguments than a line can hold.
    #[error(
        "arguments of {found} bytes cannot be kept, at most {}",
        crate::MAX_MEMBER_BYTES
    )]
    MemberBytes {
        /// The value of the option.
        found: usize,
    },
}

/// A decision or event could not be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It cannot be written.
    #[error("the audit log in `{}` cannot be written: {reason}; make room or repair the disk", .folder.display())]
    Unwritable {
        /// The log's folder.
        folder: PathBuf,
        /// The cause.
        reason: String,
    },
    /// Too many records wait to be delivered.
    #[error(
        "too many audit records wait for the platform, and decisions are denied by the operator's choice; bring the platform back, or allow more to wait"
    )]
    Backlog,
}
