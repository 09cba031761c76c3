//! Work that waits for the disk, beside the tasks that must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hexgate_agent::tool::ToolError;

/// Whether the run that a call belongs to was cancelled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// Whether nobody waits for the call's answer any more.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails if nobody waits for the answer: the last look before something is changed.
    pub(crate) fn check(&self) -> Result<(), ToolError> {
        if self.is_set() {
            Err(ToolError::new("cancelled", "the call was cancelled"))
        } else {
            Ok(())
        }
    }
}

/// Says that a call is cancelled when its future is dropped.
struct Waits(Cancelled);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Runs work that blocks. If the future is dropped the work is told so; what it has begun it undoes.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce(&Cancelled) -> Result<T, ToolError> + Send + 'static,
) -> Result<T, ToolError> {
    let waits = Waits(Cancelled::default());
    let cancelled = waits.0.clone();
    let done = tokio::task::spawn_blocking(move || {
        cancelled.check()?;
        work(&cancelled)
    });
    match done.await {
        Ok(result) => result,
        Err(error) => Err(ToolError::new(
            "internal",
            format!("the tool stopped by mistake: {error}"),
        )),
    }
}
