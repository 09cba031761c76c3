//! Opens the file: checks its path, its mode, and that its tables are ours.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use hexgate_base::disk::{Access, Folder};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig, limits::Limit};
use rustix::fs::FileType;

use super::{
    OpenError, StoreError,
    schema::{self, Found},
};

/// How long to wait for another process that makes the database.
const AGAIN: Duration = Duration::from_millis(5);

/// The most bytes that a row or a text in it can have: a call has 1 MiB, and each byte of its roles can take six as JSON.
pub(super) const MAX_ROW: usize = 8 << 20;

/// The whole path of a file, without links, and the file if it is to be made.
pub(super) fn place(named: &Path, create: bool) -> Result<PathBuf, OpenError> {
    let path = || named.to_owned();
    let io = |source| OpenError::Io {
        path: path(),
        source,
    };
    let exposed = |path: &Path, access| OpenError::Exposed {
        path: path.to_owned(),
        access,
    };
    // SQLite gives names such as `:memory:` a meaning only without a folder before them.
    let place = std::path::absolute(named).map_err(io)?;
    let parent = place.parent().unwrap_or(Path::new("/"));
    let opened = if create {
        Folder::provided_for(&place, 0o700)
    } else {
        Folder::of(&place)
    };
    let (folder, name) = opened.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => OpenError::Missing { path: path() },
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => OpenError::NoFolder {
            path: parent.to_owned(),
        },
        _ => io(error),
    })?;
    let place = fs::canonicalize(parent).map_err(io)?.join(name);
    // Do not open the file: closing it would release all locks that this process has on it.
    let file = match folder.stat(name) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
            Some(Access::from(&stat))
        }
        Ok(_) => return Err(OpenError::NotAFile { path: path() }),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        Err(_) if !create => return Err(OpenError::Missing { path: path() }),
        Err(_) => None,
    };
    let access = folder.access().map_err(io)?;
    // A user who can make files there can forge those that SQLite keeps beside the database.
    if access.mode & 0o002 != 0 {
        return Err(exposed(parent, access));
    }
    if let Some(file) = file {
        // Another user's database must be shared with the group.
        let is_shared = file.is_own_or_roots() || file.mode & 0o020 != 0;
        return if is_shared && file.mode & 0o007 == 0 {
            Ok(place)
        } else {
            Err(exposed(named, file))
        };
    }
    // SQLite gives the files beside it the same mode.
    let mode = if access.mode & 0o020 != 0 {
        0o660
    } else {
        0o600
    };
    match folder.create(name, mode) {
        Ok(_) => Ok(place),
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(place),
        Err(source) => Err(io(source)),
    }
}

/// Opens the database in a file, and makes its tables if it is to be made.
pub(super) fn connect(
    path: &Path,
    create: bool,
    patience: Duration,
) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    // A user who can write the file can add triggers and views. They must not run here.
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    ] {
        connection.set_db_config(setting, value)?;
    }
    // Nor may one row of theirs fill this process's memory.
    let most = i32::try_from(MAX_ROW).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, most)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // Sync each commit: a used approval stays used after a power failure.
    connection.pragma_update(None, "synchronous", "FULL")?;
    if !create || schema::check(&connection)? == Found::Ours {
        checked(&connection)?;
    } else {
        // When several processes make the database at once, SQLite does not wait for the faster one, so try again.
        let begun = Instant::now();
        loop {
            match make(&mut connection) {
                Err(StoreError::Locked) if begun.elapsed() < patience => thread::sleep(AGAIN),
                made => break made?,
            }
        }
    }
    writable(&connection)?;
    Ok(connection)
}

/// Makes the tables, from those of version 1 if there are any, unless another process was faster.
fn make(connection: &mut Connection) -> Result<(), StoreError> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match schema::check(&transaction)? {
        Found::Empty => schema::create(&transaction)?,
        Found::Version1 => schema::migrate(&transaction)?,
        Found::Ours => {}
    }
    transaction.commit()?;
    Ok(())
}

/// Checks now that the database can be written, before a person answers in vain.
fn writable(connection: &Connection) -> Result<(), StoreError> {
    if connection.is_readonly("main")? {
        return Err(StoreError::ReadOnly);
    }
    Ok(())
}

/// Checks that the tables are ours, and tells how to read them.
pub(super) fn checked(connection: &Connection) -> Result<Found, StoreError> {
    match schema::check(connection)? {
        Found::Empty => Err(StoreError::Corrupt("it has no tables".to_owned())),
        found @ (Found::Version1 | Found::Ours) => Ok(found),
    }
}
