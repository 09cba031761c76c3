//! The tables of the database, version 2, and how those of version 1 become these.

use rusqlite::Connection;

use super::StoreError;

/// `hexg`, in the header of the file.
const APPLICATION: i32 = i32::from_be_bytes(*b"hexg");
/// The version of the tables.
const VERSION: i32 = 2;

/// The tables, in the text that the database keeps. Strict: a column holds its type or nothing.
const TABLES: [(&str, &str); 4] = [
    (
        "answers",
        "CREATE TABLE answers (id TEXT NOT NULL, decision TEXT NOT NULL, approver TEXT NOT NULL, key TEXT NOT NULL, \
         answered_at INTEGER NOT NULL, reason TEXT NOT NULL, signature BLOB NOT NULL, PRIMARY KEY (id, approver)) STRICT, WITHOUT ROWID",
    ),
    (
        "requests",
        "CREATE TABLE requests (id TEXT PRIMARY KEY, subject TEXT NOT NULL, agent TEXT NOT NULL, user TEXT NOT NULL, roles TEXT NOT NULL, \
         session TEXT, attributes TEXT, tool TEXT NOT NULL, arguments TEXT NOT NULL, policy TEXT NOT NULL, approver_roles TEXT NOT NULL, \
         own_calls INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, nonce BLOB NOT NULL, \
         approvers INTEGER NOT NULL, reason_required INTEGER NOT NULL) STRICT",
    ),
    REQUESTS_BY_SUBJECT,
    USES,
];

/// The tables of version 1: one answer to a request, and no other conditions than the roles.
const TABLES_1: [(&str, &str); 4] = [
    (
        "answers",
        "CREATE TABLE answers (id TEXT PRIMARY KEY, decision TEXT NOT NULL, approver TEXT NOT NULL, key TEXT NOT NULL, \
         answered_at INTEGER NOT NULL, reason TEXT NOT NULL, signature BLOB NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        "requests",
        "CREATE TABLE requests (id TEXT PRIMARY KEY, subject TEXT NOT NULL, agent TEXT NOT NULL, user TEXT NOT NULL, roles TEXT NOT NULL, \
         session TEXT, attributes TEXT, tool TEXT NOT NULL, arguments TEXT NOT NULL, policy TEXT NOT NULL, approver_roles TEXT NOT NULL, \
         own_calls INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, nonce BLOB NOT NULL) STRICT",
    ),
    REQUESTS_BY_SUBJECT,
    USES,
];

const REQUESTS_BY_SUBJECT: (&str, &str) = (
    "requests_by_subject",
    "CREATE INDEX requests_by_subject ON requests (subject, expires_at)",
);

const USES: (&str, &str) = (
    "uses",
    "CREATE TABLE uses (id TEXT PRIMARY KEY, used_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
);

/// What is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// No table yet.
    Empty,
    /// The tables of version 1.
    Version1,
    /// The tables of this version.
    Ours,
}

/// Checks that the tables are ours and unchanged: changed tables could hide an answer, or lose a use.
pub(super) fn check(connection: &Connection) -> Result<Found, StoreError> {
    // All is read at one moment: another process may just be making the tables.
    let _snapshot = match connection.is_autocommit() {
        true => Some(connection.unchecked_transaction()?),
        false => None,
    };
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let mut statement = connection.prepare(
        "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let found = statement
        .query_map((), |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    if (application, version) == (0, 0) && found.is_empty() {
        return Ok(Found::Empty);
    }
    if application != APPLICATION {
        return Err(StoreError::Foreign);
    }
    if version > VERSION {
        return Err(StoreError::Newer {
            found: version,
            known: VERSION,
        });
    }
    let same = |tables: [(&str, &str); 4]| {
        found
            .iter()
            .map(|(name, sql)| (name.as_str(), sql.as_deref().unwrap_or_default()))
            .eq(tables)
    };
    match version {
        VERSION if same(TABLES) => Ok(Found::Ours),
        1 if same(TABLES_1) => Ok(Found::Version1),
        _ => Err(StoreError::Corrupt("its tables were changed".to_owned())),
    }
}

/// Makes the tables.
pub(super) fn create(connection: &Connection) -> Result<(), StoreError> {
    for (_, sql) in TABLES {
        connection.execute(sql, ())?;
    }
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

/// Makes the tables of version 1 those of this version, in the caller's transaction. What one approver could allow without a reason still
/// can; the digests do not change, so requests and answers hold.
pub(super) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(
        "DROP INDEX requests_by_subject; ALTER TABLE answers RENAME TO answers_1; ALTER TABLE requests RENAME TO requests_1",
    )?;
    for (name, sql) in TABLES {
        if name != USES.0 {
            connection.execute(sql, ())?;
        }
    }
    connection.execute_batch(
        "INSERT INTO answers SELECT * FROM answers_1; INSERT INTO requests SELECT *, 1, 0 FROM requests_1; \
         DROP TABLE answers_1; DROP TABLE requests_1",
    )?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}
