//! What happens to a request over HTTP before the protocol sees it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use axum::response::Response;
use hexgate_enforce::{Call, Caller};
use hexgate_gate::Gate;
use hexgate_mcp::exact::{self, Refusal};
use hexgate_mcp::front::Owners;
use hexgate_mcp::{CallerOf, Incoming, Limits, Unidentified, names};
use rmcp::model::{ErrorData, RequestId};
use serde::Deserialize;
use serde_json::value::RawValue;
use tower_layer::Layer;
use tower_service::Service;

use crate::server::Gated;

/// How long the body of a request may take.
const BODY: Duration = Duration::from_secs(10);
/// The largest body, in bytes, unless another limit is set.
const MOST: usize = 1 << 20;
/// The header that names a session, in the versions that have them.
const SESSION: &str = "mcp-session-id";
/// What a request says of itself in its headers (2026-07-28).
const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";

/// A tower layer before a gated server over HTTP. It finds the caller of each request, by a token for example, and refuses what would not come
/// through as it was sent: batches, malformed and oversize messages, keys that stand twice, numbers that cannot be kept, and headers that say
/// something else than the body. [`Gated`](crate::Gated) behind it decides for that caller. The token goes no further.
///
/// A session (`Mcp-Session-Id`) belongs to the caller who opened it through this guard or a clone of it: to the user with the same roles and the same
/// session of the token. To others it is unknown (404), so nobody answers a question, resumes a stream or cancels a call in the session of another.
/// Clients whose session is unknown open another one.
///
/// ```no_run
/// # fn example<H: Clone>(
/// #     gated: &hexgate_rmcp::Gated<H>,
/// #     server: axum::Router,
/// #     tokens: impl hexgate_rmcp::CallerOf + 'static,
/// # ) -> axum::Router {
/// server.layer(gated.guard(tokens))
/// # }
/// ```
#[derive(Clone)]
pub struct Guard {
    callers: Arc<dyn CallerOf>,
    gate: Gate,
    server: Arc<str>,
    most: usize,
    owners: Arc<Mutex<Owners>>,
}

impl<H> Gated<H> {
    /// The layer before this server over HTTP, which finds callers so. Calls of those who are nobody are recorded as denied.
    pub fn guard(&self, callers: impl CallerOf + 'static) -> Guard {
        Guard {
            callers: Arc::new(callers),
            gate: self.gate.clone(),
            server: Arc::clone(&self.name),
            most: MOST,
            owners: owners(Limits::default().sessions),
        }
    }
}

fn owners(of_user: usize) -> Arc<Mutex<Owners>> {
    Arc::new(Mutex::new(Owners::new(of_user)))
}

impl Guard {
    /// The largest body of a request, in bytes. Default: 1 MiB.
    #[must_use]
    pub fn request_bytes(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// How many sessions of one user are known. When there are more, the one that was not used for the longest time is unknown from then on; the server
    /// ends it when it is idle for long enough. Default: 100.
    #[must_use]
    pub fn sessions(mut self, of_user: usize) -> Self {
        self.owners = owners(of_user);
        self
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            inner,
            guard: self.clone(),
        }
    }
}

/// A service behind a [`Guard`].
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    inner: S,
    guard: Guard,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The one that is ready is the one that is called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let guard = self.guard.clone();
        Box::pin(async move {
            match guard.looked_at(request).await {
                Ok((request, asks)) => {
                    let response = inner.call(request).await?;
                    guard.answered(asks, response.headers());
                    Ok(response)
                }
                Err(refused) => Ok(*refused),
            }
        })
    }
}

/// What is known of a request that is passed on.
struct Asks {
    caller: Caller,
    /// The session that the request ends.
    ends: Option<String>,
}

impl Guard {
    async fn looked_at(
        &self,
        request: Request<Body>,
    ) -> Result<(Request<Body>, Asks), Box<Response>> {
        let (mut parts, body) = request.into_parts();
        let body = match tokio::time::timeout(BODY, to_bytes(body, self.most)).await {
            Ok(Ok(body)) => body,
            Err(_) => {
                let error =
                    ErrorData::invalid_request("late: the request did not come whole", None);
                return Err(answer(StatusCode::REQUEST_TIMEOUT, &error, None));
            }
            Ok(Err(_)) => {
                let error = Refusal::TooLarge(self.most).error();
                return Err(answer(StatusCode::PAYLOAD_TOO_LARGE, &error, None));
            }
        };
        let caller = self.callers.caller_of(Incoming::http(&parts.headers)).await;
        let caller = match caller {
            Ok(caller) => caller,
            Err(error) => {
                self.refused(&error, &body).await;
                return Err(match error.retry_after {
                    Some(time) => unavailable(time),
                    None => unauthorized(&error),
                });
            }
        };
        parts.headers.remove(AUTHORIZATION);
        if parts.method == Method::POST {
            let refused = |refusal: &dyn std::fmt::Display, error: &ErrorData| {
                tracing::warn!(%refusal, "a message of a client is refused");
                answer(StatusCode::BAD_REQUEST, error, exact::id(&body))
            };
            exact::message(&body).map_err(|refusal| refused(&refusal, &refusal.error()))?;
            agree(&parts.headers, &body)
                .map_err(|why| refused(&why, &ErrorData::invalid_request(why, None)))?;
        }
        let unknown = || {
            let error = ErrorData::invalid_request("unknown_session: open a session first", None);
            answer(StatusCode::NOT_FOUND, &error, exact::id(&body))
        };
        let session = session(&parts.headers).map_err(|NoSession| unknown())?;
        if let Some(session) = &session
            && !self.owners().is_used_by(session, &caller)
        {
            tracing::warn!("a request names a session that its caller did not open");
            return Err(unknown());
        }
        let ends = session.filter(|_| parts.method == Method::DELETE);
        parts.extensions.insert(caller.clone());
        let request = Request::from_parts(parts, Body::from(body));
        Ok((request, Asks { caller, ends }))
    }

