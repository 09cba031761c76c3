//! What happens to a request over HTTP before the protocol sees it, in the gateway and in servers that are written with rmcp.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::StreamExt as _;
use rmcp::model::{ErrorData, RequestId};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::caller::Unidentified;
use crate::exact::Refusal;

/// How long the body of a request may take. Until it is read nobody knows whether the caller is one.
const BODY: Duration = Duration::from_secs(10);
/// How much of a body that is too large is read and dropped before it is refused.
const DROPPED: usize = 16 << 20;

/// The body of a request, if it comes whole within 10 seconds and has at most so many bytes.
///
/// # Errors
///
/// The answer to one that does not: status 408 or 413.
pub async fn body(body: Body, most: usize) -> Result<Bytes, Box<Response>> {
    match tokio::time::timeout(BODY, whole(body, most)).await {
        Ok(Some(body)) => Ok(body),
        Err(_) => {
            let error = ErrorData::invalid_request("late: the request did not come whole", None);
            Err(Box::new(answer(StatusCode::REQUEST_TIMEOUT, &error, None)))
        }
        Ok(None) => {
            let error = Refusal::TooLarge(most).error();
            Err(Box::new(answer(
                StatusCode::PAYLOAD_TOO_LARGE,
                &error,
                None,
            )))
        }
    }
}

/// The body, if it has at most so many bytes. Most clients read no answer before they have sent everything, so what is too large is read on for
/// a while and dropped: else they would see a broken connection and not why.
async fn whole(body: Body, limit: usize) -> Option<Bytes> {
    let most = limit.saturating_add(DROPPED);
    if usize::try_from(body.size_hint().lower()).map_or(true, |said| said > most) {
        return None;
    }
    let mut pieces = body.into_data_stream();
    let (mut whole, mut seen) = (Vec::new(), 0_usize);
    while let Some(piece) = pieces.next().await {
        let piece = piece.ok()?;
        seen = seen.saturating_add(piece.len());
        if seen > most {
            return None;
        }
        if seen > limit {
            whole = Vec::new();
        } else {
            whole.extend_from_slice(&piece);
        }
    }
    (seen <= limit).then(|| whole.into())
}

/// The call of a tool that a body asks for, for the record of callers who are nobody: the tool's name and its arguments. None: it is no such call.
#[must_use]
pub fn attempt(body: &[u8]) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Attempt {
        method: String,
        params: Option<Params>,
    }
    #[derive(Deserialize)]
    struct Params {
        name: Option<String>,
        arguments: Option<Box<RawValue>>,
    }
    let attempt: Attempt = serde_json::from_slice(body).ok()?;
    let params = attempt.params.filter(|_| attempt.method == "tools/call")?;
    let arguments = params.arguments.as_ref().map_or("{}", |it| it.get());
    Some((params.name.unwrap_or_default(), arguments.to_owned()))
}

/// The answer to a request of nobody: status 401 with the challenge, or 503 where nobody can say now whether the token holds. That is refused like
/// one that does not, and may pass later.
#[must_use]
pub fn unidentified(error: &Unidentified) -> Response {
    if let Some(time) = error.retry_after {
        let mut response = Response::new(Body::from(
            "who makes this request cannot be checked now: the issuer of the token does not answer; try again later\n",
        ));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let seconds = HeaderValue::from(time.as_secs().max(1));
        response.headers_mut().insert(RETRY_AFTER, seconds);
        return response;
    }
    let mut response = Response::new(Body::from("nobody is known to make this request\n"));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let challenge = error.challenge.as_deref().unwrap_or("Bearer");
    let challenge = HeaderValue::from_str(challenge);
    let challenge = challenge.unwrap_or(HeaderValue::from_static("Bearer"));
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// An error of JSON-RPC as the answer.
#[must_use]
pub fn answer(status: StatusCode, error: &ErrorData, id: Option<RequestId>) -> Response {
    let body = serde_json::json!({"jsonrpc": "2.0", "id": id, "error": error});
    let mut response = Response::new(Body::from(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
