//! What the policy is told of a call beside its caller.

use std::sync::{Arc, OnceLock};

use hexgate_enforce::{Call, Decision, Effect};
use hexgate_said::Said;
use serde_json::value::RawValue;

use super::Run;
use super::counts::Counts;
use super::sink::Sink;
use crate::conversation::Conversation;
use crate::event::EventKind;
use crate::observe::RunInfo;
use crate::tool::OfRun;

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
    pub(super) fn with_facts(&self, call: Call, tool: &str) -> Call {
        let run = self.counts.facts(&self.info.run_id, &self.info.agent, tool);
        with(call, run, &self.words, self.uses_said())
    }

    fn uses_said(&self) -> bool {
        let enforcer = self.parts.enforcer.as_ref();
        enforcer.is_some_and(|enforcer| enforcer.uses_fact("said"))
    }

    /// The run, for parts of a call that are decided while it runs.
    pub(super) fn parts_of(&self, tool_id: &str) -> Arc<dyn OfRun> {
        Arc::new(Parts {
            info: Arc::clone(&self.info),
            counts: Arc::clone(&self.counts),
            words: self.words.clone(),
            uses_said: self.uses_said(),
            sink: self.sink.clone(),
            tool_id: tool_id.to_owned(),
        })
    }
}

fn with(mut call: Call, run: Option<Box<RawValue>>, words: &Words, uses_said: bool) -> Call {
    // Without its facts what a policy says of a run does not hold.
    if let Some(run) = run {
        call = call.run(run);
    }
    if uses_said {
        call = call.said(words.said());
    }
    call
}

/// What parts of one call need of its run.
struct Parts {
    info: Arc<RunInfo>,
    counts: Arc<Counts>,
    words: Words,
    uses_said: bool,
    sink: Sink,
    tool_id: String,
}

impl OfRun for Parts {
    fn begin(&self, call: Call, tool: &str) -> Call {
        let run = self
            .counts
            .begin_part(&self.info.run_id, &self.info.agent, tool);
        with(call, run, &self.words, self.uses_said)
    }

    fn end(&self, tool: &str, decision: Option<&Decision>) {
        let is_allowed = decision.is_some_and(Decision::is_allowed);
        self.counts.end_part(tool, is_allowed);
        let Some(decision) = decision else { return };
        if decision.follows().is_some() || decision.outcome() == Effect::NeedsApproval {
            self.counts.needed_approval();
        }
        if decision.outcome() == Effect::Deny {
            self.counts.denied();
        }
        if self.sink.is_heard() {
            let kind = EventKind::decision(Some(&self.tool_id), decision);
            self.sink.emit(&self.info, kind);
        }
    }
}
