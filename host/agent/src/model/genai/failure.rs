//! What a failed request means, in words that hold no key.

use std::error::Error;
use std::string::FromUtf8Error;
use std::time::{Duration, SystemTime};

use ::genai::webc::StreamTimeout;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::address::Address;
use super::read::Broken;
use crate::model::key::Key;
use crate::model::name::ModelName;
use crate::model::{ModelError, ModelErrorKind};

/// How much of what a provider says is shown.
const SHOWN: usize = 300;
/// The longest wait that a provider can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Who is asked, for messages.
pub(super) struct Who {
    provider: &'static str,
    model: String,
    host: String,
    variable: Option<String>,
    key: Option<Key>,
}

impl Who {
    pub(super) fn new(name: &ModelName, address: Address) -> Self {
        Self {
            provider: name.provider.name(),
            model: name.name.clone(),
            host: address.url.host_str().unwrap_or_default().to_owned(),
            variable: address.variable,
            key: address.key,
        }
    }

    /// A message that begins with who it is.
    pub(super) fn says(&self, what: &str) -> String {
        format!("`{}` at {} {what}", self.provider, self.host)
    }

    pub(super) fn broke_off(&self) -> ModelError {
        self.error(
            ModelErrorKind::Interrupted,
            "broke off its answer; ask again",
        )
    }

    /// What the answer itself says is wrong.
    pub(super) fn broken(&self, broken: Broken) -> ModelError {
        match broken {
            Broken::Garbage(what) => self.error(
                ModelErrorKind::Garbage,
                &format!("sends what is no answer in its protocol: {what}"),
            ),
            Broken::Reported { code, message } => {
                let code = code.as_str();
                let kind = match code {
                    "rate_limit_error" | "rate_limit_exceeded" | "RESOURCE_EXHAUSTED" | "429" => {
                        ModelErrorKind::RateLimited
                    }
                    "authentication_error"
                    | "permission_error"
                    | "invalid_api_key"
                    | "401"
                    | "403" => ModelErrorKind::Unauthorized,
                    "invalid_request_error" | "INVALID_ARGUMENT" | "insufficient_quota" | "400" => {
                        ModelErrorKind::Refused
                    }
                    _ => ModelErrorKind::Unavailable,
                };
                let message = match kind {
                    ModelErrorKind::Unauthorized => None,
                    _ => self.shown(&message),
                };
                self.error(kind, &with("fails in its answer", message.as_deref()))
            }
        }
    }

    /// An error of the client that ends the answer. What it makes of a piece does not: the pieces are read here.
    pub(super) fn fatal(&self, error: &::genai::Error, began: bool) -> Option<ModelError> {
        use ::genai::Error as E;
        match error {
            E::HttpError { .. } | E::WebStream { .. } | E::WebModelCall { .. } => {
                Some(self.failure(error, began))
            }
            _ => None,
        }
    }

    pub(super) fn failure(&self, error: &::genai::Error, began: bool) -> ModelError {
        use ::genai::Error as E;
        match error {
            E::HttpError {
                status,
                body,
                headers,
                ..
            } => self.status(*status, body, headers),
            // A status is wrapped like what the network does.
            E::WebStream { error, .. } => match error.downcast_ref::<E>() {
                Some(inner) => self.failure(inner, began),
                None => self.network(error.as_ref(), began),
            },
            E::WebModelCall { .. } => self.error(
                ModelErrorKind::Unavailable,
                "cannot be asked: the request could not be made",
            ),
            _ => self.error(
                ModelErrorKind::Refused,
                "cannot be asked this: the conversation does not fit its protocol",
            ),
        }
    }

