//! The events of a run: one schema for terminals, pages and other programs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::message::CallState;

/// An event of a run, as JSON an object with `event_type`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The run: that of a sub-agent is another one than its parent's.
    pub run_id: String,
    /// The outermost run.
    pub root_run_id: String,
    /// The run that started this one.
    pub parent_run_id: Option<String>,
    /// How many runs are around this one.
    pub depth: u32,
    /// The number of the event below its root, from 1 on, without gaps.
    pub sequence: u64,
    /// A UUID.
    pub event_id: String,
    /// When it happened: RFC 3339 in UTC.
    pub timestamp: String,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event_type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// A run begins.
    RunStart {
        /// What the user says.
        query: String,
        /// The agent.
        agent_name: String,
    },
    /// The model begins a block.
    BlockStart {
        /// The block.
        block_id: String,
        /// What it is.
        block_type: BlockType,
    },
    /// More of a block.
    BlockDelta {
        /// The block.
        block_id: String,
        /// What it is.
        block_type: BlockType,
        /// More text.
        text: String,
    },
    /// A block is complete.
    BlockEnd {
        /// The block.
        block_id: String,
        /// What it is.
        block_type: BlockType,
    },
    /// A call is proposed. Every start has an end.
    ToolStart {
        /// The call.
        tool_id: String,
        /// The tool.
        tool_name: String,
        /// The arguments, or the text that is none.
        arguments: Value,
    },
    /// The policy decided.
    Decision {
        /// The call.
        tool_id: String,
        /// The tool.
        tool_name: String,
        /// The decision, as in the audit log.
        decision_id: String,
        /// `allow`, `needs_approval` or `deny`.
        outcome: String,
        /// What the model is told. Null if it is allowed.
        message: Option<String>,
        /// The role that grants it.
        role: Option<String>,
    },
    /// A person is asked.
    ApprovalRequested {
        /// The call.
        tool_id: String,
        /// The tool.
        tool_name: String,
        /// The decision that needs approval.
        decision_id: String,
        /// The whole operation.
        arguments: Value,
        /// What the call would change, if the tool can say.
        preview: Option<String>,
        /// What the policy's author says about it.
        message: Option<String>,
    },
    /// A person answered, or nobody did in time.
    ApprovalResolved {
        /// The call.
        tool_id: String,
        /// The tool.
        tool_name: String,
        /// The decision that needed approval.
        decision_id: String,
        /// Whether the call may run.
        approved: bool,
        /// Who agreed.
        by: Option<String>,
    },
    /// A tool says how far it is.
    ToolUpdate {
        /// The call.
        tool_id: String,
        /// The tool.
        tool_name: String,
        /// How far it is.
        text: String,
    },
    /// A call ended.
    ToolEnd {
        /// The call.
        tool_id: String,
        /// The tool.
        tool_name: String,
        /// How it ended.
        state: CallState,
        /// One line for people.
        output_summary: Option<String>,
    },
    /// A run ended, in whatever way. The last event of every run.
    RunEnd {
        /// What came of it.
        result: Value,
    },
    /// A run failed. Its `run_end` follows.
    Error {
        /// What happened.
        message: String,
    },
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BlockType {
    /// Text for the user.
    Text,
    /// What the model thinks.
    Reasoning,
    /// A call.
    ToolCall,
}
