//! Requests to the platform.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hexgate_bundle::Parts;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Client as Http, RequestBuilder, Response, StatusCode};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use crate::error::{Cause, PlatformError};
use crate::keys::{self, NamedKey};
use crate::{Address, Envelope, wire};

/// The largest answer: a component of 32 MiB as base64, and the other members.
const MAX_BODY: usize = 48 << 20;
/// The largest list of bans.
const MAX_BANS_BODY: usize = 4 << 20;
/// The largest list of keys.
const MAX_KEYS_BODY: usize = 64 << 10;
/// How much of an answer to an event is read, so that the connection can be reused. A longer answer closes it.
const MAX_POSTED_BODY: usize = 64 << 10;
/// How much of an error's body is read to be shown.
const SHOWN: usize = 200;
/// The longest `ETag` that is sent back.
const MAX_ETAG: usize = 256;
/// The longest wait that the platform can ask for.
const LONGEST_DEMAND: Duration = Duration::from_secs(300);

/// Asks the platform, with the token of a project.
///
/// Redirections are not followed, and no proxy is used for this machine: only the platform may see the token.
pub struct Client {
    http: Http,
    authorization: HeaderValue,
    address: Address,
    token: Envelope,
    timeouts: Timeouts,
}

/// Time limits for the platform's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a whole answer. Default: 10 seconds.
    pub full: Duration,
    /// For the beginning of an answer, where only a change is asked for. Default: 2 seconds.
    pub conditional: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            full: Duration::from_secs(10),
            conditional: Duration::from_secs(2),
        }
    }
}

/// The platform's answer to a repeated request.
#[derive(Debug)]
pub enum Fetched {
    /// The last answer still holds.
    NotModified,
    /// A new answer.
    Body {
        /// The answer.
        bytes: Vec<u8>,
        /// The tag to ask for changes with. None: the platform sent none.
        etag: Option<Etag>,
    },
}

/// The tag of an answer, to ask for changes with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etag(HeaderValue);

/// The platform's answer to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Posted {
    /// The HTTP status.
    pub status: u16,
    /// The status in words, as in `503 Service Unavailable`.
    pub says: String,
    /// Whether the answer is an HTML page: then something else than the platform answered.
    pub is_page: bool,
    /// The wait that the platform asks for, at most five minutes.
    pub retry_after: Duration,
}

impl Client {
    /// A client for this platform and this token.
    ///
    /// # Errors
    ///
    /// The system offers no TLS, or the token has invalid characters.
    pub fn new(
        address: Address,
        token: Envelope,
        timeouts: Timeouts,
    ) -> Result<Self, PlatformError> {
        let mut builder = Http::builder()
            .user_agent(concat!("hexgate/", env!("CARGO_PKG_VERSION")))
            // A redirection would send the token, or the request, to another host.
            .redirect(Policy::none())
            .connect_timeout(timeouts.full);
        if address.is_local() {
            // A proxy would take the request off this machine.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(PlatformError::start)?;
        let bearer = Zeroizing::new(format!("Bearer {}", token.expose()));
        let mut authorization = HeaderValue::from_str(&bearer)
            .map_err(|_| PlatformError::start("the token has characters that no token can have"))?;
        authorization.set_sensitive(true);
        Ok(Self {
            http,
            authorization,
            address,
            token,
            timeouts,
        })
    }

    /// The platform's address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &Envelope {
        &self.token
    }

    /// Asks for an agent; with an `ETag`, only for changes.
    ///
    /// # Errors
    ///
    /// There is no answer, or none that can be used.
    pub async fn agent(&self, name: &str, etag: Option<&Etag>) -> Result<Fetched, PlatformError> {
        let fetched = self.fetch(&["v1", "agents", name], etag, MAX_BODY).await?;
        fetched.ok_or_else(|| PlatformError::UnknownAgent {
            agent: name.to_owned(),
        })
    }

    /// Asks for the list of bans; with an `ETag`, only for changes.
    ///
    /// # Errors
    ///
    /// There is no answer, or none that can be used.
    pub async fn bans(&self, etag: Option<&Etag>) -> Result<Fetched, PlatformError> {
        let fetched = self.fetch(&["v1", "bans"], etag, MAX_BANS_BODY).await?;
        fetched.ok_or(PlatformError::NoBans)
    }

