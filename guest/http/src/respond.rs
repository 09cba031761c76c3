//! From a request to a response.

use alloc::{format, string::String, vec::Vec};

use crate::{
    answer::Policy,
    authzen,
    body::{self, Memory, Object},
    problem::Problem,
    rest,
};

/// The largest body, in bytes: room for the longest arguments and facts that policies accept by default. Reading takes up to eleven
/// times as much memory.
pub const MAX_BODY: usize = 2 << 20;

/// A request as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// `POST`
    pub method: &'a str,
    /// The path, with a query if there is one.
    pub path: &'a str,
    /// The values of `content-type`.
    pub content_types: &'a [&'a [u8]],
    /// Whether there is a `content-encoding`.
    pub encoded: bool,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The value of `content-type`.
    pub content_type: &'static str,
    /// The value of `allow`, if the method was wrong.
    pub allow: Option<&'static str>,
    /// JSON.
    pub body: String,
}

type Interface = fn(&Object<'_>, &mut dyn Policy) -> Result<String, Problem>;

const INTERFACES: [(&str, Interface); 3] = [
    ("/access/v1/evaluation", authzen::evaluation),
    ("/access/v1/evaluations", authzen::evaluations),
    ("/v1/data/hexgate/policy/decision", rest::decision),
];

/// Answers a request. `read` gets the body once it is wanted: at most [`MAX_BODY`] bytes; None: there are more, or they cannot be read
/// to the end, with the status that says so.
///
/// Status 200 carries decisions; every other one is a problem document, and never an allow.
pub fn respond(
    received: &Received<'_>,
    read: impl FnOnce() -> Result<Vec<u8>, u16>,
    policy: &mut dyn Policy,
) -> Response {
    match answer(received, read, policy) {
        Ok(body) => Response {
            status: 200,
            content_type: "application/json",
            allow: None,
            body,
        },
        Err(problem) => Response {
            status: problem.status,
            content_type: "application/problem+json",
            allow: (problem.status == 405).then_some("POST"),
            body: problem.document(),
        },
    }
}

fn answer(
    received: &Received<'_>,
    read: impl FnOnce() -> Result<Vec<u8>, u16>,
    policy: &mut dyn Policy,
) -> Result<String, Problem> {
    let path = received.path.split('?').next().unwrap_or_default();
    let Some((_, interface)) = INTERFACES.iter().find(|(known, _)| *known == path) else {
        return Err(Problem::new(
            404,
            "the paths are `/access/v1/evaluation`, `/access/v1/evaluations` and `/v1/data/hexgate/policy/decision`",
        ));
    };
    if received.method != "POST" {
        return Err(Problem::new(405, "the method must be POST"));
    }
    let is_json = matches!(received.content_types, [one] if is_json(one));
    if !is_json || received.encoded {
        return Err(Problem::new(
            415,
            "the body must be `application/json` in UTF-8, without a content encoding",
        ));
    }
    let bytes = read().map_err(|status| match status {
        413 => Problem::new(413, format!("the body has more than {MAX_BODY} bytes")),
        _ => Problem::bad("the body ends too early"),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| Problem::bad("the body is not UTF-8"))?;
    let mut memory = Memory::for_text(&text);
    let object = body::read(&text, &mut memory)?;
    interface(&object, policy)
}

/// `application/json`, with no parameter but `charset=utf-8`.
fn is_json(value: &[u8]) -> bool {
    let Ok(value) = core::str::from_utf8(value) else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    let is = |part: Option<&str>, name: &str| part.is_some_and(|it| it.eq_ignore_ascii_case(name));
    is(parts.next(), "application/json")
        && parts.all(|part| is(Some(part), "charset=utf-8") || is(Some(part), "charset=\"utf-8\""))
}
