//! From one agent to another.

use std::sync::Arc;

use hexgate_enforce::Permit;
use serde_json::{Map, Value};

use super::call::Open;
use super::result::Given;
use super::talk::Settled;
use super::{Around, Entry, Input, Parts, Reached, Run, Start, Target, Via, run};
use crate::conversation::Conversation;
use crate::message::CallState;
use crate::outcome::Ended;
use crate::tool::{ToolError, ToolOutput};

/// What comes after the calls of an answer.
pub(super) enum Next {
    /// The model answers again.
    Answer,
    /// Another agent goes on.
    Handoff(Handoff),
}

/// A handoff that the policy permitted.
pub(super) struct Handoff {
    to: Arc<Parts>,
    /// What the model says about it.
    reason: String,
}

impl Run<'_> {
    /// Why another agent cannot be reached from here, whatever the policy says.
    pub(super) fn out_of_reach(&self, entry: &Entry, has_handoff: bool) -> Option<&'static str> {
        let Target::Agent(_, via) = &entry.target else {
            return None;
        };
        if self.info.depth >= self.depth_limit {
            return Some("the limit `depth` of the outermost agent is reached");
        }
        (*via == Via::Handoff && has_handoff)
            .then_some("another agent was given the conversation in the same answer")
    }

    /// The conversation will go to another agent.
    pub(super) fn agreed(
        &self,
        mut open: Open<'_>,
        to: &Arc<Parts>,
        permit: Permit,
    ) -> (Settled, Handoff) {
        open.started();
        let reason = member(permit.arguments(), "reason");
        let content = format!("The conversation goes on with the agent '{}'.", to.name);
        let settled = open.end(Given {
            state: CallState::Completed,
            summary: Some(content.clone()),
            value: Some(Value::from(content.as_str())),
            content,
            error: None,
        });
        let to = Arc::clone(to);
        (settled, Handoff { to, reason })
    }

    /// Another agent goes on with the conversation, and its answer is the answer of this run.
    pub(super) async fn hand_off(
        &self,
        handoff: Handoff,
        conversation: &mut Conversation,
        reached: &mut Reached,
    ) -> Ended {
        let outcome = run(Start {
            parts: &handoff.to,
            caller: self.caller,
            input: Input::Handoff(handoff.reason),
            conversation,
            sink: self.sink,
            around: Some(self.around(None)),
        })
        .await;
        reached.message = outcome.message;
        reached.by = Some(outcome.agent);
        outcome.ended
    }

    /// Asks another agent, with the arguments that were decided. It knows the task and nothing else of the conversation.
    pub(super) async fn delegate(
        &self,
        to: &Arc<Parts>,
        call: &str,
        arguments: &str,
    ) -> Result<ToolOutput, ToolError> {
        let mut conversation = Conversation::new();
        let outcome = run(Start {
            parts: to,
            caller: self.caller,
            input: Input::Task(member(arguments, "task")),
            conversation: &mut conversation,
            sink: self.sink,
            around: Some(self.around(Some(call.to_owned()))),
        })
        .await;
        if outcome.ended.is_failure() {
            let ended = outcome.ended.public();
            let message = format!("the agent '{}' gave no answer: {ended}", to.name);
            return Err(ToolError::new("agent_failed", message));
        }
        Ok(ToolOutput::new(outcome.message))
    }

    fn around(&self, call: Option<String>) -> Around<'_> {
        Around {
            info: &self.info,
            call,
            counts: Arc::clone(&self.counts),
            words: self.words.clone(),
            deadline: self.deadline,
            depth_limit: self.depth_limit,
        }
    }
}

/// A text of the arguments. Empty if it is not there.
fn member(arguments: &str, name: &str) -> String {
    let members: Map<String, Value> = serde_json::from_str(arguments).unwrap_or_default();
    let text = members.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
