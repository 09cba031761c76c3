//! A token as it was granted.

use std::time::{SystemTime, UNIX_EPOCH};

use rmcp::transport::auth::OAuthTokenResponse;
use serde::Deserialize;

use super::Secret;

/// How long before its end a token is not used any more, in seconds.
const MARGIN: u64 = 30;
/// The longest token, in bytes.
const MAX_BYTES: usize = 16 << 10;

/// A token, and until when it is used.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    /// In seconds since 1970. None: until it is refused.
    pub(crate) until: Option<u64>,
    /// What it is for.
    pub(crate) scopes: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Secret,
    token_type: String,
    refresh_token: Option<Secret>,
    expires_in: Option<u64>,
}

impl Grant {
    /// What an authorization server answered. The error is a reason for a message, and shows nothing of it.
    pub(crate) fn of(answer: &OAuthTokenResponse, scopes: Vec<String>) -> Result<Self, String> {
        let answer = serde_json::to_value(answer)
            .and_then(serde_json::from_value::<Answer>)
            .map_err(|_| "the authorization server granted no token")?;
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err("the authorization server granted a token of a kind that is not known here: `Bearer` is".to_owned());
        }
        let text = answer.access_token.text();
        let is_token = (1..=MAX_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_token {
            return Err(format!(
                "the authorization server granted a token that is empty, longer than {MAX_BYTES} bytes, or has characters that tokens cannot have"
            ));
        }
        let until = answer
            .expires_in
            .map(|seconds| now().saturating_add(seconds - MARGIN.min(seconds / 2)));
        Ok(Self {
            access: answer.access_token,
            refresh: answer.refresh_token,
            until,
            scopes,
        })
    }

    /// Whether it is not used any more.
    pub(crate) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until <= now())
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
