//! The host's operations on rows, in the host's transaction, with the tables of this version.

use hexgate_bundle::Timestamp;
use rusqlite::Transaction;

use super::{Entry, StoreError, row, schema::Found};
use crate::{
    call::{Call, Conditions, subject},
    request::{Request, RequestId},
};

/// The entry of a request.
pub(crate) fn find(
    transaction: &Transaction<'_>,
    id: &RequestId,
) -> Result<Option<Entry>, StoreError> {
    row::find(transaction, Found::Ours, id)
}

/// The open requests about a call on these terms, the oldest first, as many as can be open. A host makes one; an attacker who can write the
/// database can make any number.
pub(crate) fn about(
    transaction: &Transaction<'_>,
    call: &Call,
    conditions: &Conditions,
    now: Timestamp,
) -> Result<Vec<Entry>, StoreError> {
    row::entries(
        transaction,
        Found::Ours,
        &format!(
            "WHERE r.subject = ?1 AND r.expires_at > ?2 ORDER BY r.created_at, r.id LIMIT {MAX_OPEN}"
        ),
        (subject(call, conditions).to_string(), row::seconds(now)),
    )
}

/// Adds a request and removes old ones. None if too many are open.
pub(crate) fn add(
    transaction: &Transaction<'_>,
    request: &Request,
) -> Result<Option<()>, StoreError> {
    let now = row::seconds(request.created_at);
    let (open, bytes): (i64, i64) = transaction.query_row(
        "SELECT count(*), coalesce(sum(octet_length(r.arguments)), 0) FROM requests r \
         WHERE r.expires_at > ?1 AND NOT EXISTS (SELECT 1 FROM uses u WHERE u.id = r.id)",
        [now],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let more = i64::try_from(request.call.arguments.len()).unwrap_or(i64::MAX);
    if open >= MAX_OPEN || bytes.saturating_add(more) > MAX_OPEN_BYTES {
        return Ok(None);
    }
    // Requests that expired without an answer are useless, and an agent can make any number of them.
    transaction.execute(
        "DELETE FROM requests WHERE expires_at <= ?1 AND id NOT IN (SELECT id FROM answers)",
        [now],
    )?;
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

/// Records that an approval was used.
pub(crate) fn use_up(
    transaction: &Transaction<'_>,
    id: &RequestId,
    now: Timestamp,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO uses VALUES (?1, ?2)",
        (id.to_string(), row::seconds(now)),
    )?;
    Ok(())
}

/// The most open requests: a bound on what people review, and on what an agent that asks without end adds to a database.
pub(crate) const MAX_OPEN: i64 = 1_000;
/// The most bytes that the arguments of open requests have together.
pub(crate) const MAX_OPEN_BYTES: i64 = 64 << 20;
/// How long an answered request is kept after it expired, in seconds: 30 days. An expired approval cannot be used, so its use need not be
/// remembered.
const KEPT: i64 = 30 * 24 * 3600;
