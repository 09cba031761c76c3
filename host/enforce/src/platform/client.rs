//! Requests to the platform.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Client as Http, RequestBuilder, Response, StatusCode};

use super::keys::{self, Named, Trust};
use super::{Platform, PlatformError, Timeouts};
use crate::token::Issuer;

/// The largest answer: a component of 32 MiB as base64, and the rest.
const MAX_BODY: usize = 48 << 20;
/// The largest list of bans.
const MAX_BANS_BODY: usize = 4 << 20;
/// The largest list of keys.
const MAX_KEYS_BODY: usize = 64 << 10;
/// As much of an error as is shown.
const SHOWN: usize = 200;
/// The longest `ETag` that is sent back.
const MAX_ETAG: usize = 256;

pub(super) struct Client {
    http: Http,
    authorization: HeaderValue,
    platform: Platform,
}

/// What the platform says when it is asked again and again.
pub(super) enum Fetched {
    /// What it said last is still so.
    NotModified,
    /// This.
    Body {
        bytes: Vec<u8>,
        etag: Option<HeaderValue>,
    },
}

impl Client {
    pub(super) fn new(platform: Platform) -> Result<Self, PlatformError> {
        let mut builder = Http::builder()
            .user_agent(concat!("hexgate/", env!("CARGO_PKG_VERSION")))
            // A redirection would carry the token, or the question, to somebody who was not asked.
            .redirect(Policy::none())
            .connect_timeout(platform.timeouts.full);
        if platform.url.is_local() {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| PlatformError::start(&error))?;
        let bearer = zeroize::Zeroizing::new(format!("Bearer {}", platform.key.expose()));
        let mut authorization =
            HeaderValue::from_str(&bearer).map_err(|error| PlatformError::start(&error))?;
        authorization.set_sensitive(true);
        Ok(Self {
            http,
            authorization,
            platform,
        })
    }

    /// Asks for the agent; with an `ETag`, only whether something changed.
    pub(super) async fn agent(&self, etag: Option<&HeaderValue>) -> Result<Fetched, PlatformError> {
        let agent = &self.platform.agent;
        let fetched = self.fetch(&["v1", "agents", agent], etag, MAX_BODY).await?;
        fetched.ok_or_else(|| PlatformError::UnknownAgent {
            agent: agent.clone(),
        })
    }

    /// Asks who is banned; with an `ETag`, only whether something changed.
    pub(super) async fn bans(&self, etag: Option<&HeaderValue>) -> Result<Fetched, PlatformError> {
        let fetched = self.fetch(&["v1", "bans"], etag, MAX_BANS_BODY).await?;
        fetched.ok_or(PlatformError::NoBans)
    }

    /// Asks for what is at a path. None: there is nothing.
    async fn fetch(
        &self,
        path: &[&str],
        etag: Option<&HeaderValue>,
        allowed: usize,
    ) -> Result<Option<Fetched>, PlatformError> {
        let Timeouts { full, conditional } = self.platform.timeouts;
        let mut request = self
            .http
            .get(self.platform.url.at(path.iter().copied()))
            .header(AUTHORIZATION, self.authorization.clone());
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag.clone());
        }
        // An answer that says that nothing changed is short. One that says what changed may be long.
        let begin = if etag.is_some() { conditional } else { full };
        let response = tokio::time::timeout(begin, send(request, full))
            .await
            .unwrap_or(Err(PlatformError::Timeout))?;
        match response.status() {
            StatusCode::NOT_MODIFIED if etag.is_some() => Ok(Some(Fetched::NotModified)),
            StatusCode::NOT_MODIFIED => Err(PlatformError::NothingToCompare),
            StatusCode::OK => {
                let etag = response.headers().get(ETAG).cloned();
                let etag = etag.filter(|etag| !etag.is_empty() && etag.len() <= MAX_ETAG);
                let bytes = body(response, allowed).await?;
                Ok(Some(Fetched::Body { bytes, etag }))
            }
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Err(PlatformError::Unauthorized {
                    status: status.as_u16(),
                })
            }
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.status(response).await),
        }
    }

    /// Makes sure that the token is one that the trusted keys began, before it is shown to anybody.
    pub(super) async fn check_token(&self, trust: &mut Trust) -> Result<(), PlatformError> {
        let keys = trust.narrowed(self.keys().await?)?;
        let key = &self.platform.key;
        Issuer::new(keys, key.environment(), key.project())
            .and_then(|issuer| issuer.verify_origin(key))?;
        Ok(())
    }

    /// Asks for the list of keys. None: there is none.
    pub(super) async fn keys(&self) -> Result<Option<Vec<Named>>, PlatformError> {
        let url = self.platform.url.at(["v1", ".well-known", "keys"]);
        let response = send(self.http.get(url), self.platform.timeouts.full).await?;
        match response.status() {
            StatusCode::OK => keys::parse(&body(response, MAX_KEYS_BODY).await?).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.status(response).await),
        }
    }

    /// What an answer with another status than those that are expected says, for people.
    async fn status(&self, response: Response) -> PlatformError {
        let status = response.status().as_u16();
        // That it cannot be read changes nothing.
        let body = body(response, 4 << 10).await.unwrap_or_default();
        // A page that shows the request shows the token, too.
        let body =
            String::from_utf8_lossy(&body).replace(self.platform.key.expose(), "[the token]");
        PlatformError::Status {
            status,
            body: body.chars().take(SHOWN).collect(),
        }
    }

    pub(super) fn platform(&self) -> &Platform {
        &self.platform
    }
}

async fn send(request: RequestBuilder, timeout: Duration) -> Result<Response, PlatformError> {
    request
        .header(ACCEPT, "application/json")
        .timeout(timeout)
        .send()
        .await
        .map_err(failed)
}

async fn body(mut response: Response, allowed: usize) -> Result<Vec<u8>, PlatformError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > allowed {
            return Err(PlatformError::TooLarge { allowed });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// An error of the transport. Its text may hold the address, and never a header.
fn failed(error: reqwest::Error) -> PlatformError {
    if error.is_timeout() {
        return PlatformError::Timeout;
    }
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        reason.push_str(&format!(": {next}"));
        cause = next.source();
    }
    PlatformError::Unreachable { reason }
}
