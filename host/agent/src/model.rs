//! Models: what a run asks for the next step.
//!
//! [`open`] makes a model of a text such as `openai:gpt-5` or `script:turns.yaml`; [`Opener`] does it with settings of one's own.

#[cfg(feature = "genai")]
mod genai;
#[cfg(feature = "genai")]
mod key;
mod name;
mod open;
mod retry;
pub mod script;
mod settings;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_core::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::{Message, ProposedCall};
use crate::tool::ToolSpec;

pub use crate::retry::Retries;
pub use name::providers;
pub use open::{Opener, open, open_in};
pub use retry::Retrying;
pub use settings::{ModelSettings, Reasoning};

/// A model: answers a conversation, piece by piece.
#[async_trait]
pub trait Model: Send + Sync {
    /// The provider and the name, for records: `openai`, `gpt-5`.
    fn id(&self) -> &ModelId;

    /// Asks for the next step. Dropping the future or the stream ends the request.
    ///
    /// # Errors
    ///
    /// The request could not be made or was refused. What goes wrong after the answer began comes in the stream.
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError>;
}

#[async_trait]
impl<M: Model + ?Sized> Model for Arc<M> {
    fn id(&self) -> &ModelId {
        (**self).id()
    }

    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        (**self).respond(request).await
    }
}

/// Who provides a model, and its name there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelId {
    /// The provider: `openai`, `anthropic`, `gemini`, `ollama`, `script`.
    pub provider: String,
    /// The name of the model there.
    pub name: String,
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.provider, self.name)
    }
}

/// What a model is asked.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    /// The system prompt.
    pub system: Option<Arc<str>>,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// The tools that the model may propose. None that no role of the caller can call.
    pub tools: Vec<Arc<ToolSpec>>,
}

/// The pieces of an answer. It ends with [`Delta::End`]; a stream that ends without it broke off.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<Delta, ModelError>> + Send>>;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delta {
    /// More text for the user.
    Text(String),
    /// More of what the model thinks.
    Reasoning(String),
    /// A whole proposed call.
    Call(ProposedCall),
    /// The answer is complete.
    End {
        /// Why it ended.
        stop: Stop,
        /// What it took, if the provider tells.
        usage: Usage,
    },
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// The model is done.
    Finished,
    /// The model waits for its calls.
    Calls,
    /// The answer is cut: the longest that was asked for or that the provider allows.
    Length,
    /// The provider withholds the rest.
    Filtered,
    /// Anything else.
    Other,
}

/// Tokens that an answer took. Zero, if the provider does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens of the request.
    pub input_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
}

/// Why a model did not answer. No key, no header and no address with a password is ever in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// What kind of failure it is.
    pub kind: ModelErrorKind,
    /// What happened, and what to do: one or two sentences.
    pub message: String,
    /// How long the provider asks to wait before the next request.
    pub retry_after: Option<Duration>,
}

impl ModelError {
    /// A failure after which the provider names no time to wait.
    #[must_use]
    pub fn new(kind: ModelErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
        }
    }
}

/// Kinds of failures of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelErrorKind {
    /// The model's name or its settings are wrong, or its key is missing.
    Configuration,
    /// The provider does not accept the key.
    Unauthorized,
    /// The provider asks to wait: 429.
    RateLimited,
    /// The provider failed: 5xx, or what the network does.
    Unavailable,
    /// The provider does not accept the request.
    Refused,
    /// The answer is not what the protocol says.
    Garbage,
    /// The answer broke off.
    Interrupted,
}

impl ModelErrorKind {
    /// The stable name: `configuration`, `rate_limited`, and so on.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Unauthorized => "unauthorized",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::Garbage => "garbage",
            Self::Interrupted => "interrupted",
        }
    }
}
