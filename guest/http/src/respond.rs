//! From a request to a response.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString as _},
    vec::Vec,
};

use crate::{
    answer::{Asking, Decider, Policy},
    authzen,
    body::{self, Memory, Object},
    metadata::{METADATA, base_of, document},
    problem::Problem,
    rest,
};

/// The largest body, in bytes: room for the longest arguments and facts that policies accept by default. Reading takes up to eleven
/// times as much memory.
pub const MAX_BODY: usize = 2 << 20;

/// The longest request id that is sent back.
const MAX_ID: usize = 256;

/// A request as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// `POST`, `GET`
    pub method: &'a str,
    /// The path, with a query if there is one.
    pub path: &'a str,
    /// The host that the request is for, with its port.
    pub authority: Option<&'a str>,
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

/// What a host has beside evaluations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offer<'a> {
    /// The address of the decision point, without a slash at its end. None: what clients ask for, as [`base_of`] has it.
    pub base: Option<&'a str>,
    /// Whether denials can be requested.
    pub requests: bool,
    /// Whether the REST API of the Open Policy Agent is there.
    pub rest: bool,
}

impl Response {
    /// The headers, in lower case. `ids` are the values of `x-request-id` in the request: one is sent back.
    #[must_use]
    pub fn headers(&self, ids: &[&[u8]]) -> Vec<(&'static str, Vec<u8>)> {
        let mut headers: Vec<(&'static str, Vec<u8>)> = Vec::from([
            ("content-type", self.content_type.as_bytes().to_vec()),
            ("cache-control", b"no-store".to_vec()),
            ("content-length", self.body.len().to_string().into_bytes()),
        ]);
        if let Some(methods) = self.allow {
            headers.push(("allow", methods.as_bytes().to_vec()));
        }
        if let [id] = ids
            && id.len() <= MAX_ID
        {
            headers.push(("x-request-id", (*id).to_owned()));
        }
        headers
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        Self {
            status: problem.status,
            content_type: "application/problem+json",
            allow: None,
            body: problem.document(),
        }
    }
}

/// What answers a body.
type Interface = fn(&Object<'_>, &mut dyn Decider) -> Result<String, Problem>;

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const REST: &str = "/v1/data/hexgate/policy/decision";

/// Answers a request by asking a policy: evaluations, the metadata, and OPA's REST API. `read` gets the body once it is wanted: at most
/// [`MAX_BODY`] bytes, or the status that says why not.
///
/// Status 200 carries decisions; every other one is a problem document, and never an allow.
pub fn respond(
    received: &Received<'_>,
    read: impl FnOnce() -> Result<Vec<u8>, u16>,
    policy: &mut dyn Policy,
) -> Response {
    let offer = Offer {
        rest: true,
        ..Offer::default()
    };
    respond_by(received, read, &mut Asking(policy), &offer)
}

/// As [`respond`], with anything that decides, and what this host offers.
pub fn respond_by(
    received: &Received<'_>,
    read: impl FnOnce() -> Result<Vec<u8>, u16>,
    decider: &mut dyn Decider,
    offer: &Offer<'_>,
) -> Response {
    // The standard has 400 for a body of another type, OPA's users expect 415.
    let (method, untyped, interface): (_, _, Option<Interface>) = match received.route() {
        METADATA => ("GET", 400, None),
        EVALUATION => ("POST", 400, Some(authzen::evaluation)),
        EVALUATIONS => ("POST", 400, Some(authzen::evaluations)),
        REST if offer.rest => ("POST", 415, Some(rest::decision)),
        _ => return nowhere(offer).into(),
    };
    if received.method != method {
        return Response {
            allow: Some(method),
            ..Problem::new(405, format!("the method must be {method}")).into()
        };
    }
    let done = match interface {
        None => metadata(received, offer),
        Some(interface) => with(received, untyped, read, |body| interface(body, decider)),
    };
    match done {
        Ok(body) => answered(200, body),
        Err(problem) => problem.into(),
    }
}

impl<'a> Received<'a> {
    /// The path without a query.
    #[must_use]
    pub fn route(&self) -> &'a str {
        self.path.split('?').next().unwrap_or_default()
    }
}

fn nowhere(offer: &Offer<'_>) -> Problem {
    Problem::new(
        404,
        format!(
            "the paths are `{EVALUATION}`, `{EVALUATIONS}` and `{}`",
            if offer.rest { REST } else { METADATA }
        ),
    )
}

fn metadata(received: &Received<'_>, offer: &Offer<'_>) -> Result<String, Problem> {
    let base = match offer.base {
        Some(base) => base.to_owned(),
        None => base_of(received.authority)?,
    };
    Ok(document(&base, offer.requests))
}

/// JSON with this status.
pub(crate) fn answered(status: u16, body: String) -> Response {
    Response {
        status,
        content_type: "application/json",
        allow: None,
        body,
    }
}

/// Reads the body, one JSON object, for `answer`. `untyped` is the status for a body of another type.
pub(crate) fn with<T>(
    received: &Received<'_>,
    untyped: u16,
    read: impl FnOnce() -> Result<Vec<u8>, u16>,
    answer: impl FnOnce(&Object<'_>) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let is_json = matches!(received.content_types, [one] if is_json(one));
    if !is_json || received.encoded {
        return Err(Problem::new(
            untyped,
            "the body must be `application/json` in UTF-8, without a content encoding",
        ));
    }
    let bytes = read().map_err(|status| match status {
        413 => Problem::new(413, format!("the body has more than {MAX_BODY} bytes")),
        408 => Problem::new(408, "the body did not come in time"),
        _ => Problem::bad("the body ends too early"),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| Problem::bad("the body is not UTF-8"))?;
    let mut memory = Memory::for_text(&text);
    let object = body::read(&text, &mut memory)?;
    answer(&object)
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
