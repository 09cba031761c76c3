//! What spans carry of what users, models and tools say: nothing, unless it is asked for.

use hexgate_enforce::audit::{Redaction, RedactionError, Scrubber};
use serde_json::{Value, json};

use crate::message::Message;
use crate::observe::ModelAnswer;

/// The most of one text that a span carries, in bytes. The rest is cut, and said.
pub const MAX_TEXT_BYTES: usize = 8 << 10;
/// The most messages of a conversation that a span carries: the last ones.
pub const MAX_MESSAGES: usize = 64;

/// What spans carry of what users, models and tools say. Default: nothing.
///
/// Secrets are taken out of it as the audit log takes them out, and texts are cut after [`MAX_TEXT_BYTES`]. What a secret looks like is a guess:
/// treat a backend that gets contents like the conversations themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TelemetryContent {
    /// The system prompt, the conversation and the answers.
    pub messages: bool,
    /// The arguments and the results of tools.
    pub tools: bool,
}

impl TelemetryContent {
    /// Nothing.
    pub const NONE: Self = Self {
        messages: false,
        tools: false,
    };
    /// All of it.
    pub const ALL: Self = Self {
        messages: true,
        tools: true,
    };
    /// The conversation, without what tools get and answer.
    pub const MESSAGES: Self = Self {
        messages: true,
        tools: false,
    };
    /// What tools get and answer, without the conversation.
    pub const TOOLS: Self = Self {
        messages: false,
        tools: true,
    };
}

/// Makes attributes of contents.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    pub(super) wanted: TelemetryContent,
    scrubber: Scrubber,
}

impl Contents {
    pub(super) fn new(wanted: TelemetryContent) -> Result<Self, RedactionError> {
        Ok(Self {
            wanted,
            scrubber: Scrubber::new(&Redaction::default())?,
        })
    }

    /// A text without its secrets, and not too long.
    pub(super) fn text(&self, text: &str) -> String {
        // What is searched is what is carried, and a little more, so that a secret at the cut is seen whole.
        let searched = cut(text, MAX_TEXT_BYTES.saturating_mul(2));
        let scrubbed = self.scrubber.scrub(searched);
        let kept = cut(&scrubbed, MAX_TEXT_BYTES);
        if kept.len() == scrubbed.len() && searched.len() == text.len() {
            return kept.to_owned();
        }
        format!("{kept}… [cut: {} bytes in all]", text.len())
    }

    pub(super) fn instructions(&self, text: &str) -> String {
        json!([{ "type": "text", "content": self.text(text) }]).to_string()
    }

    /// A text as a message of this role.
    pub(super) fn said(&self, role: &str, text: &str) -> String {
        json!([self.message(role, vec![self.part(text)])]).to_string()
    }

    pub(super) fn conversation(&self, messages: &[Message]) -> String {
        let first = messages.len().saturating_sub(MAX_MESSAGES);
        let messages = messages.iter().skip(first);
        let messages: Vec<Value> = messages.map(|message| self.of_message(message)).collect();
        Value::from(messages).to_string()
    }

    pub(super) fn answer(&self, answer: &ModelAnswer) -> String {
        let calls = answer.calls.iter();
        let calls = calls.map(|call| self.call(&call.id, &call.tool, &call.arguments));
        let parts = self.parts(&answer.text, calls);
        json!([self.message("assistant", parts)]).to_string()
    }

    fn of_message(&self, message: &Message) -> Value {
        match message {
            Message::User { text } => self.message("user", vec![self.part(text)]),
            Message::Assistant { text, calls, .. } => {
                let calls = calls.iter();
                let calls = calls.map(|call| self.call(&call.id, &call.tool, &call.arguments));
                self.message("assistant", self.parts(text, calls))
            }
            Message::Tool { call, content, .. } => {
                let mut part = json!({ "type": "tool_call_response", "id": call });
                if self.wanted.tools {
                    set(&mut part, "response", self.text(content));
                }
                self.message("tool", vec![part])
            }
        }
    }

    fn parts(&self, text: &str, calls: impl Iterator<Item = Value>) -> Vec<Value> {
        let said = (!text.is_empty()).then(|| self.part(text));
        said.into_iter().chain(calls).collect()
    }

    fn call(&self, id: &str, tool: &str, arguments: &str) -> Value {
        let mut part = json!({ "type": "tool_call", "id": id, "name": tool });
        if self.wanted.tools {
            set(&mut part, "arguments", self.text(arguments));
        }
        part
    }

    fn part(&self, text: &str) -> Value {
        json!({ "type": "text", "content": self.text(text) })
    }

    fn message(&self, role: &str, parts: Vec<Value>) -> Value {
        json!({ "role": role, "parts": parts })
    }
}

fn set(object: &mut Value, name: &str, value: String) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), Value::String(value));
    }
}

/// The beginning of a text, whole characters.
fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most))
        .unwrap_or_default()
}
