//! What an agent is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use hexgate_enforce::{Caller, Enforcer};

use super::Sink;
use crate::guard::Guard;
use crate::limits::Limits;
use crate::model::Model;
use crate::observe::{RunInfo, RunObserver};
use crate::schema::Schema;
use crate::tool::{Tool, ToolSpec};

/// What an agent is made of. Shared by its runs, and by the agents that reach it.
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) model: Arc<dyn Model>,
    pub(crate) system: Option<Arc<str>>,
    /// In the order in which they were given.
    pub(crate) entries: Vec<Entry>,
    pub(crate) by_name: BTreeMap<String, usize>,
    /// None: every call is denied.
    pub(crate) enforcer: Option<Enforcer>,
    pub(crate) guards: Vec<Arc<dyn Guard>>,
    pub(crate) limits: Limits,
    pub(crate) observers: Vec<Arc<dyn RunObserver>>,
}

/// Something that a model can call.
pub(crate) struct Entry {
    pub(crate) spec: Arc<ToolSpec>,
    pub(crate) schema: Schema,
    /// The name that the policy decides.
    pub(crate) gate: String,
    pub(crate) target: Target,
}

/// What runs if a call is permitted.
pub(crate) enum Target {
    Tool(Arc<dyn Tool>),
    Agent(Arc<Parts>, Via),
}

/// How an agent reaches another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// It asks it, and goes on with its answer.
    Tool,
    /// It leaves the conversation to it.
    Handoff,
}

impl Via {
    /// The word in policies.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Handoff => "handoff",
        }
    }
}

impl Parts {
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.by_name
            .get(name)
            .and_then(|index| self.entries.get(*index))
    }

    /// What a model is shown on behalf of this caller: what the policy that will decide could ever let it call.
    pub(crate) fn visible(&self, caller: &Caller) -> Vec<Arc<ToolSpec>> {
        let Some(enforcer) = &self.enforcer else {
            return Vec::new();
        };
        let may = |entry: &&Entry| enforcer.may_ever_call(caller, &entry.gate);
        let visible = self.entries.iter().filter(may);
        visible.map(|entry| Arc::clone(&entry.spec)).collect()
    }

    /// A new run of the agent.
    pub(super) fn info(&self, sink: &Sink, caller: &Caller, above: Option<&RunInfo>) -> RunInfo {
        let run_id = sink.next_run();
        RunInfo {
            root_run_id: above.map_or_else(|| run_id.clone(), |above| above.root_run_id.clone()),
            parent_run_id: above.map(|above| above.run_id.clone()),
            depth: above.map_or(0, |above| above.depth.saturating_add(1)),
            run_id,
            agent: self.name.clone(),
            model: self.model.id().clone(),
            caller: caller.clone(),
        }
    }
}
