//! Trying again what failed for a reason that passes.

use std::future::Future;
use std::time::Duration;

use hexgate_agent::tool::ToolError;
use tokio::time::sleep;

/// How often something is tried, and how long is waited in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// How often in all. Default: 3.
    pub attempts: u32,
    /// How long before the second attempt; twice as long before each further one. Default: 1 second.
    pub delay: Duration,
    /// The longest time that a server can make us wait. Default: 10 seconds.
    pub most: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 3,
            delay: Duration::from_secs(1),
            most: Duration::from_secs(10),
        }
    }
}

/// A failure, and how long the server wants to be left alone.
pub(crate) struct Failed {
    pub(crate) error: ToolError,
    pub(crate) after: Option<Duration>,
}

impl From<ToolError> for Failed {
    fn from(error: ToolError) -> Self {
        Self { error, after: None }
    }
}

/// Tries until it works, fails for good, or was tried often enough.
pub(crate) async fn retry<T, F>(
    retries: &Retries,
    mut attempt: impl FnMut() -> F,
) -> Result<T, ToolError>
where
    F: Future<Output = Result<T, Failed>>,
{
    let mut delay = retries.delay;
    let mut left = retries.attempts.max(1);
    loop {
        left -= 1;
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(failed) if !failed.error.retryable || left == 0 => return Err(failed.error),
            Err(failed) => {
                // A server that wants to be left alone for long is: the model is told.
                if failed.after.is_some_and(|after| after > retries.most) {
                    return Err(failed.error);
                }
                sleep(failed.after.unwrap_or(delay).min(retries.most)).await;
                delay = delay.saturating_mul(2);
            }
        }
    }
}

/// The seconds of a header `Retry-After`. Dates are left out.
pub(crate) fn retry_after(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// A status that may be another one later.
pub(crate) fn passes(status: reqwest::StatusCode) -> bool {
    status == reqwest::StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}