    /// Remembers whose session the server opened, and forgets one that is over.
    fn answered(&self, asks: Asks, headers: &HeaderMap) {
        if let Some(ended) = asks.ends {
            self.owners().closed(&ended);
        } else if let Ok(Some(opened)) = session(headers) {
            let mut owners = self.owners();
            if owners.is_foreign(&opened, &asks.caller) {
                // The one that makes room is unknown from now on.
                let _ = owners.opened(&opened, &asks.caller);
            }
        }
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A header of a session from which nobody can tell which one.
struct NoSession;

/// The session that headers name.
fn session(headers: &HeaderMap) -> Result<Option<String>, NoSession> {
    let mut all = headers.get_all(SESSION).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => {
            let text = one.to_str().map_err(|_| NoSession)?;
            Ok(Some(text.to_owned()))
        }
        (Some(_), Some(_)) => Err(NoSession),
    }
}

impl Guard {
    /// Has the attempt of a caller who is nobody recorded. The record is a file: other requests must not wait for it.
    async fn refused(&self, error: &Unidentified, body: &[u8]) {
        tracing::warn!(%error, "a request has no caller");
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
        let tool = names::tool(&self.server, &params.name.unwrap_or_default());
        let arguments = params.arguments.as_ref().map_or("{}", |it| it.get());
        let call = Call::with_refused_token(error, tool, arguments);
        let enforcer = self.gate.enforcer().clone();
        let recorded = tokio::task::spawn_blocking(move || drop(enforcer.decide_call(call))).await;
        if let Err(error) = recorded {
            tracing::error!(%error, "an attempt without a caller is not recorded");
        }
    }
}

/// Whether the headers say what the body says. What stands before the server may have decided by them.
fn agree(headers: &HeaderMap, body: &[u8]) -> Result<(), &'static str> {
    #[derive(Deserialize)]
    struct Message {
        method: Option<String>,
        params: Option<Params>,
    }
    #[derive(Deserialize)]
    struct Params {
        name: Option<serde_json::Value>,
        uri: Option<serde_json::Value>,
    }
    let disagree = "disagree: the headers say something else than the message";
    let said = |name: &str| {
        let mut all = headers.get_all(name).iter();
        let first = all.next();
        match (first, all.next()) {
            (None, _) => Ok(None),
            (Some(first), None) => first.to_str().map(Some).map_err(|_| disagree),
            (Some(_), Some(_)) => Err("disagree: a header of the protocol stands twice"),
        }
    };
    let (method, name) = (said(METHOD)?, said(NAME)?);
    if method.is_none() && name.is_none() {
        return Ok(());
    }
    let message: Message = serde_json::from_slice(body).map_err(|_| disagree)?;
    if method.is_some_and(|said| Some(said) != message.method.as_deref()) {
        return Err(disagree);
    }
    let Some(name) = name else { return Ok(()) };
    let params = message.params.ok_or(disagree)?;
    let named = params.name.or(params.uri);
    match named.as_ref().and_then(|named| named.as_str()) {
        Some(named) if named == name => Ok(()),
        _ => Err(disagree),
    }
}

/// Nobody can say now who calls. The request is refused, and another one may pass later.
fn unavailable(time: Duration) -> Box<Response> {
    let text = "who makes this request cannot be said now; try again later\n";
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let seconds = HeaderValue::from(time.as_secs().max(1));
    response.headers_mut().insert(RETRY_AFTER, seconds);
    Box::new(response)
}

fn unauthorized(error: &Unidentified) -> Box<Response> {
    let mut response = Response::new(Body::from("nobody is known to make this request\n"));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let challenge = error.challenge.as_deref().unwrap_or("Bearer");
    let challenge = HeaderValue::from_str(challenge);
    let challenge = challenge.unwrap_or(HeaderValue::from_static("Bearer"));
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    Box::new(response)
}

/// An error of JSON-RPC as the answer.
fn answer(status: StatusCode, error: &ErrorData, id: Option<RequestId>) -> Box<Response> {
    let body = serde_json::json!({"jsonrpc": "2.0", "id": id, "error": error});
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Box::new(response)
}
