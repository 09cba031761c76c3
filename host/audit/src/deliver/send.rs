//! One event on its way to the platform, for as long as it takes.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header, redirect};

use super::{DeliveryError, DeliveryOptions, event};

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
}

/// What one answer means.
enum Answer {
    Taken,
    TooLarge,
    Never(StatusCode),
    /// Again later; after so long at least, if the platform said so.
    Later(String, Option<Duration>),
}

impl Sender {
    pub(super) fn new(options: &DeliveryOptions) -> Result<Self, DeliveryError> {
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
        let client = Client::builder()
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
                Answer::Taken => return Sent::Taken,
                Answer::TooLarge if is_whole => {
                    is_whole = false;
                    let Some(smaller) = event::without_arguments(&event) else {
                        return Sent::Refused;
                    };
                    event = smaller;
                }
                Answer::TooLarge => {
                    tracing::error!(
                        "the platform finds an audit event too large even without its arguments; it stays in the log"
                    );
                    return Sent::Refused;
                }
                Answer::Never(status) => {
                    tracing::error!(%status, "the platform refuses an audit event; it stays in the log");
                    return Sent::Refused;
                }
                Answer::Later(reason, at_least) => {
                    if attempt.is_power_of_two() {
                        tracing::warn!(%reason, attempt, "the platform does not take an audit event; it is sent again");
                    }
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
        let answer = match answer {
            Ok(answer) => answer,
            // Without the address: it says nothing new, and is long.
            Err(error) => return Answer::Later(error.without_url().to_string(), None),
        };
        let status = answer.status();
        let at_least = answer
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        // So that the connection can be used again.
        let _ = answer.bytes().await;
        match status {
            // It has the event already.
            StatusCode::CONFLICT => Answer::Taken,
            StatusCode::PAYLOAD_TOO_LARGE => Answer::TooLarge,
            // These are about this event.
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Answer::Never(status),
            _ if status.is_success() => Answer::Taken,
            // All others are about the token, the address or the platform, which somebody can put right.
            _ => Answer::Later(status.to_string(), at_least),
        }
    }
}

/// Up to a half less, so that many hosts do not come back at the same moment.
fn jittered(wait: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    wait - wait.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}

/// A platform that asks for more patience than this is asked again.
const LONGEST_DEMAND: Duration = Duration::from_secs(300);
