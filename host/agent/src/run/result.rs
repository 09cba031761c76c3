//! What came of a tool, as the model reads it.

use serde_json::{Value, json};

use super::call::first_line;
use crate::message::CallState;
use crate::tool::{ToolError, ToolOutput};

/// What is given back for a call.
pub(super) struct Given {
    pub(super) state: CallState,
    /// What the model reads.
    pub(super) content: String,
    /// A line for people.
    pub(super) summary: Option<String>,
    /// A short stable name for the kind of failure.
    pub(super) error: Option<&'static str>,
    /// The result as a value, if the tool gave one.
    pub(super) value: Option<Value>,
}

impl Given {
    /// A failure of the runtime's: the model reads this.
    pub(super) fn failure(error: &'static str, content: String) -> Self {
        Self {
            state: CallState::Failed,
            summary: Some(first_line(&content)),
            content,
            error: Some(error),
            value: None,
        }
    }

    /// What a tool answered. Longer results are cut.
    pub(super) fn of(result: Result<ToolOutput, ToolError>, most: usize) -> Self {
        match result {
            Ok(output) => Self::of_output(output, most),
            Err(error) => {
                let mut members = json!({
                    "type": error.kind,
                    "message": error.message,
                    "retryable": error.retryable,
                });
                if let (Some(status), Value::Object(members)) = (error.status, &mut members) {
                    members.insert("status_code".to_owned(), status.into());
                }
                let value = json!({"ok": false, "error": members});
                Self {
                    state: CallState::Failed,
                    content: cut(value.to_string(), most),
                    summary: Some(first_line(&error.message)),
                    error: Some(error.kind),
                    value: Some(value),
                }
            }
        }
    }

    fn of_output(output: ToolOutput, most: usize) -> Self {
        let ToolOutput { value, summary } = output;
        // Tools of the Python system say so in their answer.
        let has_failed = value.get("ok") == Some(&Value::Bool(false));
        let content = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let told = || value.pointer("/error/message").and_then(Value::as_str);
        let summary = summary
            .map(|summary| first_line(&summary))
            .or_else(|| has_failed.then(told).flatten().map(first_line))
            .unwrap_or_else(|| first_line(&content));
        let is_cut = content.len() > most;
        let content = cut(content, most);
        Self {
            state: if has_failed {
                CallState::Failed
            } else {
                CallState::Completed
            },
            summary: Some(summary),
            error: has_failed.then_some("tool"),
            // What nobody reads is not kept either.
            value: Some(if is_cut {
                Value::from(content.as_str())
            } else {
                value
            }),
            content,
        }
    }
}

/// The beginning of a text that is too long, and that it is.
fn cut(mut text: String, most: usize) -> String {
    let whole = text.len();
    if whole <= most {
        return text;
    }
    let end = text.floor_char_boundary(most);
    text.truncate(end);
    text.push_str(&format!(
        "\n[cut: the result has {whole} bytes, the first {end} are shown]"
    ));
    text
}
