//! What built-in tools have in common: how they read arguments, answer and say what failed.

use hexgate_agent::tool::{ToolError, ToolOutput};
use hexgate_enforce::Permit;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The arguments that were decided, as the tool knows them.
pub(crate) fn arguments<T: DeserializeOwned>(permit: &Permit) -> Result<T, ToolError> {
    serde_json::from_str(permit.arguments()).map_err(|error| {
        ToolError::new(
            "invalid_arguments",
            format!("the arguments are not what the tool takes: {error}"),
        )
    })
}

/// The JSON schema of a tool's arguments, as providers of models take it: one object, without references.
pub(crate) fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.remove("description");
    schema.to_value()
}

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
