//! What happens to a request before the protocol sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt as _;
use hexgate_enforce::{Call, Caller};
use rmcp::model::{ErrorData, RequestId};
use rmcp::transport::streamable_http_server::session::SessionManager as _;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::owners::Owners;
use crate::caller::{CALLER, Incoming, Unidentified};
use crate::exact::{self, Refusal};
use crate::gateway::Gateway;

/// The header that names a session, in the versions that have them.
const SESSION: &str = "mcp-session-id";
/// How long the body of a request may take. Until it is read nobody knows whether the caller is one.
const BODY: Duration = Duration::from_secs(10);
/// How much of a body that is too large is read and dropped before it is refused.
const DROPPED: usize = 16 << 20;

pub(super) struct Guard {
    gateway: Gateway,
    owners: Mutex<Owners>,
    sessions: Arc<LocalSessionManager>,
}

impl Guard {
    pub(super) fn new(gateway: &Gateway, sessions: Arc<LocalSessionManager>) -> Self {
        Self {
            gateway: gateway.clone(),
            owners: Mutex::new(Owners::new(gateway.config().limits.sessions)),
            sessions,
        }
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers whose a new session is, and ends the one that makes room for it.
    async fn opened(&self, session: &str, caller: &Caller) {
        let ended = self.owners().opened(session, caller);
        if let Some(ended) = ended
            && let Err(error) = self.sessions.close_session(&ended.into()).await
        {
            tracing::warn!(%error, "a session that makes room for a newer one does not end");
        }
    }

    /// Has the attempt of a caller who is nobody recorded.
    fn refused(&self, error: &Unidentified, body: &[u8]) {
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
        tracing::warn!(%error, "a request has no caller");
        let Ok(Attempt {
            method,
            params: Some(params),
        }) = serde_json::from_slice::<Attempt>(body)
        else {
            return;
        };
        if method != "tools/call" {
            return;
        }
        let gate = self.gateway.refused_as(&params.name.unwrap_or_default());
        let arguments = params.arguments.as_ref().map_or("{}", |it| it.get());
        let call = Call::with_refused_token(error, gate, arguments);
        let _ = self.gateway.enforcer().decide_call(call);
    }
}

/// Finds the caller, reads the body, and looks at it.
pub(super) async fn guard(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let limit = guard.gateway.config().limits.request_bytes;
    let (mut parts, body) = request.into_parts();
    let body = match tokio::time::timeout(BODY, whole(body, limit)).await {
        Ok(Some(body)) => body,
        Err(_) => {
            let error = ErrorData::invalid_request("late: the request did not come whole", None);
            return answer(StatusCode::REQUEST_TIMEOUT, &error, None);
        }
        Ok(None) => {
            let refusal = Refusal::TooLarge(limit);
            return answer(StatusCode::PAYLOAD_TOO_LARGE, &refusal.error(), None);
        }
    };
    let incoming = Incoming::http(&parts.headers);
    let caller = match guard.gateway.caller_of().caller_of(incoming).await {
        Ok(caller) => caller,
        Err(error) => {
            let answer = match error.retry_after {
                Some(time) => unavailable(time),
                None => unauthorized(&error),
            };
            // The record is a file: other requests must not wait for it.
            let _ = tokio::task::spawn_blocking(move || guard.refused(&error, &body)).await;
            return answer;
        }
    };
    if is_of_this_machine(&parts.headers) {
        // What only a page of this gateway could send, and it has none: a program that names where it asks.
        parts.headers.remove(ORIGIN);
    }
    // Nothing behind this needs the token, and servers must not get it.
    parts.headers.remove(AUTHORIZATION);
    if parts.method == Method::POST
        && let Err(refusal) = exact::message(&body)
    {
        tracing::warn!(%refusal, "a message of a client is refused");
        return answer(StatusCode::BAD_REQUEST, &refusal.error(), exact::id(&body));
    }
    let session = session(&parts.headers);
    if let Some(session) = &session
        && !guard.owners().is_used_by(session, &caller)
    {
        let error = ErrorData::invalid_request("unknown_session: open a session first", None);
        return answer(StatusCode::NOT_FOUND, &error, exact::id(&body));
    }
    let ends = (parts.method == Method::DELETE)
        .then_some(session)
        .flatten();
    parts.extensions.insert(caller.clone());
    let request = Request::from_parts(parts, Body::from(body));
    let response = CALLER.scope(caller.clone(), next.run(request)).await;
    if let Some(ended) = ends {
        guard.owners().closed(&ended);
    } else if let Some(opened) = self::session(response.headers())
        && guard.owners().is_foreign(&opened, &caller)
    {
        guard.opened(&opened, &caller).await;
    }
    response
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

/// Whether the origin is the very address that is asked, and that is one of this machine's own names. A page elsewhere has another origin,
/// and one that had its name pointed here has another host.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let one = |name| {
        let mut all = headers.get_all(name).iter();
        let first = all.next().and_then(|value| value.to_str().ok());
        first.filter(|_| all.next().is_none())
    };
    let (Some(host), Some(origin)) = (one(HOST), one(ORIGIN)) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
        && origin.strip_prefix("http://") == Some(host)
}

fn session(headers: &HeaderMap) -> Option<String> {
    headers.get(SESSION)?.to_str().ok().map(str::to_owned)
}

/// Nobody can say now whether the token holds. It is refused like one that does not, and may pass later.
fn unavailable(time: Duration) -> Response {
    let mut response = Response::new(Body::from(
        "who makes this request cannot be checked now: the issuer of the token does not answer; try again later\n",
    ));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(time.as_secs().max(1)));
    response
}

fn unauthorized(error: &Unidentified) -> Response {
    let mut response = Response::new(Body::from("nobody is known to make this request\n"));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let challenge = error.challenge.as_deref().unwrap_or("Bearer");
    let challenge = HeaderValue::from_str(challenge);
    let challenge = challenge.unwrap_or(HeaderValue::from_static("Bearer"));
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// An error of JSON-RPC as the answer.
fn answer(status: StatusCode, error: &ErrorData, id: Option<RequestId>) -> Response {
    let body = serde_json::json!({"jsonrpc": "2.0", "id": id, "error": error});
    let mut response = Response::new(Body::from(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
