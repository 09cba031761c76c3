//! Results of every kind.

use rmcp::model::{AudioContent, CallToolResult, ContentBlock, ResourceContents};
use serde_json::{Value, json};

/// One red pixel as PNG.
pub(crate) const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";
/// A WAV without a sample.
const AUDIO: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

pub(crate) fn text(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

/// An object of JSON.
pub(crate) fn object(value: Value) -> rmcp::model::JsonObject {
    match value {
        Value::Object(object) => object,
        _ => Default::default(),
    }
}

pub(crate) fn text_resource(uri: &str, mime: &str, text: impl Into<String>) -> ResourceContents {
    ResourceContents::TextResourceContents {
        uri: uri.to_owned(),
        mime_type: Some(mime.to_owned()),
        text: text.into(),
        meta: None,
    }
}

/// What a tool always answers, if it is one that does.
pub(crate) fn fixed(tool: &str) -> Option<CallToolResult> {
    Some(match tool {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => {
            CallToolResult::success(vec![ContentBlock::image(IMAGE, "image/png")])
        }
        "test_audio_content" => {
            let audio = AudioContent::new(AUDIO, "audio/wav");
            CallToolResult::success(vec![ContentBlock::Audio(audio)])
        }
        "test_embedded_resource" => {
            CallToolResult::success(vec![ContentBlock::resource(text_resource(
                "test://embedded-resource",
                "text/plain",
                "This is an embedded resource content.",
            ))])
        }
        "test_multiple_content_types" => CallToolResult::success(vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(IMAGE, "image/png"),
            ContentBlock::resource(text_resource(
                "test://mixed-content-resource",
                "application/json",
                json!({"test": "data", "value": 123}).to_string(),
            )),
        ]),
        "test_error_handling" => CallToolResult::error(vec![ContentBlock::text(
            "This tool intentionally returns an error for testing",
        )]),
        _ => return None,
    })
}
