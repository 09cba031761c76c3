//! The database: where requests and answers lie until somebody fetches them. It is a mailbox, and no authority.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hexgate_bundle::{PrivateKey, Timestamp};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, config::DbConfig};

use crate::{
    answer::Decision,
    approvers::Approvers,
    call::{Conditions, subject},
    refusal::Refusal,
    request::{Request, RequestId},
};

mod error;
mod row;
mod schema;

pub use error::{AnswerError, MailboxError, OpenError};
pub use row::{Entry, StoredAnswer};

use schema::Found;

/// A database of requests and answers. Several processes, also of several users, can have it open.
#[derive(Debug)]
pub struct Mailbox {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Mailbox {
    /// How long to wait for other processes unless said otherwise.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// Opens the database in the file at `path`, as approvers do: one that is not there is an error.
    ///
    /// # Errors
    /// If it cannot be read and written, is damaged, of a newer version, or no mailbox.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path.as_ref(), false, Self::PATIENCE)
    }

    /// Opens the database or makes it, as the agent's host does. A new one can be used by this user, by the folder's group if that may write
    /// the folder, and by no others: requests hold arguments in the clear.
    ///
    /// # Errors
    /// As [`open`](Self::open), or if it cannot be made.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path.as_ref(), true, Self::PATIENCE)
    }

    /// As [`open_or_create`](Self::open_or_create) if `create`, else as [`open`](Self::open), with another time to wait for other processes.
    ///
    /// # Errors
    /// As these.
    pub fn open_with(path: &Path, create: bool, patience: Duration) -> Result<Self, OpenError> {
        let place = place(path, create)?;
        let connection =
            connect(&place, create, patience).map_err(|source| OpenError::Unusable {
                path: path.to_owned(),
                source,
            })?;
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All that lies there, the oldest first.
    ///
    /// # Errors
    /// If the database cannot be used.
    pub fn entries(&self) -> Result<Vec<Entry>, MailboxError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        checked(&transaction)?;
        let mut statement =
            transaction.prepare(&format!("{} ORDER BY r.created_at, r.id", row::SELECT))?;
        let entries = statement.query_map((), row::entry)?;
        Ok(entries
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// What lies there under a name.
    ///
    /// # Errors
    /// If the database cannot be used.
    pub fn entry(&self, id: &RequestId) -> Result<Option<Entry>, MailboxError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        checked(&transaction)?;
        row::find(&transaction, id)
    }

    /// Answers a request in the name of the approver whose key this is. A request is answered once; something that was put in the place of its
    /// answer and that no approver signed is none, and is replaced.
    ///
    /// # Errors
    /// If the answer would not count, or there is one, or the database cannot be used.
    pub fn answer(
        &self,
        id: &RequestId,
        approvers: &Approvers,
        key: &PrivateKey,
        decision: Decision,
        reason: &str,
        now: Timestamp,
    ) -> Result<Answered, AnswerError> {
        if reason.len() > MAX_REASON {
            return Err(AnswerError::Reason {
                size: reason.len(),
                limit: MAX_REASON,
            });
        }
        self.write(|transaction| {
            let entry = row::find(transaction, id)?.ok_or(Refusal::Unknown(*id))?;
            let request = entry.request.ok_or(Refusal::Altered(*id))?;
            if entry.used_at.is_some() {
                return Err(Refusal::Used(*id).into());
            }
            if let Some(StoredAnswer::Readable(answer)) = &entry.answer
                && approvers.check(&request, answer).is_ok()
            {
                let what = match answer.decision {
                    Decision::Approve => "approved",
                    Decision::Deny => "denied",
                };
                return Err(AnswerError::Answered {
                    id: *id,
                    by: format!("{what} by `{}` at {}", answer.approver, answer.answered_at),
                });
            }
            let answer = approvers.sign(&request, decision, reason, key, now)?;
            row::put_answer(transaction, id, &answer)?;
            Ok(Answered {
                request,
                approver: answer.approver,
                replaced: entry.answer.is_some(),
            })
        })
    }

    /// Does something in a transaction that no other process can come between. What an error leaves behind is undone.
    pub(crate) fn write<T, E: From<MailboxError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(MailboxError::from)?;
        checked(&transaction)?;
        let done = work(&transaction)?;
        transaction.commit().map_err(MailboxError::from)?;
        Ok(done)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic interrupted was rolled back when it was dropped.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer was put into the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The request.
    pub request: Request,
    /// Who answered.
    pub approver: String,
    /// Whether something lay in its place that no approver had signed.
    pub replaced: bool,
}

/// What a host does with rows, in a transaction of its own.
pub(crate) mod host {
    use super::*;

    /// The entry of a request.
    pub(crate) fn find(
        transaction: &Transaction<'_>,
        id: &RequestId,
    ) -> Result<Option<Entry>, MailboxError> {
        row::find(transaction, id)
    }

