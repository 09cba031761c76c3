//! Requests to a server over HTTP, with the token that it wants.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use futures_util::stream::BoxStream;
use rmcp::model::ClientJsonRpcMessage;
use rmcp::service::ClientInitializeError;
use rmcp::transport::auth::AuthError;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits,
};

use crate::authorization::Authorizer;

/// Sends requests. Where the server wants a token, each gets its own; a refused one is renewed once.
#[derive(Debug, Clone)]
pub(super) struct Bearing {
    http: reqwest::Client,
    authorizer: Option<Arc<Authorizer>>,
}

type Answer<T> = Result<T, StreamableHttpError<reqwest::Error>>;
type Headers = HashMap<HeaderName, HeaderValue>;

impl Bearing {
    pub(super) fn new(http: reqwest::Client, authorizer: Option<Arc<Authorizer>>) -> Self {
        Self { http, authorizer }
    }

    async fn send<T, F: Future<Output = Answer<T>>>(
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
        self.send(|token| {
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
        self.send(|token| {
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
        self.send(|token| {
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
    ) -> Answer<BoxStream<'static, Result<sse_stream::Sse, SseError>>> {
        self.send(|token| {
            self.http.get_stream(
                uri.clone(),
                session_id.clone(),
                last_event_id.clone(),
                token,
                headers.clone(),
            )
        })
        .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _: Option<String>,
        headers: Headers,
        max_bytes: usize,
    ) -> Answer<BoxStream<'static, Result<sse_stream::Sse, SseError>>> {
        self.send(|token| {
            self.http.get_stream_with_max_sse_event_size(
                uri.clone(),
                session_id.clone(),
                last_event_id.clone(),
                token,
                headers.clone(),
                max_bytes,
            )
        })
        .await
    }
}
