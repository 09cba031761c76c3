//! What the policy is told of a call beside its caller.

use std::sync::{Arc, OnceLock};

use hexgate_enforce::Call;
use hexgate_said::Said;
use serde_json::value::RawValue;

use super::Run;
use crate::conversation::Conversation;

/// What the user's own words name: those of the outermost run, also in the runs below it. What a model says to a sub-agent is none of them.
#[derive(Clone, Default)]
pub(super) struct Words(Arc<Heard>);

#[derive(Default)]
struct Heard {
    turns: Vec<String>,
    /// Read when a policy wants to know, once.
    said: OnceLock<Box<RawValue>>,
}

impl Words {
    /// What the user said so far, and says now.
    pub(super) fn of(conversation: &Conversation, now: &str) -> Self {
        let turns = conversation.user_turns().chain([now]);
        Self(Arc::new(Heard {
            turns: turns.map(str::to_owned).collect(),
            said: OnceLock::new(),
        }))
    }

    fn said(&self) -> Box<RawValue> {
        let said = || Said::of(self.0.turns.iter().map(String::as_str)).to_json();
        self.0.said.get_or_init(said).clone()
    }
}

impl Run<'_> {
    /// Adds the facts to a call. The tool is the name that the policy decides.
    pub(super) fn with_facts(&self, mut call: Call, tool: &str) -> Call {
        // Without its facts what a policy says of a run does not hold.
        if let Some(run) = self.counts.facts(&self.info.run_id, &self.info.agent, tool) {
            call = call.run(run);
        }
        let enforcer = self.parts.enforcer.as_ref();
        if enforcer.is_some_and(|enforcer| enforcer.uses_fact("said")) {
            call = call.said(self.words.said());
        }
        call
    }
}
