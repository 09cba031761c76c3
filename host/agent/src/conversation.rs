//! A conversation that is kept from turn to turn.

mod format;

pub(crate) use format::MAX_ID_BYTES;

pub use format::ConversationError;

use std::path::Path;

use crate::message::{CallState, Message, ProposedCall};

/// What was said so far. Each run adds to it, and leaves it usable however it ends: each proposed call has a result.
///
/// It is saved as text of a version, and read back with all checks. Keep its file as private as the program: what stands in it as the user's
/// words counts as said by the user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conversation {
    messages: Vec<Message>,
}

impl Conversation {
    /// One in which nothing was said.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was said, in order.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// What the user said, in order.
    pub fn user_turns(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().filter_map(|message| match message {
            Message::User { text } => Some(text.as_str()),
            _ => None,
        })
    }

    /// Forgets all that was said.
    pub fn clear(&mut self) {
        self.messages.clear();
    }

    /// The conversation as text: JSON.
    ///
    /// # Errors
    ///
    /// It is larger than one that can be read back.
    pub fn to_json(&self) -> Result<String, ConversationError> {
        format::write(&self.messages)
    }

    /// A conversation from its text, which is not trusted: it must be of a known version and without unknown members, each result must be
    /// that of a call, and each call must have one.
    ///
    /// # Errors
    ///
    /// It is not such a text.
    pub fn from_json(text: &str) -> Result<Self, ConversationError> {
        let messages = format::read(text)?;
        Ok(Self { messages })
    }

    /// Writes the conversation to a file of mode 0600, which appears whole or not at all. A folder that is missing is made, mode 0700.
    ///
    /// # Errors
    ///
    /// It is too large, or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ConversationError> {
        format::save(path.as_ref(), &self.to_json()?)
    }

    /// Reads a conversation that was [saved](Self::save).
    ///
    /// # Errors
    ///
    /// The file cannot be read, other users can change or read it, or it has no conversation.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConversationError> {
        Self::from_json(&format::load(path.as_ref())?)
    }

    pub(crate) fn user_says(&mut self, text: String) {
        self.messages.push(Message::User { text });
    }

    /// The model's answer. One that says and proposes nothing is left out: no provider takes it back.
    pub(crate) fn assistant_says(
        &mut self,
        text: String,
        reasoning: String,
        calls: Vec<ProposedCall>,
    ) {
        if !text.is_empty() || !calls.is_empty() {
            self.messages.push(Message::Assistant {
                text,
                reasoning,
                calls,
            });
        }
    }

    pub(crate) fn answer(&mut self, call: &ProposedCall, state: CallState, content: String) {
        self.messages.push(Message::Tool {
            call: call.id.clone(),
            tool: call.tool.clone(),
            state,
            content,
        });
    }
}