    fn status(&self, status: StatusCode, body: &str, headers: &HeaderMap) -> ModelError {
        let (code, said) = reported(body);
        let said = said.and_then(|said| self.shown(&said));
        let code = code.as_str();
        let number = status.as_u16();
        let (kind, what) = match number {
            // What is said of a key may show a part of it.
            401 | 403 => (
                ModelErrorKind::Unauthorized,
                match &self.variable {
                    Some(variable) => {
                        format!("does not accept the key ({number}); check `{variable}`")
                    }
                    None => format!("asks for a key ({number}), and no variable holds one for it"),
                },
            ),
            429 if matches!(code, "insufficient_quota" | "billing_hard_limit_reached") => (
                ModelErrorKind::Refused,
                with("has no credit left for this key (429)", said.as_deref()),
            ),
            429 => (
                ModelErrorKind::RateLimited,
                with("asks to wait (429)", said.as_deref()),
            ),
            408 | 500..=599 => (
                ModelErrorKind::Unavailable,
                with(&format!("fails ({number})"), said.as_deref()),
            ),
            300..=399 => (
                ModelErrorKind::Configuration,
                format!(
                    "sends the request elsewhere ({number}), where it does not follow: name the right address"
                ),
            ),
            404 => (
                ModelErrorKind::Configuration,
                with(
                    &format!(
                        "knows no model `{}`, or the address is wrong (404)",
                        self.model
                    ),
                    said.as_deref(),
                ),
            ),
            _ => (
                ModelErrorKind::Refused,
                with(&format!("refuses the request ({number})"), said.as_deref()),
            ),
        };
        let mut error = self.error(kind, &what);
        if matches!(
            kind,
            ModelErrorKind::RateLimited | ModelErrorKind::Unavailable
        ) {
            error.retry_after = retry_after(headers, SystemTime::now());
        }
        error
    }

    /// What the network did. Texts of the client show addresses; none is passed on.
    fn network(&self, error: &(dyn Error + 'static), began: bool) -> ModelError {
        if error.is::<FromUtf8Error>() {
            return self.error(
                ModelErrorKind::Garbage,
                "sends what is no answer in its protocol: it is not UTF-8",
            );
        }
        if began {
            return self.broke_off();
        }
        let http = error.downcast_ref::<reqwest::Error>();
        if error.is::<StreamTimeout>() || http.is_some_and(reqwest::Error::is_timeout) {
            return self.error(ModelErrorKind::Unavailable, "did not answer in time");
        }
        self.error(
            ModelErrorKind::Unavailable,
            match http.is_some_and(reqwest::Error::is_connect) {
                true => "cannot be reached: is the address right, and is it running?",
                false => "broke the connection before it answered",
            },
        )
    }

    fn error(&self, kind: ModelErrorKind, what: &str) -> ModelError {
        ModelError::new(kind, self.says(what))
    }

    /// What a provider says, on one line and without the key.
    fn shown(&self, said: &str) -> Option<String> {
        let line: String = said
            .chars()
            .take(4 * SHOWN)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let clean = match &self.key {
            Some(key) => key.scrub(&line),
            None => line,
        };
        let clean = clean.trim();
        let mut shown: String = clean.chars().take(SHOWN).collect();
        if shown.len() < clean.len() {
            shown.push('…');
        }
        (!shown.is_empty()).then_some(shown)
    }
}

fn with(what: &str, said: Option<&str>) -> String {
    match said {
        Some(said) => format!("{what}: {said}"),
        None => what.to_owned(),
    }
}

/// The code and the message of an error that a provider reports. Pages of proxies have neither.
fn reported(body: &str) -> (String, Option<String>) {
    let Ok(body) = serde_json::from_str::<Value>(body) else {
        return Default::default();
    };
    // Gemini puts it into a list.
    let body = body.get(0).unwrap_or(&body);
    let error = body.get("error").unwrap_or(body);
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    (
        ["code", "type", "status"]
            .into_iter()
            .find_map(text)
            .unwrap_or_default()
            .to_owned(),
        error
            .as_str()
            .or_else(|| text("message"))
            .map(str::to_owned),
    )
}

/// The wait that a provider asks for: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(now)
            .unwrap_or(Duration::ZERO),
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_read_as_seconds_or_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let date = httpdate::fmt_http_date(now + Duration::from_secs(90));
        let past = httpdate::fmt_http_date(now - Duration::from_secs(90));
        for (text, wait) in [
            ("7", Some(Duration::from_secs(7))),
            ("0.5", Some(Duration::from_millis(500))),
            (date.as_str(), Some(Duration::from_secs(90))),
            (past.as_str(), Some(Duration::ZERO)),
            ("1e300", None),
            ("99999999999", Some(LONGEST_WAIT)),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), wait, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
