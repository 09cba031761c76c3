//! On whose behalf a client asks.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::HeaderMap;
use hexgate_enforce::Caller;

/// What is known of a request before it is read.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Incoming<'a> {
    /// The headers. None: the client is at the standard streams.
    pub headers: Option<&'a HeaderMap>,
}

impl<'a> Incoming<'a> {
    /// A request over HTTP.
    #[must_use]
    pub fn http(headers: &'a HeaderMap) -> Self {
        Self {
            headers: Some(headers),
        }
    }

    /// A request at the standard streams.
    #[must_use]
    pub fn stdio() -> Self {
        Self { headers: None }
    }
}

/// Says on whose behalf a request is made. It is asked at each request.
#[async_trait]
pub trait CallerOf: Send + Sync {
    /// The caller.
    ///
    /// # Errors
    ///
    /// There is none. Over HTTP the answer is 401 with the challenge, or 503 where it cannot be said now; a call is denied and recorded.
    async fn caller_of(&self, incoming: Incoming<'_>) -> Result<Caller, Unidentified>;
}

/// Why a request has no caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
#[non_exhaustive]
pub struct Unidentified {
    /// For the operator; the client does not see it.
    pub reason: String,
    /// The value of the header `WWW-Authenticate`. None: `Bearer`.
    pub challenge: Option<String>,
    /// That cannot be said now, and may be after this time: over HTTP the answer is 503. None: there is no caller.
    pub retry_after: Option<Duration>,
}

impl Unidentified {
    /// For this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            challenge: None,
            retry_after: None,
        }
    }

    /// Who calls cannot be said now, and may be after this time. The request is refused all the same.
    #[must_use]
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }

    /// With this value of the header `WWW-Authenticate`.
    #[must_use]
    pub fn challenge(mut self, challenge: impl Into<String>) -> Self {
        self.challenge = Some(challenge.into());
        self
    }
}

/// The same caller for every request: the one whom the command line or the configuration names.
#[derive(Debug, Clone)]
pub struct Always(pub Caller);

#[async_trait]
impl CallerOf for Always {
    async fn caller_of(&self, _: Incoming<'_>) -> Result<Caller, Unidentified> {
        Ok(self.0.clone())
    }
}

tokio::task_local! {
    /// Who makes the request over HTTP that is looked at, before it is in a task of its own.
    pub(crate) static CALLER: Caller;
}