    /// The open requests about a call on these terms, the oldest first.
    pub(crate) fn about(
        transaction: &Transaction<'_>,
        call: &crate::Call,
        conditions: &Conditions,
        now: Timestamp,
    ) -> Result<Vec<Entry>, MailboxError> {
        let mut statement = transaction.prepare(&format!(
            "{} WHERE r.subject = ?1 AND r.expires_at > ?2 ORDER BY r.created_at, r.id",
            row::SELECT
        ))?;
        let subject = subject(call, conditions).to_string();
        let entries = statement.query_map((subject, row::seconds(now)), row::entry)?;
        Ok(entries
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// Puts a request in, and takes out what has been over for long. None if too many are open.
    pub(crate) fn add(
        transaction: &Transaction<'_>,
        request: &Request,
    ) -> Result<Option<()>, MailboxError> {
        let now = row::seconds(request.created_at);
        let open: i64 = transaction.query_row(
            "SELECT count(*) FROM requests r WHERE r.expires_at > ?1 AND NOT EXISTS (SELECT 1 FROM uses u WHERE u.id = r.id)",
            [now],
            |row| row.get(0),
        )?;
        if open >= MAX_OPEN {
            return Ok(None);
        }
        let over = now.saturating_sub(KEPT);
        for table in ["answers", "uses"] {
            transaction.execute(
                &format!(
                    "DELETE FROM {table} WHERE id NOT IN (SELECT id FROM requests WHERE expires_at >= ?1)"
                ),
                [over],
            )?;
        }
        transaction.execute("DELETE FROM requests WHERE expires_at < ?1", [over])?;
        row::insert(transaction, request)?;
        Ok(Some(()))
    }

    /// Keeps in mind that an approval was used.
    pub(crate) fn use_up(
        transaction: &Transaction<'_>,
        id: &RequestId,
        now: Timestamp,
    ) -> Result<(), MailboxError> {
        transaction.execute(
            "INSERT INTO uses VALUES (?1, ?2)",
            (id.to_string(), row::seconds(now)),
        )?;
        Ok(())
    }
}

/// The most open requests: what people can look through, and what an agent that asks without end can make of a database.
pub(crate) const MAX_OPEN: i64 = 1_000;
/// How long a request is kept after its time, in seconds: 30 days. It cannot be used then, so that forgetting its use does no harm.
const KEPT: i64 = 30 * 24 * 3600;
/// The longest reason, in bytes.
const MAX_REASON: usize = 4096;

/// The whole path of a file, and the file if it is to be made.
fn place(named: &Path, create: bool) -> Result<PathBuf, OpenError> {
    let path = || named.to_owned();
    let io = |source| OpenError::Io {
        path: path(),
        source,
    };
    // With a folder before it no name is special to SQLite.
    let place = std::path::absolute(named).map_err(io)?;
    match fs::symlink_metadata(&place) {
        Ok(metadata) if metadata.is_file() => return Ok(place),
        Ok(_) => return Err(OpenError::NotAFile { path: path() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(io(source)),
    }
    if !create {
        return Err(OpenError::Missing { path: path() });
    }
    let folder = place.parent().unwrap_or(Path::new("/"));
    let shared = match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => metadata.mode() & 0o020 != 0,
        _ => {
            return Err(OpenError::NoFolder {
                path: folder.to_owned(),
            });
        }
    };
    // SQLite gives the files beside it the same mode.
    let mode = if shared { 0o660 } else { 0o600 };
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&place)
    {
        Ok(_) => Ok(place),
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(place),
        Err(source) => Err(io(source)),
    }
}

fn connect(path: &Path, create: bool, patience: Duration) -> Result<Connection, MailboxError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    // Whoever can write the file can put triggers and views into it. They shall not run here.
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    ] {
        connection.set_db_config(setting, value)?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    // What was committed is on the disk: an approval that is used stays so when the power fails.
    connection.pragma_update(None, "synchronous", "FULL")?;
    if !create || matches!(schema::check(&connection)?, Found::Ours) {
        checked(&connection)?;
    } else {
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Found::Empty = schema::check(&transaction)? {
            schema::create(&transaction)?;
        }
        transaction.commit()?;
    }
    writable(&connection)?;
    Ok(connection)
}

/// That it can be written is found out now, and not when a person has answered.
fn writable(connection: &Connection) -> Result<(), MailboxError> {
    if connection.is_readonly("main")? {
        return Err(MailboxError::ReadOnly);
    }
    Ok(())
}

fn checked(connection: &Connection) -> Result<(), MailboxError> {
    match schema::check(connection)? {
        Found::Ours => Ok(()),
        Found::Empty => Err(MailboxError::Corrupt("it has no tables".to_owned())),
    }
}
