//! Opening the file: which file it is, with whose rights, and whether it is ours.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use super::{
    MailboxError, OpenError,
    schema::{self, Found},
};

/// How long to wait for another process that makes the database.
const AGAIN: Duration = Duration::from_millis(5);

/// The whole path of a file, and the file if it is to be made.
pub(super) fn place(named: &Path, create: bool) -> Result<PathBuf, OpenError> {
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

/// Opens the database in a file, and makes its tables if it is to be made.
pub(super) fn connect(
    path: &Path,
    create: bool,
    patience: Duration,
) -> Result<Connection, MailboxError> {
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
        // Where several processes make it at the same time, SQLite does not wait for the one that was faster, as it does later.
        let begun = Instant::now();
        loop {
            match make(&mut connection) {
                Err(MailboxError::Locked) if begun.elapsed() < patience => thread::sleep(AGAIN),
                made => break made?,
            }
        }
    }
    writable(&connection)?;
    Ok(connection)
}

/// Makes the tables, unless another process was faster.
fn make(connection: &mut Connection) -> Result<(), MailboxError> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Found::Empty = schema::check(&transaction)? {
        schema::create(&transaction)?;
    }
    transaction.commit()?;
    Ok(())
}

/// That it can be written is found out now, and not when a person has answered.
fn writable(connection: &Connection) -> Result<(), MailboxError> {
    if connection.is_readonly("main")? {
        return Err(MailboxError::ReadOnly);
    }
    Ok(())
}

/// That the tables are ours.
pub(super) fn checked(connection: &Connection) -> Result<(), MailboxError> {
    match schema::check(connection)? {
        Found::Ours => Ok(()),
        Found::Empty => Err(MailboxError::Corrupt("it has no tables".to_owned())),
    }
}
