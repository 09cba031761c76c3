//! The tools, as they are listed.

use std::sync::Arc;

use rmcp::model::Tool;
use serde_json::{Value, json};

use crate::content::object;

/// Tools without arguments.
const PLAIN: &[(&str, &str)] = &[
    ("test_simple_text", "Answers with a text"),
    ("test_image_content", "Answers with an image"),
    ("test_audio_content", "Answers with audio"),
    ("test_embedded_resource", "Answers with a resource"),
    (
        "test_multiple_content_types",
        "Answers with a text, an image and a resource",
    ),
    (
        "test_tool_with_logging",
        "Logs three messages while it runs",
    ),
    (
        "test_logging_tool",
        "Logs a message if the request names a level",
    ),
    ("test_error_handling", "Always fails"),
    ("test_tool_with_progress", "Says three times how far it is"),
    (
        "test_elicitation_sep1034_defaults",
        "Asks the user with defaults",
    ),
    ("test_elicitation_sep1330_enums", "Asks the user to choose"),
    ("test_reconnection", "Takes a moment"),
    (
        "test_trigger_tool_change",
        "Says that the list of tools changed",
    ),
    (
        "test_trigger_prompt_change",
        "Says that the list of prompts changed",
    ),
    ("test_missing_capability", "Needs a client that samples"),
    ("test_streaming_elicitation", "Asks the user by its result"),
    (
        "test_input_required_result_elicitation",
        "Asks the user's name",
    ),
    (
        "test_input_required_result_sampling",
        "Asks the client's model",
    ),
    (
        "test_input_required_result_list_roots",
        "Asks for the client's roots",
    ),
    (
        "test_input_required_result_request_state",
        "Asks with a state",
    ),
    (
        "test_input_required_result_tampered_state",
        "Asks with a state, and looks at it",
    ),
    (
        "test_input_required_result_multiple_inputs",
        "Asks three things at a time",
    ),
    ("test_input_required_result_multi_round", "Asks twice"),
    (
        "test_input_required_result_capabilities",
        "Asks what the client can answer",
    ),
    ("failing_job", "Fails as a task"),
    ("protocol_error_job", "Ends with an error of the protocol"),
    ("multi_input", "Asks the user two things as a task"),
    (
        "test_tool_with_task",
        "Asks the user, then goes on as a task",
    ),
];

fn tool(name: &'static str, description: &'static str, properties: Value, required: Value) -> Tool {
    let schema = json!({"type": "object", "properties": properties, "required": required});
    Tool::new(name, description, object(schema))
}

/// The tool whose argument stands in a header too.
pub(crate) fn with_header() -> Tool {
    tool(
        "test_custom_header",
        "Says its argument",
        json!({"value": {"type": "string", "x-mcp-header": "Value"}}),
        json!(["value"]),
    )
}

/// A tool with much of JSON Schema 2020-12.
fn with_schema() -> Tool {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "address",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}}
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"}
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false
    });
    Tool::new(
        "json_schema_2020_12_tool",
        "Has a schema with keywords of 2020-12",
        Arc::new(object(schema)),
    )
}

/// The tools after so many changes of the list.
pub(crate) fn all(changes: u64) -> Vec<Tool> {
    let text = || json!({"type": "string"});
    let plain = PLAIN
        .iter()
        .map(|(name, description)| tool(name, description, json!({}), json!([])));
    let mut tools: Vec<_> = plain.collect();
    tools.extend([
        tool(
            "test_sampling",
            "Asks the client's model",
            json!({"prompt": text()}),
            json!(["prompt"]),
        ),
        tool(
            "test_elicitation",
            "Asks the user",
            json!({"message": text()}),
            json!(["message"]),
        ),
        tool("greet", "Greets", json!({"name": text()}), json!(["name"])),
        tool(
            "slow_compute",
            "Takes so many seconds",
            json!({"seconds": {"type": "number"}, "label": text()}),
            json!([]),
        ),
        tool(
            "confirm_delete",
            "Asks the user as a task",
            json!({"filename": text()}),
            json!([]),
        ),
        with_header(),
        with_schema(),
    ]);
    if changes % 2 == 1 {
        tools.push(tool(
            "test_added_tool",
            "Comes and goes",
            json!({}),
            json!([]),
        ));
    }
    tools
}
