//! Why the database cannot be used.

use std::{io, path::PathBuf};

use hexgate_base::disk::Access;
use rusqlite::ErrorCode;

use crate::{refusal::Refusal, request::RequestId};

/// The database cannot be used. Its messages do not name the file; [`OpenError`] and [`AnswerError`](crate::AnswerError) do, where a user
/// named it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process keeps it locked.
    #[error(
        "it is locked by another process; try again, or find out which process keeps a transaction open"
    )]
    Locked,
    /// It is damaged.
    #[error(
        "it is damaged ({0}); move it aside together with `-wal` and `-shm`: what was open has to be asked for again"
    )]
    Corrupt(String),
    /// It is not an SQLite database.
    #[error(
        "it is not a database, or its beginning is damaged; name the right file, or move it aside together with `-wal` and `-shm`"
    )]
    NotADatabase,
    /// It is another program's database.
    #[error("it is the database of another program; name another file")]
    Foreign,
    /// A newer hexgate made it.
    #[error(
        "it has version {found}, and this hexgate knows at most version {known}; use a newer one"
    )]
    Newer {
        /// Its version.
        found: i32,
        /// The highest version that is known.
        known: i32,
    },
    /// It cannot be written.
    #[error(
        "it cannot be written; the file, its folder, and the files `-wal` and `-shm` beside it have to be writable for this user"
    )]
    ReadOnly,
    /// There is no room.
    #[error("there is no room on its disk; free some space")]
    Full,
    /// A text is larger than any that a host writes.
    #[error(
        "it has a text that is larger than any host writes; find out who can write it, and move it aside together with `-wal` and `-shm`"
    )]
    TooLarge,
    /// Any other error of SQLite.
    #[error("SQLite says: {0}")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt(error.to_string()),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly
            }
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::TooBig) => Self::TooLarge,
            _ => Self::Sqlite(error),
        }
    }
}

/// The database cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no file at the path.
    #[error("`{}` does not exist; name the file that the agent's host keeps its requests in", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The folder of the path is not a folder.
    #[error("`{}` is not a folder; name a folder for this user or its group alone", .path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The path does not name a regular file.
    #[error("`{}` is not a regular file; name the database's own file", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Other users can access the file, or put files beside it.
    #[error("`{}` {access}: other users could read requests or put files there; run `chmod o-rwx` on it, or name a database in a folder for this user or its group alone", .path.display())]
    Exposed {
        /// The file or its folder.
        path: PathBuf,
        /// Whose it is, and its permission bits.
        access: Access,
    },
    /// The system cannot open it.
    #[error("cannot open `{}`: {source}; this user has to be able to write the file and its folder", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It cannot be used.
    #[error("cannot use the database `{}`: {source}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: StoreError,
    },
}

/// An answer was not put into the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The request cannot be answered, or not by this approver.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An approver answered it before.
    #[error("request `{id}` was answered before: {by}; an answer cannot be changed")]
    Answered {
        /// The request.
        id: RequestId,
        /// What was answered, by whom and when.
        by: String,
    },
    /// The reason is too long.
    #[error("the reason has {size} bytes, and at most {limit} are kept")]
    Reason {
        /// Its size.
        size: usize,
        /// The largest.
        limit: usize,
    },
    /// The database cannot be used.
    #[error("cannot use the database: {0}")]
    RequestStore(#[from] StoreError),
}
