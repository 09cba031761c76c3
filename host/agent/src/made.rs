//! What the attribute [`tool`](macro@crate::tool) makes use of. Not for others: it changes with the attribute.

use serde::Serialize;

pub use async_trait::async_trait;
pub use hexgate_enforce::Permit;
use hexgate_enforce::scope;
pub use schemars;
pub use serde;

pub use crate::tool::arguments;
use crate::tool::{ToolError, ToolOutput, ToolSpec, schema};

/// What models and policies know of a tool with arguments of a type.
#[must_use]
pub fn spec<T: schemars::JsonSchema>(name: &str, description: &str) -> ToolSpec {
    ToolSpec::new(name, description, schema::<T>())
}

/// Runs a tool that may block its thread, on a thread for that: with the caller that is in scope here, and within the span of here.
///
/// If the future is dropped, its answer is; the function itself goes on until it returns, as no thread can be ended from outside. Needs the
/// runtime of tokio.
///
/// # Errors
///
/// Those of the tool; `cancelled` if the runtime ends before the tool has begun.
///
/// # Panics
///
/// If the tool does.
pub async fn blocking(
    run: impl FnOnce() -> Result<ToolOutput, ToolError> + Send + 'static,
) -> Result<ToolOutput, ToolError> {
    let span = tracing::Span::current();
    let run = scope::carry_sync(move || span.in_scope(run));
    match tokio::task::spawn_blocking(run).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(ToolError::new(
                "cancelled",
                "The call was cancelled before it began.",
            )),
        },
    }
}

/// What a tool answers.
pub trait Answer {
    /// As JSON.
    ///
    /// # Errors
    ///
    /// It cannot be written as JSON.
    fn output(self) -> Result<ToolOutput, ToolError>;
}

impl<T: Serialize> Answer for T {
    fn output(self) -> Result<ToolOutput, ToolError> {
        serde_json::to_value(self)
            .map(ToolOutput::new)
            .map_err(|error| ToolError::new("answer", format!("The answer is no JSON: {error}.")))
    }
}

impl Answer for ToolOutput {
    fn output(self) -> Result<ToolOutput, ToolError> {
        Ok(self)
    }
}

/// What a tool answers, as JSON.
///
/// # Errors
///
/// It cannot be written as JSON.
pub fn answer<T: Answer>(answer: T) -> Result<ToolOutput, ToolError> {
    answer.output()
}
