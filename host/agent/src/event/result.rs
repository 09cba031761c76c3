//! What came of a run, and the steps that led there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{BlockType, Event, EventKind, ToolState};
use crate::message::CallState;
use crate::model::Usage;

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunResult {
    /// The run.
    pub run_id: String,
    /// The outermost run.
    pub root_run_id: String,
    /// What the agent answers, or the one that was given the conversation. Never what a sub-agent says to the agent that asked it.
    pub message: String,
    /// What happened, in the order in which it ended, sub-agents included.
    pub steps: Vec<Step>,
    /// How the run ended, by its stable name: `finished`, `cut`, `turns`, `not_admitted`, `cancelled`, and so on.
    pub ended: String,
    /// Why there is no answer, if there is none.
    pub error: Option<String>,
    /// The tokens that it took, its sub-agents included.
    pub usage: Usage,
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The id of the block or of the call.
    pub id: String,
    /// The run.
    pub run_id: String,
    /// The outermost run.
    pub root_run_id: String,
    /// The run that started this one.
    pub parent_run_id: Option<String>,
    /// How many runs are around this one.
    pub depth: u32,
    /// The number of the event that ended the step.
    pub sequence: u64,
    /// What it is.
    #[serde(flatten)]
    pub kind: StepKind,
}

/// What a step is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepKind {
    /// Text for the user.
    TextStep {
        /// All of it.
        text: String,
    },
    /// What the model thought.
    ReasoningStep {
        /// All of it.
        text: String,
    },
    /// A call.
    ToolCallStep {
        /// The tool, as the model names it.
        tool_name: String,
        /// The arguments. Empty, if they are malformed.
        arguments: Map<String, Value>,
        /// Whether the tool ran and answered.
        state: ToolState,
        /// How it ended.
        outcome: CallState,
        /// One line for people.
        output_summary: Option<String>,
        /// What the tool answered, as the model reads it.
        raw_output: Option<Value>,
    },
}

/// Collects the steps of an outermost run from its events and those of its sub-agents.
#[derive(Debug, Default)]
pub struct Steps {
    texts: BTreeMap<String, String>,
    arguments: BTreeMap<String, Map<String, Value>>,
    ended: Vec<Step>,
}

impl Steps {
    /// None so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an event, in the order of their numbers. `raw_output` is what the tool answered, with the `tool_end` of a call that completed.
    pub fn observe(&mut self, event: &Event, raw_output: Option<Value>) {
        match &event.kind {
            EventKind::BlockDelta { block_id, text, .. } => {
                self.texts
                    .entry(block_id.clone())
                    .or_default()
                    .push_str(text);
            }
            EventKind::BlockEnd {
                block_id,
                block_type,
            } => {
                let text = self.texts.remove(block_id).unwrap_or_default();
                match block_type {
                    BlockType::Text => self.end(event, block_id, StepKind::TextStep { text }),
                    BlockType::Reasoning => {
                        self.end(event, block_id, StepKind::ReasoningStep { text });
                    }
                    // The call itself is the step.
                    BlockType::ToolCall => {}
                }
            }
            EventKind::ToolStart {
                tool_id, arguments, ..
            } => {
                self.arguments.insert(tool_id.clone(), arguments.clone());
            }
            EventKind::ToolEnd {
                tool_id,
                tool_name,
                state,
                outcome,
                output_summary,
            } => {
                let arguments = self.arguments.remove(tool_id).unwrap_or_default();
                self.end(
                    event,
                    tool_id,
                    StepKind::ToolCallStep {
                        tool_name: tool_name.clone(),
                        arguments,
                        state: *state,
                        outcome: *outcome,
                        output_summary: output_summary.clone(),
                        raw_output,
                    },
                );
            }
            _ => {}
        }
    }

    /// The steps that ended.
    #[must_use]
    pub fn finish(self) -> Vec<Step> {
        self.ended
    }

    fn end(&mut self, event: &Event, id: &str, kind: StepKind) {
        self.ended.push(Step {
            id: id.to_owned(),
            run_id: event.run_id.clone(),
            root_run_id: event.root_run_id.clone(),
            parent_run_id: event.parent_run_id.clone(),
            depth: event.depth,
            sequence: event.sequence,
            kind,
        });
    }
}
