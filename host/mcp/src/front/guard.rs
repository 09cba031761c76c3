//! What happens to a request before the protocol sees it.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use hexgate_base::guarded::locked;
use hexgate_enforce::{Call, Caller};
use rmcp::model::ErrorData;
use rmcp::transport::streamable_http_server::SessionManager as _;

use super::owners::Owners;
use super::request::{self, answer};
use super::sessions::{Sessions, with_own_id};
use crate::caller::{CALLER, Incoming, Unidentified};
use crate::exact::{self, Refusal};
use crate::gateway::Gateway;

/// The header that names a session, in the versions that have them.
const SESSION: &str = "mcp-session-id";

pub(super) struct Guard {
    gateway: Gateway,
    owners: Mutex<Owners>,
    sessions: Arc<Sessions>,
}

impl Guard {
    pub(super) fn new(gateway: &Gateway, sessions: Arc<Sessions>) -> Self {
        Self {
            gateway: gateway.clone(),
            owners: Mutex::new(Owners::new(gateway.config().limits.sessions)),
            sessions,
        }
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        locked(&self.owners)
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
        tracing::warn!(%error, "a request has no caller");
        let Some((tool, arguments)) = request::attempt(body) else {
            return;
        };
        let gate = self.gateway.refused_as(&tool);
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
    let body = match request::body(body, limit).await {
        Ok(body) => body,
        Err(refused) => return *refused,
    };
    let incoming = Incoming::http(&parts.headers);
    let caller = match guard.gateway.caller_of().caller_of(incoming).await {
        Ok(caller) => caller,
        Err(error) => {
            let answer = request::unidentified(&error);
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
    let responding = CALLER.scope(caller.clone(), next.run(request));
    let (response, is_taken) = with_own_id(responding).await;
    if is_taken {
        tracing::warn!(refusal = %Refusal::DuplicateId, "a message of a client is refused");
        // An answer with this id could be taken for that of the first request.
        return answer(StatusCode::BAD_REQUEST, &Refusal::DuplicateId.error(), None);
    }
    if let Some(ended) = ends {
        guard.owners().closed(&ended);
    } else if let Some(opened) = self::session(response.headers())
        && guard.owners().is_foreign(&opened, &caller)
    {
        guard.opened(&opened, &caller).await;
    }
    response
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
