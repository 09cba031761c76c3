//! Requests and answers as rows, and back.

use hexgate_bundle::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::StoreError;
use crate::{
    answer::{Answer, Decision},
    call::{Call, Caller, Conditions},
    request::{Request, RequestId},
};

/// A request as stored. Trust only what a digest or signature confirms.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The name under which it is stored.
    pub id: RequestId,
    /// The request. None if its content does not have the digest that is its name.
    pub request: Option<Request>,
    /// The answer, not checked. None if there is none.
    pub answer: Option<StoredAnswer>,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// An answer as stored in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredAnswer {
    /// It has the form of an answer.
    Readable(Answer),
    /// It is malformed.
    Unreadable,
}

/// All columns of a request, its answer and its use.
pub(super) const SELECT: &str = "SELECT r.*, a.id AS answer, a.decision, a.approver, a.key, a.answered_at, a.reason, a.signature, u.used_at \
     FROM requests r LEFT JOIN answers a ON a.id = r.id LEFT JOIN uses u ON u.id = r.id";

/// Reads a row of [`SELECT`]. None if its name is malformed.
pub(super) fn entry(row: &Row<'_>) -> Result<Option<Entry>, rusqlite::Error> {
    let Ok(id) = row.get::<_, String>("id")?.parse::<RequestId>() else {
        return Ok(None);
    };
    let answer = match row.get::<_, Option<String>>("answer") {
        Ok(None) => None,
        _ => Some(answer(row).map_or(StoredAnswer::Unreadable, StoredAnswer::Readable)),
    };
    // A malformed time still means that the approval was used.
    let used_at = match row.get::<_, Option<i64>>("used_at") {
        Ok(None) => None,
        Ok(Some(seconds)) => Some(timestamp(seconds).unwrap_or(Timestamp::MAX)),
        Err(_) => Some(Timestamp::MAX),
    };
    Ok(Some(Entry {
        id,
        request: request(row).filter(|request| request.id() == id),
        answer,
        used_at,
    }))
}

fn request(row: &Row<'_>) -> Option<Request> {
    let text = |name: &str| row.get::<_, String>(name).ok();
    let optional = |name: &str| row.get::<_, Option<String>>(name).ok();
    let list = |name: &str| serde_json::from_str(&text(name)?).ok();
    let time = |name: &str| timestamp(row.get(name).ok()?);
    Some(Request {
        call: Call {
            agent: text("agent")?,
            caller: Caller {
                user: text("user")?,
                roles: list("roles")?,
                session: optional("session")?,
                attributes: optional("attributes")?,
            },
            tool: text("tool")?,
            arguments: text("arguments")?,
            policy: text("policy")?.parse().ok()?,
        },
        conditions: Conditions {
            approver_roles: list("approver_roles")?,
            own_calls: row.get("own_calls").ok()?,
        },
        created_at: time("created_at")?,
        expires_at: time("expires_at")?,
        nonce: row.get("nonce").ok()?,
    })
}

fn answer(row: &Row<'_>) -> Option<Answer> {
    let text = |name: &str| row.get::<_, String>(name).ok();
    Some(Answer {
        decision: match text("decision")?.as_str() {
            APPROVE => Decision::Approve,
            DENY => Decision::Deny,
            _ => return None,
        },
        approver: text("approver")?,
        key: text("key")?.parse().ok()?,
        answered_at: timestamp(row.get("answered_at").ok()?)?,
        reason: text("reason")?,
        signature: row.get("signature").ok()?,
    })
}

fn timestamp(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_unix_seconds(u64::try_from(seconds).ok()?)
}

/// The entry of a request.
pub(super) fn find(connection: &Connection, id: &RequestId) -> Result<Option<Entry>, StoreError> {
    let mut statement = connection.prepare(&format!("{SELECT} WHERE r.id = ?1"))?;
    Ok(statement
        .query_row([id.to_string()], entry)
        .optional()?
        .flatten())
}

/// Puts a request in.
pub(super) fn insert(connection: &Connection, request: &Request) -> Result<(), StoreError> {
    let call = &request.call;
    connection.execute(
        "INSERT INTO requests VALUES (:id, :subject, :agent, :user, :roles, :session, :attributes, :tool, :arguments, :policy, \
         :approver_roles, :own_calls, :created_at, :expires_at, :nonce)",
        named_params! {
            ":id": request.id().to_string(),
            ":subject": request.subject().to_string(),
            ":agent": call.agent,
            ":user": call.caller.user,
            ":roles": json(&call.caller.roles),
            ":session": call.caller.session,
            ":attributes": call.caller.attributes,
            ":tool": call.tool,
            ":arguments": call.arguments,
            ":policy": call.policy.to_string(),
            ":approver_roles": json(&request.conditions.approver_roles),
            ":own_calls": request.conditions.own_calls,
            ":created_at": seconds(request.created_at),
            ":expires_at": seconds(request.expires_at),
            ":nonce": request.nonce,
        },
    )?;
    Ok(())
}

/// Stores an answer, in place of a former one.
pub(super) fn put_answer(
    connection: &Connection,
    id: &RequestId,
    answer: &Answer,
) -> Result<(), StoreError> {
    connection.execute(
        "INSERT OR REPLACE INTO answers VALUES (:id, :decision, :approver, :key, :answered_at, :reason, :signature)",
        named_params! {
            ":id": id.to_string(),
            ":decision": match answer.decision {
                Decision::Approve => APPROVE,
                Decision::Deny => DENY,
            },
            ":approver": answer.approver,
            ":key": answer.key.to_string(),
            ":answered_at": seconds(answer.answered_at),
            ":reason": answer.reason,
            ":signature": answer.signature,
        },
    )?;
    Ok(())
}

pub(super) fn seconds(time: Timestamp) -> i64 {
    // INVARIANT: a timestamp ends with the year 9999.
    time.unix_seconds().cast_signed()
}

fn json(texts: &[String]) -> String {
    serde_json::Value::from(texts.to_vec()).to_string()
}

const APPROVE: &str = "approve";
const DENY: &str = "deny";
