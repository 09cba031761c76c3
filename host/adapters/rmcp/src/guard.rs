//! What happens to a request over HTTP before the protocol sees it.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use hexgate_base::guarded::locked;
use hexgate_enforce::{Call, Caller};
use hexgate_gate::Gate;
use hexgate_mcp::exact;
use hexgate_mcp::front::{Owners, request};
use hexgate_mcp::{CallerOf, Incoming, Limits, Unidentified, names};
use rmcp::model::{ErrorData, RequestId};
use rmcp::transport::common::http_header::{BASE64_HEADER_PREFIX, BASE64_HEADER_SUFFIX};
use serde::Deserialize;
use tower_layer::Layer;
use tower_service::Service;

use crate::server::Gated;

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
        let body = request::body(body, self.most).await?;
        let caller = self.callers.caller_of(Incoming::http(&parts.headers)).await;
        let caller = match caller {
            Ok(caller) => caller,
            Err(error) => {
                self.refused(&error, &body).await;
                return Err(Box::new(request::unidentified(&error)));
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
        locked(&self.owners)
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
        let Some((tool, arguments)) = request::attempt(body) else {
            return;
        };
        let tool = names::cut(names::tool(&self.server, &tool));
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
        #[serde(rename = "taskId")]
        task: Option<serde_json::Value>,
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
    let named = match message.method.as_deref() {
        Some("tasks/get" | "tasks/update" | "tasks/cancel") => params.task,
        _ => params.name.or(params.uri),
    };
    match (named.as_ref().and_then(|named| named.as_str()), plain(name)) {
        (Some(named), Some(name)) if named == name => Ok(()),
        _ => Err(disagree),
    }
}

/// A name as a header has it, which can be in base64 (2026-07-28). None: it is none.
fn plain(said: &str) -> Option<Cow<'_, str>> {
    let inner = said.strip_prefix(BASE64_HEADER_PREFIX);
    let Some(inner) = inner.and_then(|it| it.strip_suffix(BASE64_HEADER_SUFFIX)) else {
        return Some(said.into());
    };
    let bytes = BASE64_STANDARD.decode(inner).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// An error of JSON-RPC as the answer.
fn answer(status: StatusCode, error: &ErrorData, id: Option<RequestId>) -> Box<Response> {
    Box::new(request::answer(status, error, id))
}
