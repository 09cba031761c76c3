//! An agent all of whose tools are wrapped.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use hexgate_base::guarded::{guarded_async, locked};
use hexgate_enforce::Enforcer;
use hexgate_gate::{Gate, InVain};
use swiftide_agents::errors::AgentError;
use swiftide_agents::hooks::Hook;
use swiftide_agents::{Agent, AgentBuilder, DefaultContext, State, StopReason};
use swiftide_core::chat_completion::{
    ChatCompletionRequest, ChatCompletionResponse, ChatMessage, ToolCall, ToolOutput,
};
use swiftide_core::prompt::Prompt;
use swiftide_core::{AgentContext, Tool};
use tokio::sync::oneshot;

use crate::feedback::Questions;
use crate::run::{Current, Turns};
use crate::tool::{self, Shared, arguments, is_gated};

type Tools = HashSet<Box<dyn Tool>>;

/// An agent whose calls are decided. It is run by these methods and not by those of the [`Agent`] within, which stays within: a copy of it would act
/// for whoever this one is run for.
#[derive(Debug)]
#[must_use = "an agent that is not run is gated in vain"]
pub struct Gated {
    agent: Agent,
    shared: Shared,
}

/// Why an agent is not gated. There is no agent then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The builder lacks something.
    #[error("the agent cannot be built: {0}")]
    Build(String),
    /// A toolbox does not say what it has.
    #[error("the toolboxes of the agent cannot be asked for their tools: {0}")]
    Toolboxes(String),
    /// The run did not begin.
    #[error("{0}")]
    NotAdmitted(String),
    /// The framework failed.
    #[error(transparent)]
    Agent(#[from] AgentError),
}

/// Builds an agent whose calls this enforcer decides. Its toolboxes are asked for their tools now.
///
/// # Errors
///
/// The agent cannot be built, or a toolbox does not say what it has.
pub async fn gate(mut builder: AgentBuilder, enforcer: &Enforcer) -> Result<Gated, GateError> {
    let shared = Shared {
        gate: Gate::new(enforcer),
        current: Current::default(),
        turns: Turns::default(),
        questions: Questions::default(),
    };
    let tools = all_tools(&builder).await?;
    builder
        .toolboxes(Vec::new())
        .without_default_stop_tool()
        .tools(tools.into_iter().map(|it| wrapped(it, &shared)));
    let (hides, attempts) = (shared.clone(), shared.clone());
    let vain = Vain::default();
    let answers = vain.clone();
    builder.before_completion(move |_: &Agent, request: &mut ChatCompletionRequest| {
        hide(&hides, request);
        Box::pin(std::future::ready(Ok(())))
    });
    builder.after_completion(
        move |agent: &Agent, response: &mut ChatCompletionResponse| {
            unknown(&attempts, &vain, agent, response);
            Box::pin(std::future::ready(Ok(())))
        },
    );
    let turns = shared.turns.clone();
    builder.before_tool(move |_: &Agent, call: &ToolCall| {
        let (turns, call) = (turns.clone(), call.id().to_owned());
        Box::pin(async move {
            turns.wait(call).await;
            Ok(())
        })
    });
    builder.after_each(move |agent: &Agent| {
        let answers = answers.clone();
        Box::pin(async move {
            let answered = std::mem::take(&mut *locked(&answers));
            for (call, message) in answered {
                let output = ChatMessage::ToolOutput(call, ToolOutput::fail(message));
                agent.context().add_message(output).await?;
            }
            Ok(())
        })
    });
    let agent = builder
        .build()
        .map_err(|error| GateError::Build(error.to_string()))?;
    Ok(Gated { agent, shared })
}

/// The tools of a builder with those of its toolboxes, which the framework loads when an agent starts: another agent of the same builder starts,
/// and is dropped before it does anything.
async fn all_tools(builder: &AgentBuilder) -> Result<Tools, GateError> {
    let found: Arc<Mutex<Option<Tools>>> = Arc::default();
    let (sender, started) = oneshot::channel::<()>();
    let sender = Arc::new(Mutex::new(Some(sender)));
    let mut probe = builder.clone();
    let keeps = Arc::clone(&found);
    probe
        .context(DefaultContext::default())
        .no_system_prompt()
        .hooks(Vec::<Hook>::new())
        .on_start(move |agent: &Agent| {
            *locked(&keeps) = Some(agent.tools().clone());
            if let Some(sender) = locked(&sender).take() {
                let _ = sender.send(());
            }
            Box::pin(std::future::pending())
        });
    let mut probe = probe
        .build()
        .map_err(|error| GateError::Build(error.to_string()))?;
    let ended = tokio::select! {
        biased;
        Ok(()) = started => None,
        ended = guarded_async(probe.run()) => Some(ended),
    };
    match (locked(&found).take(), ended) {
        (Some(tools), None) => Ok(tools),
        (_, Some(Ok(Err(error)))) => Err(GateError::Toolboxes(error.to_string())),
        (_, Some(Err(panic))) => Err(GateError::Toolboxes(panic)),
        _ => Err(GateError::Toolboxes("the agent did not start".to_owned())),
    }
}

