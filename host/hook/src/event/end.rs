//! How a call ended, and which one it was.

use std::time::Duration;

use hexgate_base::Digest;
use serde_json::Value;

use crate::agent::Agent;
use crate::json::Object;

/// The most bytes of an agent's own id of a call.
const MOST_ID_BYTES: usize = 256;
/// What agents call the result of a call, or its error.
const RESULTS: &[&str] = &[
    "tool_response",
    "tool_output",
    "toolResult",
    "result_json",
    "output",
    "error",
    "error_message",
];

/// How a call ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) failed: bool,
    /// The result as the agent tells it: its JSON text. None: it does not.
    pub(crate) result: Option<String>,
    /// How long the tool ran. None: the agent does not tell.
    pub(crate) took: Option<Duration>,
}

impl End {
    /// Reads an event. `failed` is what its name says.
    pub(super) fn read(object: &Object, failed: bool) -> Self {
        let result = RESULTS.iter().find_map(|name| object.get(name));
        let result = result.map(|it| it.get().to_owned());
        let milliseconds = ["duration_ms", "duration"]
            .iter()
            .find_map(|name| object.get(name))
            .and_then(|it| serde_json::from_str::<f64>(it.get()).ok());
        Self {
            failed: failed || result.as_deref().is_some_and(says_failure),
            result,
            took: milliseconds.and_then(|it| Duration::try_from_secs_f64(it / 1000.0).ok()),
        }
    }
}

/// Whether a result says itself that the call failed: Gemini CLI has an `error` in it, Copilot a `resultType`.
fn says_failure(result: &str) -> bool {
    let Ok(Value::Object(result)) = serde_json::from_str(result) else {
        return false;
    };
    let kind = result.get("resultType").and_then(Value::as_str);
    result.get("error").is_some_and(|error| !error.is_null())
        || kind.is_some_and(|kind| kind != "success")
}

/// What tells a call from others, before it and after it: the agent's own id, or where it has none a digest of the tool and its arguments, which
/// several calls can share.
pub(super) fn key(agent: Agent, event: &str, object: &Object) -> Option<String> {
    let is_shell = matches!(event, "beforeShellExecution" | "afterShellExecution");
    let is_server = matches!(event, "beforeMCPExecution" | "afterMCPExecution");
    if let Ok(Some(id)) = object.text("tool_use_id")
        && !is_shell
        && !is_server
    {
        return (id.len() <= MOST_ID_BYTES).then(|| format!("id {id}"));
    }
    let named = |tool: &str, input: &str| {
        Some((object.text(tool).ok()??, value(object.get(input)?.get())?))
    };
    let (tool, input) = match agent {
        Agent::Cursor if is_shell => ("Shell".to_owned(), value(object.get("command")?.get())?),
        Agent::Copilot if object.has("toolName") => named("toolName", "toolArgs")?,
        _ => named("tool_name", "tool_input")?,
    };
    let digest = Digest::of(format!("{tool}\0{input}").as_bytes());
    Some(format!("digest {digest}"))
}

/// A value in one spelling. Arguments that are the text of an object count as that object.
fn value(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    Some(match &value {
        Value::String(inner) => match serde_json::from_str(inner) {
            Ok(object @ Value::Object(_)) => object,
            _ => value,
        },
        _ => value,
    })
}
