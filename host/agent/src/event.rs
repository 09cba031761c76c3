//! The events of a run: one schema for terminals, pages and other programs.
//!
//! Programs that were written for the Python package `hexgate` read these events with its models: what those know has their names, fields
//! and values here. What they lack stands in fields and in types of events of its own, which such a program passes over:
//!
//! | here | for a reader that does not know it |
//! |---|---|
//! | `decision`, `approval_requested`, `approval_resolved`, `agent_start`, `agent_end` | types of events to skip |
//! | `outcome` of a tool's end: `denied`, `cancelled` | `state` is `failed` |
//! | `malformed_arguments` | `arguments` is an empty object |
//! | a run of a sub-agent | `agent_start` and `agent_end` around events of a greater `depth`: only the outermost run has `run_start`, `error` and `run_end`, each of which such a reader takes for the whole turn |

mod result;

pub use result::{RunResult, Step, StepKind, Steps};

use hexgate_enforce::{Decision, Effect};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::message::CallState;

/// An event of a run, as JSON an object with `event_type`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event_type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The outermost run begins: the first event.
    RunStart {
        /// What the user says.
        query: String,
        /// The agent.
        agent_name: String,
    },
    /// A run of a sub-agent begins. Its `agent_end` follows before the end of the call that started it.
    AgentStart {
        /// What the sub-agent is asked.
        query: String,
        /// The sub-agent.
        agent_name: String,
        /// The call of the run above that started it.
        parent_tool_id: Option<String>,
    },
    /// The model begins a block. Every start has an end.
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
        /// The call: the runtime's name for it, of which there is one below a root run. Not the model's.
        tool_id: String,
        /// The tool, as the model names it.
        tool_name: String,
        /// The arguments. Empty, if they are malformed.
        arguments: Map<String, Value>,
        /// What the model wrote instead of a JSON object.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        malformed_arguments: Option<String>,
    },
    /// The policy decided.
    Decision {
        /// The call. None: it is about the run itself, `agent.run`.
        tool_id: Option<String>,
        /// What is decided: the tool, or a name such as `agent.run`.
        tool_name: String,
        /// The decision, as in the audit log. Empty: there is no policy, so that nothing decided.
        decision_id: String,
        /// What the policy says.
        outcome: DecisionOutcome,
        /// What the model is told. None if it is allowed.
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
        arguments: Map<String, Value>,
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
        /// How it was resolved.
        resolution: ApprovalResolution,
        /// Who agreed.
        by: Option<String>,
        /// Why, in the words of who agreed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The name under which the request waits for an answer, if it is pending.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<String>,
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
    /// A call ended. [`EventKind::tool_end`] makes it.
    ToolEnd {
        /// The call.
        tool_id: String,
        /// The tool.
        tool_name: String,
        /// Whether the tool ran and answered, as the Python package says it. It follows from `outcome`.
        state: ToolState,
        /// How it ended.
        outcome: CallState,
        /// One line for people.
        output_summary: Option<String>,
    },
    /// The run of a sub-agent ended, in whatever way. The last event of that run.
    AgentEnd {
        /// The sub-agent.
        agent_name: String,
        /// What came of it. Its steps are those of the outermost run's result and are left out here.
        result: RunResult,
    },
    /// The outermost run failed. Its `run_end` follows. Sub-agents that fail say so in `agent_end`.
    Error {
        /// What happened.
        message: String,
        /// The stable name of what happened, as in the result's `ended`; of a failing model also its kind, such as `model.rate_limited`.
        kind: String,
    },
    /// The outermost run ended, in whatever way. The last event of all.
    RunEnd {
        /// What came of it.
        result: RunResult,
    },
}

impl EventKind {
    /// A decision about a call, or about the run itself.
    pub(crate) fn decision(tool_id: Option<&str>, decision: &Decision) -> Self {
        Self::Decision {
            tool_id: tool_id.map(str::to_owned),
            tool_name: decision.tool().to_owned(),
            decision_id: decision.id().to_string(),
            outcome: decision.outcome().into(),
            message: decision.model_message(),
            role: decision.role().map(str::to_owned),
        }
    }

    /// A call ended.
    #[must_use]
    pub fn tool_end(
        tool_id: impl Into<String>,
        tool_name: impl Into<String>,
        outcome: CallState,
        output_summary: Option<String>,
    ) -> Self {
        Self::ToolEnd {
            tool_id: tool_id.into(),
            tool_name: tool_name.into(),
            state: outcome.into(),
            outcome,
            output_summary,
        }
    }
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// What the policy says about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionOutcome {
    /// The call may happen.
    Allow,
    /// The call may happen once a person has agreed.
    NeedsApproval,
    /// The call must not happen.
    Deny,
}

impl From<Effect> for DecisionOutcome {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Allow,
            Effect::NeedsApproval => Self::NeedsApproval,
            Effect::Deny => Self::Deny,
        }
    }
}

/// How a request for approval was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ApprovalResolution {
    /// A person agreed.
    Approved,
    /// A person refused, nobody answered in time, or nobody could be asked. The audit log has the reason.
    Refused,
    /// The request waits. The call is denied until somebody agrees.
    Pending,
}

/// How a call ended, in the words of the Python package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolState {
    /// The tool ran and answered.
    Completed,
    /// Anything else: see `outcome`.
    Failed,
}

impl From<CallState> for ToolState {
    fn from(outcome: CallState) -> Self {
        match outcome {
            CallState::Completed => Self::Completed,
            CallState::Failed | CallState::Denied | CallState::Cancelled => Self::Failed,
        }
    }
}
