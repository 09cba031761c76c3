//! The options of an agent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use hexgate_base::names::spelled;
use hexgate_enforce::host::is_closed_name;
use hexgate_enforce::{Enforcer, MAX_NAME_BYTES};
use serde_json::json;

use super::Agent;
use crate::error::BuildError;
use crate::guard::{Guard, SecretScrubber};
use crate::limits::{Limits, MAX_AGENT_BYTES};
use crate::model::Model;
use crate::observe::RunObserver;
use crate::run::{Entry, Parts, Target, Via};
use crate::schema::Schema;
use crate::tool::{Tool, ToolSpec};

/// Collects the options of an [`Agent`].
#[must_use = "an agent is there once it is built"]
pub struct AgentBuilder {
    name: String,
    model: Option<Arc<dyn Model>>,
    system: Option<Arc<str>>,
    given: Vec<Given>,
    enforcer: Option<Enforcer>,
    guards: Vec<Arc<dyn Guard>>,
    limits: Limits,
    observers: Vec<Arc<dyn RunObserver>>,
    keeps_secrets: bool,
}

enum Given {
    Tool(Arc<dyn Tool>),
    Agent(Agent, Via, Option<String>),
}

impl AgentBuilder {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            model: None,
            system: None,
            given: Vec::new(),
            enforcer: None,
            guards: Vec::new(),
            limits: Limits::default(),
            observers: Vec::new(),
            keeps_secrets: false,
        }
    }

    /// The model. There is no default.
    pub fn model(mut self, model: impl Model + 'static) -> Self {
        self.model = Some(Arc::new(model));
        self
    }

    /// What the model is told before all else. Default: nothing.
    pub fn system_prompt(mut self, prompt: impl Into<Arc<str>>) -> Self {
        self.system = Some(prompt.into());
        self
    }

    /// Adds a tool.
    pub fn tool(mut self, tool: impl Tool + 'static) -> Self {
        self.given.push(Given::Tool(Arc::new(tool)));
        self
    }

    /// Adds tools.
    pub fn tools(mut self, tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        self.given.extend(tools.into_iter().map(Given::Tool));
        self
    }

    /// Adds an agent that the model can ask, by the tool `delegate_to_NAME` with the argument `task`. The policy decides it as
    /// `agent.tool:NAME`, with the arguments `agent`, `target`, `via` and `task`; then the other agent's own policy decides what that one does.
    pub fn subagent(mut self, agent: Agent) -> Self {
        self.given.push(Given::Agent(agent, Via::Tool, None));
        self
    }

    /// As [`subagent`](Self::subagent), with what the model is told that it is for.
    pub fn described_subagent(mut self, agent: Agent, description: impl Into<String>) -> Self {
        let description = Some(description.into());
        self.given.push(Given::Agent(agent, Via::Tool, description));
        self
    }

    /// Adds an agent to which the model can leave the conversation, by the tool `transfer_to_NAME`. The policy decides it as
    /// `agent.handoff:NAME`, with the arguments `agent`, `target`, `via` and perhaps `reason`.
    pub fn handoff(mut self, agent: Agent) -> Self {
        self.given.push(Given::Agent(agent, Via::Handoff, None));
        self
    }

    /// What decides its calls. Default: none, and every call is denied.
    pub fn enforcer(mut self, enforcer: Enforcer) -> Self {
        self.enforcer = Some(enforcer);
        self
    }

    /// Adds a guard behind the others.
    pub fn guard(mut self, guard: impl Guard + 'static) -> Self {
        self.guards.push(Arc::new(guard));
        self
    }

    /// How much a run may take. Default: that of [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Tells an observer what runs do.
    pub fn observer(mut self, observer: impl RunObserver + 'static) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Leaves out the [`SecretScrubber`], which otherwise is the last guard of every agent.
    ///
    /// CAUTION: keys that tools find go to the model's provider, into events and into conversations.
    pub fn dangerous_keep_secrets(mut self) -> Self {
        self.keeps_secrets = true;
        self
    }

    /// The agent.
    ///
    /// # Errors
    ///
    /// Something is missing or cannot be used.
    pub fn build(self) -> Result<Agent, BuildError> {
        let Self {
            name: agent,
            model,
            system,
            given,
            enforcer,
            mut guards,
            limits,
            observers,
            keeps_secrets,
        } = self;
        if let Some(reason) = unusable(&agent, MAX_AGENT_BYTES) {
            return Err(BuildError::Name {
                name: agent,
                reason,
            });
        }
        let Some(model) = model else {
            return Err(BuildError::NoModel { agent });
        };
        if let Some(enforcer) = &enforcer
            && enforcer.agent() != agent
        {
            let of = enforcer.agent().to_owned();
            return Err(BuildError::OtherEnforcer { agent, of });
        }
        if let Some(limit) = limits.zero() {
            return Err(BuildError::Limit { agent, limit });
        }
        let (mut entries, mut by_name) = (Vec::new(), BTreeMap::new());
        for given in given {
            let entry = entry(&agent, given)?;
            let tool = entry.spec.name.clone();
            if by_name.insert(tool.clone(), entries.len()).is_some() {
                return Err(BuildError::Twice { agent, tool });
            }
            entries.push(entry);
        }
        if !keeps_secrets {
            let scrubber = SecretScrubber::new().map_err(|error| BuildError::Guard {
                reason: error.to_string(),
            })?;
            guards.push(Arc::new(scrubber));
        }
        let notices = notices(&agent, enforcer.is_some(), keeps_secrets);
        Ok(Agent {
            parts: Arc::new(Parts {
                name: agent,
                model,
                system,
                entries,
                by_name,
                enforcer,
                guards,
                limits,
                observers,
            }),
            notices: notices.into(),
        })
    }
}