fn wrapped(inner: Box<dyn Tool>, shared: &Shared) -> Box<dyn Tool> {
    if is_gated(&*inner, shared) {
        return inner;
    }
    Box::new(tool::Gated {
        inner,
        shared: shared.clone(),
    })
}

/// Hides what the caller can never call.
fn hide(shared: &Shared, request: &mut ChatCompletionRequest) {
    request
        .tools_spec
        .retain(|spec| shared.gate.shows(&spec.name));
}

/// Calls of tools that do not exist, and what the model is to read of them.
type Vain = Arc<Mutex<Vec<(ToolCall, String)>>>;

/// Has calls of tools decided that the agent does not have. The framework passes over them, so the model would read nothing of them.
fn unknown(shared: &Shared, vain: &Vain, agent: &Agent, response: &ChatCompletionResponse) {
    for call in response.tool_calls.iter().flatten() {
        let is_there = agent.tools().iter().any(|tool| tool.name() == call.name());
        if !is_there {
            let message = shared
                .gate
                .in_vain(call.name(), arguments(call), InVain::UnknownTool);
            locked(vain).push((call.clone(), message));
        }
    }
}

impl Gated {
    /// As [`Agent::query`], on behalf of the caller in scope.
    ///
    /// # Errors
    ///
    /// The run must not begin, or the framework failed.
    pub async fn query(&mut self, query: impl Into<Prompt>) -> Result<(), GateError> {
        let _running = self.begin().await?;
        Ok(self.agent.query(query).await?)
    }

    /// As [`Agent::query_once`], on behalf of the caller in scope.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub async fn query_once(&mut self, query: impl Into<Prompt>) -> Result<(), GateError> {
        let _running = self.begin().await?;
        Ok(self.agent.query_once(query).await?)
    }

    /// As [`Agent::run`], on behalf of the caller in scope.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub async fn run(&mut self) -> Result<(), GateError> {
        let _running = self.begin().await?;
        Ok(self.agent.run().await?)
    }

    /// As [`Agent::run_once`], on behalf of the caller in scope.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub async fn run_once(&mut self) -> Result<(), GateError> {
        let _running = self.begin().await?;
        Ok(self.agent.run_once().await?)
    }

    /// Adds a tool. Each call of it is decided.
    pub fn add_tool(&mut self, tool: Box<dyn Tool>) {
        let tool = wrapped(tool, &self.shared);
        self.agent.add_tool(tool);
    }

    /// As [`Agent::stop`].
    pub async fn stop(&mut self, reason: impl Into<StopReason>) {
        self.agent.stop(reason).await;
    }

    /// The agent's context: its messages, and where feedback is given.
    #[must_use]
    pub fn context(&self) -> &dyn AgentContext {
        self.agent.context()
    }

    /// As [`Agent::history`].
    ///
    /// # Errors
    ///
    /// The context has none.
    pub async fn history(&self) -> Result<Vec<ChatMessage>, AgentError> {
        self.agent.history().await
    }

    /// As [`Agent::stop_reason`].
    #[must_use]
    pub fn stop_reason(&self) -> Option<&StopReason> {
        self.agent.stop_reason()
    }

    /// As [`Agent::state`].
    #[must_use]
    pub fn state(&self) -> &State {
        self.agent.state()
    }

    /// The names of the tools, in order.
    #[must_use]
    pub fn tools(&self) -> Vec<String> {
        let tools = self.agent.tools().iter();
        let mut names: Vec<_> = tools.map(|tool| tool.name().into_owned()).collect();
        names.sort();
        names
    }

    async fn begin(&mut self) -> Result<crate::run::Running, GateError> {
        let begun = self.shared.gate.begin_run().await;
        begun.map_err(|refused| GateError::NotAdmitted(refused.message))?;
        let tools = self.agent.tools_mut();
        if tools.iter().any(|tool| !is_gated(&**tool, &self.shared)) {
            *tools = std::mem::take(tools)
                .into_iter()
                .map(|tool| wrapped(tool, &self.shared))
                .collect();
        }
        self.shared.turns.clear();
        Ok(self.shared.current.begin())
    }
}
