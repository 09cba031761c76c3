//! One event on its way to the platform, for as long as it takes.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, StatusCode, Url, header, redirect};

use super::{DeliveryError, DeliveryOptions, Problem, Progress, event};

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The platform has its event.
    Taken,
    /// The platform will never take its event.
    Refused,
    /// It has none.
    Nothing,
}

/// Sends events.
pub(super) struct Sender {
    client: Client,
    url: Url,
    key: header::HeaderValue,
    shortest: Duration,
    longest: Duration,
    progress: Arc<Progress>,
}

/// What one answer means.
enum Answer {
    Taken,
    TooLarge,
    Never(StatusCode),
    /// Again later; after so long at least, if the platform said so.
    Later(Problem, Option<Duration>),
}

impl Sender {
    pub(super) fn new(
        options: &DeliveryOptions,
        progress: Arc<Progress>,
    ) -> Result<Self, DeliveryError> {
        let refused = |reason: &str| DeliveryError::Url {
            url: options.url.clone(),
            reason: reason.to_owned(),
        };
        let url = format!("{}/v1/audit/decisions", options.url.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| refused(&error.to_string()))?;
        let is_here = match url.host_str() {
            Some("localhost" | "127.0.0.1" | "[::1]") => true,
            Some(_) => false,
            None => return Err(refused("it names no host")),
        };
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(DeliveryError::Url {
                // What stands before the host can be a secret.
                url: url.host_str().unwrap_or_default().to_owned(),
                reason: "it has more than a host and a path".to_owned(),
            });
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
        Ok(Self {
            client,
            url,
            key,
            shortest: options.shortest_wait,
            longest: options.longest_wait.max(options.shortest_wait),
            progress,
        })
    }

    /// Sends an event until the platform takes it or says that it never will.
    pub(super) async fn send(&self, event: String) -> Sent {
        let mut event = event;
        let mut wait = self.shortest;
        let mut is_whole = true;
        let mut attempt: u64 = 0;
        loop {
            attempt += 1;
            match self.post(&event).await {
                Answer::Taken => {
                    self.progress.meets(None);
                    return Sent::Taken;
                }
                Answer::TooLarge if is_whole => {
                    is_whole = false;
                    let Some(smaller) = event::without_arguments(&event) else {
                        return Sent::Refused;
                    };
                    event = smaller;
                }
                Answer::TooLarge => {
                    self.refused(StatusCode::PAYLOAD_TOO_LARGE);
                    tracing::error!(
                        "the platform finds an audit event too large even without its arguments; it stays in the log"
                    );
                    return Sent::Refused;
                }
                Answer::Never(status) => {
                    self.refused(status);
                    tracing::error!(%status, "the platform refuses an audit event; it stays in the log");
                    return Sent::Refused;
                }
                Answer::Later(problem, at_least) => {
                    if attempt.is_power_of_two() {
                        tracing::warn!(reason = %problem.reason, attempt, "the platform does not take an audit event; it is sent again");
                    }
                    self.progress.meets(Some(problem));
                    let pause = at_least
                        .unwrap_or_default()
                        .min(LONGEST_DEMAND)
                        .max(jittered(wait));
                    tokio::time::sleep(pause).await;
                    wait = (wait * 2).min(self.longest);
                }
            }
        }
    }

    fn refused(&self, status: StatusCode) {
        self.progress.meets(Some(Problem::status(status)));
    }

    async fn post(&self, event: &str) -> Answer {
        let answer = self
            .client
            .post(self.url.clone())
            .header(header::AUTHORIZATION, self.key.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(event.to_owned())
            .send()
            .await;
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Answer::Later(Problem::transport(error), None),
        };
        let status = answer.status();
        let at_least = answer
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
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
            StatusCode::PAYLOAD_TOO_LARGE => Answer::TooLarge,
            // These are about this event.
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Answer::Never(status),
            _ if status.is_success() => Answer::Taken,
            // All others are about the token, the address or the platform, which somebody can put right.
            _ => Answer::Later(Problem::status(status), at_least),
        }
    }
}

impl Problem {
    fn status(status: StatusCode) -> Self {
        Self {
            status: Some(status.as_u16()),
            reason: format!("it answers {status}"),
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

/// Up to a half less, so that many hosts do not come back at the same moment.
fn jittered(wait: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    wait - wait.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}

/// As much of an answer is read as a platform has reason to say.
const ANSWER_BYTES: usize = 64 << 10;
/// A platform that asks for more patience than this is asked again.
const LONGEST_DEMAND: Duration = Duration::from_secs(300);
