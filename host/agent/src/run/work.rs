//! What belongs to a piece of a run while it goes on.

use std::future::Future;

use super::Run;
use crate::observe::Work;

impl Run<'_> {
    /// Has a future go on within what the observers say of this work.
    #[cfg(feature = "opentelemetry")]
    pub(super) async fn within<F: Future>(&self, work: Work<'_>, future: F) -> F::Output {
        use opentelemetry::context::FutureExt;

        match self.sink.context(&self.info, work) {
            Some(context) => future.with_context(context).await,
            None => future.await,
        }
    }

    /// Nobody says anything of it: spans are a feature.
    #[cfg(not(feature = "opentelemetry"))]
    pub(super) async fn within<F: Future>(&self, _: Work<'_>, future: F) -> F::Output {
        future.await
    }
}
