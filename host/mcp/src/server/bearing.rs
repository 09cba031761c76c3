//! Requests to a server over HTTP, with the token that it wants.

use std::collections::HashMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::http::{HeaderName, HeaderValue, StatusCode};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use rmcp::model::ClientJsonRpcMessage;
use rmcp::service::ClientInitializeError;
use rmcp::transport::auth::AuthError;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits,
};

use super::stale::Stale;
use crate::authorization::Authorizer;
use crate::wire::Ended;

/// Sends requests. Where the server wants a token, each gets its own; a refused one is renewed once.
///
/// Who does not know the session any more may be another server than the one whose tools were looked at. Nothing is sent after that: the
/// connection ends, and what is there now is looked at before it is asked anything.
#[derive(Debug, Clone)]
pub(super) struct Bearing {
    http: reqwest::Client,
    authorizer: Option<Arc<Authorizer>>,
    ended: Ended,
    stale: Arc<Stale>,
    /// Whether the stream on which the server speaks between requests was ever open.
    listened: Arc<AtomicBool>,
}

type Answer<T> = Result<T, StreamableHttpError<reqwest::Error>>;
type Headers = HashMap<HeaderName, HeaderValue>;
type Events = BoxStream<'static, Result<sse_stream::Sse, SseError>>;

impl Bearing {
    pub(super) fn new(
        http: reqwest::Client,
        authorizer: Option<Arc<Authorizer>>,
        ended: &Ended,
        stale: &Arc<Stale>,
    ) -> Self {
        Self {
            http,
            authorizer,
            ended: ended.clone(),
            stale: Arc::clone(stale),
            listened: Arc::default(),
        }
    }

    async fn send<T, F: Future<Output = Answer<T>>>(
        &self,
        has_session: bool,
        send: impl Fn(Option<String>) -> F,
    ) -> Answer<T> {
        if self.ended.is() {
            return Err(StreamableHttpError::SessionExpired);
        }
        let answer = self.with_token(send).await;
        if matches!(&answer, Err(error) if is_expired(error, has_session)) {
            self.ended.set("it no longer knows the session");
        }
        answer
    }

    async fn with_token<T, F: Future<Output = Answer<T>>>(
        &self,
        send: impl Fn(Option<String>) -> F,
    ) -> Answer<T> {
        let Some(authorizer) = &self.authorizer else {
            return send(None).await;
        };
        let token = authorizer.token(None).await.map_err(refused)?;
        let mut answer = send(Some(token.text().to_owned())).await;
        if let Err(StreamableHttpError::AuthRequired(_)) = answer {
            let token = authorizer.token(Some(&token)).await.map_err(refused)?;
            answer = send(Some(token.text().to_owned())).await;
        }
        match answer {
            Err(StreamableHttpError::AuthRequired(_)) => Err(refused(authorizer.rejected())),
            Err(StreamableHttpError::InsufficientScope(error)) => {
                let wanted = error.get_required_scope();
                Err(refused(authorizer.lacking(wanted).await))
            }
            answer => answer,
        }
    }

    /// A stream that was opened, as it is read. The first one on which the server speaks between requests is where it says what changes. It is
    /// opened again when it breaks, but nobody knows what was said meanwhile.
    fn heard(&self, events: Events, is_common: bool) -> Events {
        if !is_common || self.listened.swap(true, Ordering::AcqRel) {
            return events;
        }
        self.stale.heard();
        let stale = Arc::clone(&self.stale);
        Heard { events, stale }.boxed()
    }
}

/// The stream on which the server says what changes, as long as it is open.
struct Heard {
    events: Events,
    stale: Arc<Stale>,
}

impl Stream for Heard {
    type Item = Result<sse_stream::Sse, SseError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.events.poll_next_unpin(context);
        if let Poll::Ready(None | Some(Err(_))) = &next {
            self.stale.unheard();
        }
        next
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.stale.unheard();
    }
}

/// Whether the server does not know the session.
fn is_expired(error: &StreamableHttpError<reqwest::Error>, has_session: bool) -> bool {
    match error {
        StreamableHttpError::SessionExpired => true,
        StreamableHttpError::Client(error) => {
            has_session && error.status() == Some(StatusCode::NOT_FOUND)
        }
        _ => false,
    }
}

fn refused(why: String) -> StreamableHttpError<reqwest::Error> {
    AuthError::AuthorizationFailed(why).into()
}

/// Why a request had no token that the server takes, if that is why it failed.
pub(super) fn refusal_of(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(AuthError::AuthorizationFailed(why)) = error.downcast_ref() {
            return Some(why.clone());
        }
        cause = error.source();
    }
    None
}

/// What the server answered to a request without a token, if that is why nothing was opened.
pub(super) fn challenge_of(error: &ClientInitializeError) -> Option<&str> {
    match error {
        ClientInitializeError::LegacyFallbackFailed { discover, fallback } => {
            challenge_of(discover).or_else(|| challenge_of(fallback))
        }
        error => error.auth_challenge(),
    }
}

impl StreamableHttpClient for Bearing {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _: Option<String>,
        headers: Headers,
    ) -> Answer<StreamableHttpPostResponse> {
        self.send(session_id.is_some(), |token| {
            self.http.post_message(
                uri.clone(),
                message.clone(),
                session_id.clone(),
                token,
                headers.clone(),
            )
        })
        .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _: Option<String>,
        headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Answer<StreamableHttpPostResponse> {
        self.send(session_id.is_some(), |token| {
            self.http.post_message_with_response_limits(
                uri.clone(),
                message.clone(),
                session_id.clone(),
                token,
                headers.clone(),
                limits,
            )
        })
        .await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _: Option<String>,
        headers: Headers,
    ) -> Answer<()> {
        if self.ended.is() {
            return Err(StreamableHttpError::ServerDoesNotSupportDeleteSession);
        }
        self.with_token(|token| {
            self.http
                .delete_session(uri.clone(), session_id.clone(), token, headers.clone())
        })
        .await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _: Option<String>,
        headers: Headers,
    ) -> Answer<Events> {
        let is_common = session_id.is_some() && last_event_id.is_none();
        let events = self
            .send(session_id.is_some(), |token| {
                self.http.get_stream(
                    uri.clone(),
                    session_id.clone(),
                    last_event_id.clone(),
                    token,
                    headers.clone(),
                )
            })
            .await?;
        Ok(self.heard(events, is_common))
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _: Option<String>,
        headers: Headers,
        max_bytes: usize,
    ) -> Answer<Events> {
        let is_common = session_id.is_some() && last_event_id.is_none();
        let events = self
            .send(session_id.is_some(), |token| {
                self.http.get_stream_with_max_sse_event_size(
                    uri.clone(),
                    session_id.clone(),
                    last_event_id.clone(),
                    token,
                    headers.clone(),
                    max_bytes,
                )
            })
            .await?;
        Ok(self.heard(events, is_common))
    }
}
