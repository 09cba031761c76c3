//! Making a failed request again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Model, ModelError, ModelErrorKind, ModelId, ModelRequest, ModelStream, Retries};

/// A model whose failed requests are made again, as long as nothing of the answer has been delivered.
pub struct Retrying {
    model: Arc<dyn Model>,
    retries: Retries,
}

impl Retrying {
    /// Retries what this model's [`respond`](Model::respond) fails with.
    #[must_use]
    pub fn new(model: Arc<dyn Model>, retries: Retries) -> Self {
        Self { model, retries }
    }

    /// The wait before the next request. None: it would not help, or is too long.
    fn wait(&self, error: &ModelError, wait: Duration) -> Option<Duration> {
        let again = matches!(
            error.kind,
            ModelErrorKind::RateLimited | ModelErrorKind::Unavailable
        );
        if !again {
            return None;
        }
        match error.retry_after {
            Some(asked) => (asked <= self.retries.longest_wait).then_some(asked),
            None => Some(jittered(wait)),
        }
    }
}

#[async_trait]
impl Model for Retrying {
    fn id(&self) -> &ModelId {
        self.model.id()
    }

    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let mut wait = self.retries.first_wait.min(self.retries.longest_wait);
        for _ in 1..self.retries.attempts {
            match self.model.respond(request.clone()).await {
                Ok(stream) => return Ok(stream),
                Err(error) => match self.wait(&error, wait) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(error),
                },
            }
            wait = wait.saturating_mul(2).min(self.retries.longest_wait);
        }
        self.model.respond(request).await
    }
}

impl fmt::Debug for Retrying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retrying")
            .field("model", self.model.id())
            .field("retries", &self.retries)
            .finish()
    }
}

/// The time less a random part, up to a half: runs that failed together do not retry together.
fn jittered(wait: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    wait - wait.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}
