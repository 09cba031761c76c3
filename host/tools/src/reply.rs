//! What built-in tools have in common: how they answer.

use hexgate_agent::tool::{ToolError, ToolOutput};
use serde::Serialize;
use serde_json::Value;

/// The answer of a tool: the members of `answer`, and `"ok": true`.
pub(crate) fn ok(answer: impl Serialize) -> Result<ToolOutput, ToolError> {
    match serde_json::to_value(answer) {
        Ok(Value::Object(mut members)) => {
            members.insert("ok".to_owned(), Value::Bool(true));
            Ok(ToolOutput::new(members))
        }
        other => Err(ToolError::new(
            "internal",
            format!("the tool's answer is not an object: {other:?}"),
        )),
    }
}

/// A number and its noun: `1 line`, `2 lines`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