/// Why a name cannot be used, if it cannot.
fn unusable(name: &str, most: usize) -> Option<String> {
    if name.is_empty() || name.len() > most || name.chars().any(char::is_control) {
        return Some(format!(
            "it must be 1 to {most} bytes without control characters"
        ));
    }
    let one = spelled(name);
    (one != name).then(|| {
        format!(
            "a name has one spelling, Unicode's form NFKC; write `{}`",
            one.escape_unicode()
        )
    })
}

fn entry(agent: &str, given: Given) -> Result<Entry, BuildError> {
    let (spec, gate, target) = match given {
        Given::Tool(tool) => {
            let spec = Arc::clone(tool.spec());
            let reason = unusable(&spec.name, MAX_NAME_BYTES).or_else(|| {
                is_closed_name(&spec.name).then(|| {
                    "names that begin so are closed: they mean more than a tool call".to_owned()
                })
            });
            if let Some(reason) = reason {
                return Err(BuildError::ToolName {
                    agent: agent.to_owned(),
                    tool: spec.name.clone(),
                    reason,
                });
            }
            let gate = spec.name.clone();
            (spec, gate, Target::Tool(tool))
        }
        Given::Agent(other, via, description) => {
            let spec = Arc::new(reach(other.name(), via, description));
            let gate = format!("agent.{}:{}", via.as_str(), other.name());
            (spec, gate, Target::Agent(other.parts, via))
        }
    };
    let schema = Schema::new(&spec.input_schema).map_err(|source| BuildError::Schema {
        agent: agent.to_owned(),
        tool: spec.name.clone(),
        source,
    })?;
    Ok(Entry {
        spec,
        schema,
        gate,
        target,
    })
}

/// What the model sees of an agent that it can reach.
fn reach(name: &str, via: Via, description: Option<String>) -> ToolSpec {
    // Providers take no other characters.
    let plain: String = name
        .chars()
        .map(|character| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => character,
            _ => '_',
        })
        .collect();
    let (tool, text, member, about, required) = match via {
        Via::Tool => (
            format!("delegate_to_{plain}"),
            format!(
                "Asks the agent '{name}' to do a task, and gives its answer. It knows nothing but the task."
            ),
            "task",
            "What it is to do, with all that it has to know.",
            json!(["task"]),
        ),
        Via::Handoff => (
            format!("transfer_to_{plain}"),
            format!(
                "Leaves the conversation to the agent '{name}', which answers the user from here on."
            ),
            "reason",
            "Why, in one sentence.",
            json!([]),
        ),
    };
    let schema = json!({
        "type": "object",
        "properties": {member: {"type": "string", "description": about}},
        "required": required,
        "additionalProperties": false,
    });
    ToolSpec::new(tool, description.unwrap_or(text), schema)
}

/// What is less safe than it could be: said when the agent is built, and kept.
fn notices(agent: &str, has_policy: bool, keeps_secrets: bool) -> Vec<String> {
    let mut notices = Vec::new();
    if !has_policy {
        notices.push(format!(
            "the agent `{agent}` has no policy, so every call of its tools is denied; give it an enforcer"
        ));
    }
    if keeps_secrets {
        notices.push(format!(
            "the agent `{agent}` shows keys that its tools find to its model, as it was asked to"
        ));
    }
    for notice in &notices {
        tracing::warn!(%agent, "{notice}");
    }
    notices
}

impl fmt::Debug for AgentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentBuilder")
            .field("name", &self.name)
            .field("enforcer", &self.enforcer)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
