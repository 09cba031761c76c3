//! Requests and answers as rows, and back.

use hexgate_bundle::Timestamp;
use rusqlite::{Connection, Params, Row, Statement, named_params};

use super::{MAX_REASON, StoreError, open::MAX_ROW, schema::Found};
use crate::{
    answer::{Answer, Decision, MAX_ANSWERS, StoredAnswer},
    call::{Call, Caller, Conditions, Terms},
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
    /// The answers, not checked, the earliest first; of very many the first ones.
    pub answers: Vec<StoredAnswer>,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// The entries of the requests `r` that `rest` of a statement chooses.
pub(super) fn entries(
    connection: &Connection,
    found: Found,
    rest: &str,
    parameters: impl Params,
) -> Result<Vec<Entry>, StoreError> {
    let columns = match found {
        Found::Version1 => "r.*, 1 AS approvers, 0 AS reason_required",
        Found::Empty | Found::Ours => "r.*",
    };
    let mut requests = connection.prepare(&format!(
        "SELECT {columns}, u.used_at FROM requests r LEFT JOIN uses u ON u.id = r.id {rest}"
    ))?;
    // One more than are looked at, so that it shows if there are more.
    let mut answers = connection.prepare(&format!(
        "SELECT * FROM answers WHERE id = ?1 ORDER BY answered_at, approver LIMIT {MAX_ANSWERS} + 1"
    ))?;
    let mut rows = requests.query(parameters)?;
    let mut entries = vec![];
    while let Some(row) = rows.next()? {
        // Who can write the database can give a request any name.
        let Ok(id) = row.get::<_, String>("id")?.parse::<RequestId>() else {
            continue;
        };
        // A malformed time still means that the approval was used.
        let used_at = match row.get::<_, Option<i64>>("used_at") {
            Ok(None) => None,
            Ok(Some(seconds)) => Some(timestamp(seconds).unwrap_or(Timestamp::MAX)),
            Err(_) => Some(Timestamp::MAX),
        };
        entries.push(Entry {
            id,
            request: request(row).filter(|request| request.id() == id),
            answers: answers_to(&mut answers, &id)?,
            used_at,
        });
    }
    Ok(entries)
}

fn answers_to(
    statement: &mut Statement<'_>,
    id: &RequestId,
) -> Result<Vec<StoredAnswer>, StoreError> {
    let mut rows = statement.query([id.to_string()])?;
    let mut answers = vec![];
    let mut size = 0;
    while let Some(row) = rows.next()? {
        let answer = answer(row);
        size += answer.as_ref().map_or(0, |answer| answer.approver.len());
        if size > MAX_ROW {
            return Err(StoreError::TooLarge);
        }
        answers.push(answer.map_or(StoredAnswer::Unreadable, StoredAnswer::Readable));
    }
    Ok(answers)
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
            approvers: row
                .get("approvers")
                .ok()
                .filter(|approvers| (1..=Terms::MAX_APPROVERS).contains(approvers))?,
            reason_required: row.get("reason_required").ok()?,
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
        reason: text("reason").filter(|reason| reason.len() <= MAX_REASON)?,
        signature: row.get("signature").ok()?,
    })
}

fn timestamp(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_unix_seconds(u64::try_from(seconds).ok()?)
}

/// The entry of a request.
pub(super) fn find(
    connection: &Connection,
    found: Found,
    id: &RequestId,
) -> Result<Option<Entry>, StoreError> {
    Ok(entries(connection, found, "WHERE r.id = ?1", [id.to_string()])?.pop())
}

/// Puts a request in.
pub(super) fn insert(connection: &Connection, request: &Request) -> Result<(), StoreError> {
    let call = &request.call;
    connection.execute(
        "INSERT INTO requests VALUES (:id, :subject, :agent, :user, :roles, :session, :attributes, :tool, :arguments, :policy, \
         :approver_roles, :own_calls, :created_at, :expires_at, :nonce, :approvers, :reason_required)",
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
            ":approvers": request.conditions.approvers,
            ":reason_required": request.conditions.reason_required,
        },
    )?;
    Ok(())
}

/// Stores an answer, in place of a former one by the same approver. Tells whether there was one.
pub(super) fn put_answer(
    connection: &Connection,
    found: Found,
    id: &RequestId,
    answer: &Answer,
) -> Result<bool, StoreError> {
    // In version 1 a request has one answer.
    let replaced = connection.execute(
        "DELETE FROM answers WHERE id = ?1 AND (approver = ?2 OR ?3)",
        (id.to_string(), &answer.approver, found == Found::Version1),
    )?;
    connection.execute(
        "INSERT INTO answers VALUES (:id, :decision, :approver, :key, :answered_at, :reason, :signature)",
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
    Ok(replaced > 0)
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
