//! The database of requests and answers. It is not trusted.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hexgate_bundle::{PrivateKey, Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{
    answer::{Answer, Decision, MAX_ANSWERS},
    approvers::Approvers,
    refusal::Refusal,
    request::{Request, RequestId},
    tally::Tally,
};

mod error;
pub(crate) mod host;
mod open;
mod row;
mod schema;

pub use error::{AnswerError, OpenError, StoreError};
pub use row::Entry;

pub(crate) use host::{MAX_OPEN, MAX_OPEN_BYTES};
use open::{checked, connect, place};
use schema::Found;

/// A database of requests and answers. Several processes, also of several users, can have it open.
#[derive(Debug)]
pub struct RequestStore {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl RequestStore {
    /// How long to wait for other processes unless said otherwise.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// Opens the database in the file at `path`, as approvers do: a missing file is an error.
    ///
    /// # Errors
    ///
    /// If it cannot be read and written, is damaged, of a newer version, or another database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path.as_ref(), false, Self::PATIENCE)
    }

    /// Opens the database or makes it, as the agent's host does. Only this user can use a new one, and the folder's group if that may write
    /// the folder: requests hold arguments in the clear.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), or if it cannot be made.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path.as_ref(), true, Self::PATIENCE)
    }

    /// As [`open_or_create`](Self::open_or_create) if `create`, else as [`open`](Self::open), with another time to wait for other processes.
    ///
    /// # Errors
    ///
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
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All entries, the oldest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be used.
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let found = checked(&transaction)?;
        row::entries(&transaction, found, "ORDER BY r.created_at, r.id", ())
    }

    /// The entry with this name.
    ///
    /// # Errors
    ///
    /// If the database cannot be used.
    pub fn entry(&self, id: &RequestId) -> Result<Option<Entry>, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let found = checked(&transaction)?;
        row::find(&transaction, found, id)
    }

    /// Answers a request as the approver who has this key. Nobody answers twice, and once enough have approved or one has denied nobody else
    /// does; a stored answer in the approver's name that does not count is replaced.
    ///
    /// # Errors
    ///
    /// If the answer would not count, the request is answered already, or the database cannot be used.
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
        self.transact(|transaction, found| {
            let entry = row::find(transaction, found, id)?.ok_or(Refusal::Unknown(*id))?;
            let request = entry.request.ok_or(Refusal::Altered(*id))?;
            if entry.used_at.is_some() {
                return Err(Refusal::Used(*id).into());
            }
            let tally = approvers.tally(&request, &entry.answers);
            if tally.denial.is_some() || tally.is_approved() {
                return Err(AnswerError::Answered {
                    id: *id,
                    by: said(&tally),
                });
            }
            if entry.answers.len() >= MAX_ANSWERS {
                return Err(Refusal::TooManyAnswers(*id).into());
            }
            let answer = approvers.sign(&request, decision, reason, key, now)?;
            let is_same = |before: &&&Answer| approvers.are_one(&before.approver, &answer.approver);
            if let Some(before) = tally.approvals.iter().find(is_same) {
                return Err(Refusal::SamePerson {
                    id: *id,
                    before: before.approver.clone(),
                    approver: answer.approver,
                }
                .into());
            }
            let replaced = row::put_answer(transaction, found, id, &answer)?;
            let given = match decision {
                Decision::Approve => tally.given().saturating_add(1),
                Decision::Deny => tally.given(),
            };
            Ok(Answered {
                request,
                approver: answer.approver,
                given,
                replaced,
            })
        })
    }

    /// Runs the work of a host in a transaction that locks out other writers, with the tables of this version. An error rolls it back.
    pub(crate) fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.transact(|transaction, found| {
            // Approvers leave the tables as they are, so that they do not shut out a host of before.
            if found == Found::Version1 {
                schema::migrate(transaction)?;
            }
            work(transaction)
        })
    }

    fn transact<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>, Found) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let found = checked(&transaction)?;
        let done = work(&transaction, found)?;
        transaction.commit().map_err(StoreError::from)?;
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
#[non_exhaustive]
pub struct Answered {
    /// The request.
    pub request: Request,
    /// Who answered.
    pub approver: String,
    /// How many have approved now, of as many as the request needs.
    pub given: u8,
    /// Whether a stored answer that no approver had signed was replaced.
    pub replaced: bool,
}

/// Who answered a request, what, and when.
fn said(tally: &Tally<'_>) -> String {
    let by = |answer: &Answer| format!("by `{}` at {}", answer.approver, answer.answered_at);
    match tally.denial {
        Some(denial) => format!("denied {}", by(denial)),
        None => {
            let all: Vec<String> = tally.approvals.iter().copied().map(by).collect();
            format!("approved {}", all.join(", "))
        }
    }
}

/// The longest reason, in bytes.
const MAX_REASON: usize = 4096;
