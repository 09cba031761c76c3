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

    /// The wait before the next request, after so many have failed. None: it would not help, or is too long.
    fn wait(&self, failed: u32, error: &ModelError) -> Option<Duration> {
        let again = matches!(
            error.kind,
            ModelErrorKind::RateLimited | ModelErrorKind::Unavailable
        );
        again
            .then(|| self.retries.wait(failed, error.retry_after))
            .flatten()
    }
}

#[async_trait]
impl Model for Retrying {
    fn id(&self) -> &ModelId {
        self.model.id()
    }

    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let mut failed = 0;
        loop {
            let error = match self.model.respond(request.clone()).await {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
            failed += 1;
            match self.wait(failed, &error) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
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
