//! One attempt to give an event to the platform.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header, redirect};

use super::{DeliveryError, DeliveryOptions, Problem};

/// Sends events.
pub(super) struct Sender {
    client: Client,
    url: Url,
    key: header::HeaderValue,
}

/// What one answer means.
#[derive(Debug)]
pub(super) enum Answer {
    /// The platform has the event.
    Taken,
    /// It did not take it.
    Failed(Failure),
}

/// Why the platform did not take an event.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) problem: Problem,
    /// Whether it says that it never will: 400, 413, 422. Only an answer to some events says that about these events; one to all of them says
    /// that something stands in the way.
    pub(super) is_final: bool,
    /// It asks to be left alone for so long.
    pub(super) at_least: Duration,
}

impl Sender {
    pub(super) fn new(options: &DeliveryOptions) -> Result<Self, DeliveryError> {
        let refused = |reason: &str| DeliveryError::Url {
            url: options.shown_url(),
            reason: reason.to_owned(),
        };
        let url = format!("{}/v1/audit/decisions", options.url.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| refused(&error.to_string()))?;
        let is_here = match url.host_str() {
            Some("localhost" | "127.0.0.1" | "[::1]") => true,
            Some(_) => false,
            None => return Err(refused("it names no host")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(
                "it has a user or a password in it, which addresses show; the token alone says who delivers",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("it has more than a host and a path"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_here => {}
            "http" => {
                return Err(refused(
                    "without TLS the token and the arguments could be read on the way; use `https:`",
                ));
            }
            _ => return Err(refused("it is neither `https:` nor `http:`")),
        }
        let mut key = header::HeaderValue::from_str(&format!("Bearer {}", options.key))
            .map_err(|_| refused("the token has characters that no token has"))?;
        key.set_sensitive(true);
        let mut client = Client::builder();
        if is_here {
            // Through a proxy it would leave this machine.
            client = client.no_proxy();
        }
        let client = client
            .timeout(options.timeout)
            // A token is for whom it was given to.
            .redirect(redirect::Policy::none())
            .user_agent(concat!(
                env!("CARGO_PKG_NAME"),
                "/",
                env!("CARGO_PKG_VERSION")
            ))
            .build()
            .map_err(|error| refused(&error.to_string()))?;
        Ok(Self { client, url, key })
    }

    /// Sends an event, once.
    pub(super) async fn post(&self, event: String) -> Answer {
        let answer = self
            .client
            .post(self.url.clone())
            .header(header::AUTHORIZATION, self.key.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(event)
            .send()
            .await;
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Problem::transport(error).into(),
        };
        let status = answer.status();
        let header = |name| answer.headers().get(name)?.to_str().ok();
        let at_least = header(header::RETRY_AFTER).and_then(|value| value.parse().ok());
        let at_least = Duration::from_secs(at_least.unwrap_or_default()).min(LONGEST_DEMAND);
        let is_page = header(header::CONTENT_TYPE).is_some_and(|it| {
            let kind = it.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("text/html")
        });
        // So that the connection can be used again; an answer that goes on and on ends it.
        let mut read = 0;
        while read < ANSWER_BYTES
            && let Ok(Some(part)) = answer.chunk().await
        {
            read += part.len();
        }
        match status {
            // It has the event already.
            StatusCode::CONFLICT => Answer::Taken,
            _ if status.is_success() && !is_page => Answer::Taken,
            _ => Answer::Failed(Failure {
                problem: if status.is_success() {
                    Problem::page(status)
                } else {
                    Problem::status(status)
                },
                is_final: matches!(
                    status,
                    StatusCode::BAD_REQUEST
                        | StatusCode::PAYLOAD_TOO_LARGE
                        | StatusCode::UNPROCESSABLE_ENTITY
                ),
                at_least,
            }),
        }
    }
}

impl Failure {
    /// Whether the event might be taken if it were smaller.
    pub(super) fn is_about_size(&self) -> bool {
        self.problem.status == Some(StatusCode::PAYLOAD_TOO_LARGE.as_u16())
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self::Failed(Failure {
            problem,
            is_final: false,
            at_least: Duration::ZERO,
        })
    }
}

impl Problem {
    fn status(status: StatusCode) -> Self {
        Self {
            status: Some(status.as_u16()),
            reason: format!("it answers {status}"),
        }
    }

    /// Some firewalls and portals say with a page and a good status that they let nothing through.
    fn page(status: StatusCode) -> Self {
        Self {
            status: Some(status.as_u16()),
            reason: format!(
                "it answers {status} with a page for people, so something else than the platform answered"
            ),
        }
    }

    fn transport(error: reqwest::Error) -> Self {
        let is_timeout = error.is_timeout();
        // Without the address: it says nothing new, and is long.
        let error = error.without_url();
        let mut reason = if is_timeout {
            "it does not answer in time".to_owned()
        } else {
            error.to_string()
        };
        let mut cause = std::error::Error::source(&error).filter(|_| !is_timeout);
        while let Some(next) = cause {
            reason.push_str(&format!(": {next}"));
            cause = next.source();
        }
        Self {
            status: None,
            reason,
        }
    }
}

/// As much of an answer is read as a platform has reason to say.
const ANSWER_BYTES: usize = 64 << 10;
/// A platform that asks for more patience than this is asked again.
const LONGEST_DEMAND: Duration = Duration::from_secs(300);
