//! Trying again what failed for a reason that passes.

use std::future::Future;
use std::time::Duration;

use hexgate_agent::retry::Retries;
use hexgate_agent::tool::ToolError;
use tokio::time::sleep;

/// How often a server is asked if nobody says: three times, and it makes a call wait for ten seconds at most.
pub(crate) fn usual() -> Retries {
    Retries::default()
        .attempts(3)
        .longest_wait(Duration::from_secs(10))
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
    let mut attempts = 0;
    loop {
        let failed = match attempt().await {
            Ok(done) => return Ok(done),
            Err(failed) => failed,
        };
        attempts += 1;
        // A server that wants to be left alone for long is: the model is told.
        let wait = retries.wait(attempts, failed.after);
        match wait.filter(|_| failed.error.retryable) {
            Some(wait) => sleep(wait).await,
            None => return Err(failed.error),
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
