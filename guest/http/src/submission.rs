//! Requests for access: what is submitted after a denial that can be requested. Hosts that keep such requests read them here.

use alloc::{string::String, vec::Vec};

use crate::{
    authzen,
    body::Object,
    call::Call,
    problem::Problem,
    respond::{Received, Response, answered, with},
};

/// The submission is for no denial that could be requested.
pub const NOT_REQUESTABLE: &str = "urn:openid:authzen:access-request:error:not_requestable";
/// The denial is not that of the submission, or was not given.
pub const INVALID_BINDING: &str = "urn:openid:authzen:access-request:error:invalid_denial_binding";
/// The denial can no longer be requested.
pub const EXPIRED_DENIAL: &str = "urn:openid:authzen:access-request:error:expired_denial";
/// There is no such task for this client.
pub const UNKNOWN_TASK: &str = "urn:openid:authzen:access-request:error:unknown_task";

/// What is submitted.
#[derive(Debug, Clone)]
pub struct Submission<'a> {
    /// What was denied.
    pub call: Call<'a>,
    /// `denial.binding_token`
    pub binding: String,
    /// `denial.evaluation_id`
    pub evaluation: Option<String>,
    /// `denial.expires_at`
    pub expires_at: String,
}

/// Reads a submission and answers it: `answer` gives a status and JSON.
pub fn submit(
    received: &Received<'_>,
    read: impl FnOnce() -> Result<Vec<u8>, u16>,
    answer: impl FnOnce(&Submission<'_>) -> Result<(u16, String), Problem>,
) -> Response {
    let done = with(received, 400, read, |body| answer(&submission(body)?));
    match done {
        Ok((status, body)) => answered(status, body),
        Err(problem) => problem.into(),
    }
}

fn submission<'a>(body: &Object<'a>) -> Result<Submission<'a>, Problem> {
    body.none_of(
        "the body",
        &["items"],
        "this service does not take: submit each item by itself",
    )?;
    let invalid = |problem: Problem| problem.of(INVALID_BINDING);
    let missing = |what: &str| Problem::bad(alloc::format!("`{what}` is missing"));
    let denial = body
        .object("denial", "denial")
        .and_then(|denial| denial.ok_or_else(|| missing("denial")))
        .map_err(invalid)?;
    let text = |name: &str, path: &str| {
        denial
            .text(name, path)
            .and_then(|text| text.ok_or_else(|| missing(path)))
            .map_err(invalid)
    };
    Ok(Submission {
        binding: text("binding_token", "denial.binding_token")?,
        expires_at: text("expires_at", "denial.expires_at")?,
        evaluation: denial
            .text("evaluation_id", "denial.evaluation_id")
            .map_err(invalid)?,
        call: authzen::call(&[*body])?,
    })
}
