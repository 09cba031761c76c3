//! What is said in a conversation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A call that a model proposes. Nothing of it is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposedCall {
    /// The model's name for the call, or one that the runtime gave it.
    pub id: String,
    /// The tool that the model names.
    pub tool: String,
    /// The arguments as the model wrote them: JSON text, if it is well behaved.
    pub arguments: String,
    /// What the provider wants to see again with the call, such as signatures of thoughts. Opaque.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<String>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallState {
    /// The tool ran and answered.
    Completed,
    /// The tool failed, or the call could not be run: unknown tool, malformed arguments.
    Failed,
    /// The policy or a guard denied it, or the approval that it needed was not given. The tool did not run.
    Denied,
    /// The run ended before the call did.
    Cancelled,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Message {
    /// What the user says.
    User {
        /// The text.
        text: String,
    },
    /// What the model answers.
    Assistant {
        /// The text. Empty, if it only calls tools.
        text: String,
        /// What it thought, if the provider tells and wants to see it again.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reasoning: String,
        /// The calls that it proposes, in its order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<ProposedCall>,
    },
    /// What came of a call.
    Tool {
        /// [`ProposedCall::id`].
        call: String,
        /// The tool.
        tool: String,
        /// How it ended.
        state: CallState,
        /// What the model reads.
        content: String,
    },
}