    /// Asks for the list of keys, without the token. None: the platform has no list.
    ///
    /// # Errors
    ///
    /// There is no answer, or none that can be used.
    pub async fn keys(&self) -> Result<Option<Vec<NamedKey>>, PlatformError> {
        let url = self.address.at(["v1", ".well-known", "keys"]);
        let response = send(self.http.get(url), self.timeouts.full).await?;
        match response.status() {
            StatusCode::OK => keys::parse(&body(response, MAX_KEYS_BODY).await?).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.status(response).await),
        }
    }

    /// Sends the platform the event of a decision, as JSON, once. The caller judges the answer.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub async fn post_event(&self, event: String) -> Result<Posted, PlatformError> {
        let request = self
            .http
            .post(self.address.at(["v1", "audit", "decisions"]))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(event);
        let mut response = send(request, self.timeouts.full).await?;
        let status = response.status();
        let header = |name| response.headers().get(name)?.to_str().ok();
        let demand = header(RETRY_AFTER).and_then(|value| value.parse().ok());
        let posted = Posted {
            status: status.as_u16(),
            says: status.to_string(),
            is_page: header(CONTENT_TYPE).is_some_and(|it| {
                let kind = it.split(';').next().unwrap_or_default().trim();
                kind.eq_ignore_ascii_case("text/html")
            }),
            retry_after: Duration::from_secs(demand.unwrap_or_default()).min(LONGEST_DEMAND),
        };
        // Read to the end, if it is near, so that the connection can be reused.
        let mut read = 0;
        while read < MAX_POSTED_BODY
            && let Ok(Some(part)) = response.chunk().await
        {
            read += part.len();
        }
        Ok(posted)
    }

    /// Asks for the resource at a path. None: there is none.
    async fn fetch(
        &self,
        path: &[&str],
        etag: Option<&Etag>,
        allowed: usize,
    ) -> Result<Option<Fetched>, PlatformError> {
        let Timeouts { full, conditional } = self.timeouts;
        let mut request = self
            .http
            .get(self.address.at(path.iter().copied()))
            .header(AUTHORIZATION, self.authorization.clone());
        if let Some(Etag(etag)) = etag {
            request = request.header(IF_NONE_MATCH, etag.clone());
        }
        // A check for changes must begin to answer soon; a changed answer may then be long.
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
                let etag = etag.map(Etag);
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

    /// The error of an answer with an unexpected status, with its body for people.
    async fn status(&self, response: Response) -> PlatformError {
        let status = response.status().as_u16();
        // A body that cannot be read leaves the status as the error.
        let body = body(response, 4 << 10).await.unwrap_or_default();
        // A page that echoes the request would show the token.
        let body = String::from_utf8_lossy(&body).replace(self.token.expose(), "[the token]");
        PlatformError::Status {
            status,
            body: body.chars().take(SHOWN).collect(),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address)
            .field("token", &self.token)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

impl wire::Agent {
    /// Reads an answer as the parts of a bundle from `origin`. All parts are required: a bundle without a signature must not pass as an
    /// unsigned policy. Nothing in them is verified.
    ///
    /// # Errors
    ///
    /// The answer cannot be read, or a part is missing.
    pub fn read_bundle(body: &[u8], origin: String) -> Result<Parts, PlatformError> {
        let agent: Self = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
        let given = |part: Option<String>| part.filter(|part| !part.is_empty());
        let (wasm, manifest, signature) = (
            given(agent.bundle_wasm_b64),
            given(agent.bundle_manifest),
            given(agent.bundle_signature_b64),
        );
        if wasm.is_none() && manifest.is_none() && signature.is_none() {
            return Err(PlatformError::NoBundle);
        }
        let missing = |part| PlatformError::Incomplete { part };
        let decode = |part, text: Option<String>| {
            let text = text.ok_or_else(|| missing(part))?;
            STANDARD
                .decode(text)
                .map_err(|error| unreadable(&format_args!("the {part} is not base64: {error}")))
        };
        Ok(Parts {
            origin,
            wasm: decode("component", wasm)?,
            manifest: manifest.ok_or_else(|| missing("manifest"))?.into_bytes(),
            signature: Some(decode("signature", signature)?),
            source: None,
            rego: None,
        })
    }
}

fn unreadable(reason: &dyn fmt::Display) -> PlatformError {
    PlatformError::Unreadable {
        reason: reason.to_string(),
    }
}

/// A client for threads that may block, with its own runtime. It panics within an asynchronous task.
#[derive(Debug)]
pub struct Blocking {
    client: Client,
    /// Some until this value is dropped.
    runtime: Option<Runtime>,
}

impl Blocking {
    /// Asks through this client.
    ///
    /// # Errors
    ///
    /// The runtime cannot be started.
    pub fn new(client: Client) -> Result<Self, PlatformError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Ok(Self {
            client,
            runtime: Some(runtime.map_err(PlatformError::start)?),
        })
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Makes a request, and waits for the answer.
    ///
    /// # Errors
    ///
    /// As for the request.
    pub fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Client) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        let runtime = self.runtime.as_ref();
        let runtime = runtime.ok_or_else(|| PlatformError::start("it has ended"))?;
        runtime.block_on(async {
            // Let connections that were closed since the last request notice it before one of them is used.
            tokio::task::yield_now().await;
            question(&self.client).await
        })
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        // An asynchronous program may drop it where blocking is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn send(request: RequestBuilder, timeout: Duration) -> Result<Response, PlatformError> {
    let request = request.header(ACCEPT, "application/json").timeout(timeout);
    request.send().await.map_err(failed)
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

/// An error of the transport. Its text has no headers, and not the address, which is long and known.
fn failed(error: reqwest::Error) -> PlatformError {
    if error.is_timeout() {
        return PlatformError::Timeout;
    }
    PlatformError::Unreachable(Cause::new(error.without_url()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(token: &str) -> Result<Client, PlatformError> {
        let address = Address::parse("http://127.0.0.1:9").unwrap();
        Client::new(address, token.parse().unwrap(), Timeouts::default())
    }

    #[test]
    fn the_token_is_shown_nowhere() {
        let good = client("fty_live_acme_hunter2").unwrap();
        let shown = format!("{good:?}");
        let shown = format!("{shown} {:?}", Blocking::new(good).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        let error = client("fty_live_acme_hunter2\n").unwrap_err();
        assert!(matches!(error, PlatformError::Start(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn what_failed_says_why_once_and_keeps_its_cause() {
        let client = Blocking::new(client("fty_live_acme_AA").unwrap()).unwrap();
        let error = client
            .ask(async |client| client.bans(None).await)
            .unwrap_err();
        let PlatformError::Unreachable(cause) = &error else {
            panic!("{error}");
        };
        let said = cause.to_string();
        assert!(
            said.contains("refused") && !said.contains("127.0.0.1:9/"),
            "{said}"
        );
        assert!(cause.get().is::<reqwest::Error>());
    }
}
