//! The runtime: an agent whose model plays the script.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use hexgate_adapter_kit::{
    AgentSpec, CallSpec, Driver, Entry, Kind, Play, Rewrite, Scenario, ScenarioResult, Script,
    Seen, ToolSpec, Uncovered, outcome, scenarios,
};
use hexgate_agent::guard::{Before, Guard, GuardError, GuardedCall};
use hexgate_agent::message::{Message, ProposedCall};
use hexgate_agent::model::{
    Delta, Model, ModelError, ModelId, ModelRequest, ModelStream, Stop, Usage,
};
use hexgate_agent::tool::{self, Progress, Tool, ToolError, ToolOutput};
use hexgate_agent::{Agent, AgentBuilder, Conversation, Ended};
use hexgate_enforce::Permit;

use super::holds;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runtime_holds_every_scenario() {
    let streamed = false;
    holds(Runtime { streamed }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_run_holds_every_scenario_alike() {
    let (plain, streamed): (Arc<dyn Driver>, Arc<dyn Driver>) = (
        Arc::new(Runtime { streamed: false }),
        Arc::new(Runtime { streamed: true }),
    );
    for scenario in scenarios().unwrap() {
        let found = outcome(&streamed, &scenario).await;
        let found = found.unwrap_or_else(|why| panic!("{}: {why}", scenario.name));
        let is_covered = plain.uncovered(&scenario).is_none();
        assert_eq!(
            found == ScenarioResult::Passes,
            is_covered,
            "{}",
            scenario.name
        );
    }
}

struct Runtime {
    /// Whether all runs are followed while they go on, whatever the scenario.
    streamed: bool,
}

#[async_trait]
impl Driver for Runtime {
    fn host(&self) -> &'static str {
        "runtime"
    }

    fn title(&self) -> &'static str {
        "Runtime"
    }

    fn uncovered(&self, scenario: &Scenario) -> Option<Uncovered> {
        let has = |kind| scenario.tools.iter().any(|tool| tool.kind == kind);
        let around = &scenario.around;
        if has(Kind::Later) {
            return Uncovered::absent("an agent has the tools with which it was built");
        }
        if has(Kind::Mcp) {
            return Uncovered::absent(
                "servers are no tools of an agent; the gateway stands before them",
            );
        }
        if has(Kind::Provider) {
            return Uncovered::absent("no provider is asked for tools that it runs itself");
        }
        if scenario.caller.is_none() {
            return Uncovered::absent("a run begins on behalf of a caller, which its types want");
        }
        if around.rewrite_after.is_some() {
            return Uncovered::absent("nothing stands between a permit and its tool");
        }
        if around.wrapped_twice {
            return Uncovered::absent("an agent has one enforcer, and its tools have none");
        }
        None
    }

    async fn play(&self, play: Play) -> Result<Seen, String> {
        let caller = play.caller().ok_or("there is no caller")?;
        let names = play.tools().iter().map(called).collect();
        let model = Player::new(play.script().clone(), names);
        let mut builder = agent(&play, play.agent(), play.tools(), model)?;
        if let Some(rewrite) = &play.around().rewrite_before {
            builder = builder.guard(Rewrites(rewrite.clone()));
        }
        let agent = builder.build().map_err(|error| error.to_string())?;
        let mut talk = Conversation::new();
        let running = async {
            let entry = match self.streamed {
                true => Entry::Streamed,
                false => play.around().entry,
            };
            match entry {
                Entry::Plain => agent.invoke_in(&mut talk, &caller, "Go.").await,
                Entry::Streamed => {
                    let mut events = agent.stream_in(&mut talk, &caller, "Go.");
                    while events.next().await.is_some() {}
                    events.finish().await
                }
            }
        };
        let outcome = tokio::select! {
            outcome = running => Some(outcome),
            () = play.cancelled() => None,
        };
        if let Some(Err(error)) = outcome
            && let Ended::NotAdmitted { message } = error.outcome.ended
        {
            return Ok(play.without_gate(message));
        }
        let results = talk.messages().iter().filter_map(|message| match message {
            Message::Tool { content, .. } => Some(content.clone()),
            _ => None,
        });
        let results = results.collect();
        Ok(play.seen(results).await)
    }
}

/// The name by which the model calls a tool.
fn called(tool: &ToolSpec) -> (String, String) {
    let name = match tool.kind {
        Kind::Agent => format!("delegate_to_{}", tool.name),
        Kind::Handoff => format!("transfer_to_{}", tool.name),
        _ => tool.name.clone(),
    };
    (tool.name.clone(), name)
}

fn agent(
    play: &Play,
    name: &str,
    tools: &[ToolSpec],
    model: Player,
) -> Result<AgentBuilder, String> {
    let mut builder = Agent::builder(name).model(model);
    // Without a policy there is no enforcer, and the runtime goes on.
    if let Ok(enforcer) = play.enforcer_of(name) {
        builder = builder.enforcer(enforcer.build().map_err(|error| error.to_string())?);
    }
    for spec in tools {
        builder = match (spec.kind, &spec.agent) {
            (Kind::Agent, Some(below)) => builder.subagent(other(play, &spec.name, below)?),
            (Kind::Handoff, Some(below)) => builder.handoff(other(play, &spec.name, below)?),
            (Kind::Unknown, _) => builder,
            _ => builder.tool(Function::new(play, spec)),
        };
    }
    Ok(builder)
}

fn other(play: &Play, name: &str, spec: &AgentSpec) -> Result<Agent, String> {
    let names = spec.tools.iter().map(called).collect();
    let model = Player::new(play.script_of(name, spec), names);
    let builder = agent(play, name, &spec.tools, model)?;
    builder.build().map_err(|error| error.to_string())
}

/// A tool of the scenario.
struct Function {
    spec: Arc<tool::ToolSpec>,
    play: Play,
}

impl Function {
    fn new(play: &Play, spec: &ToolSpec) -> Self {
        let told = tool::ToolSpec::new(&spec.name, spec.description(), spec.schema.clone());
        Self {
            spec: Arc::new(match spec.parallel {
                true => told.concurrent(),
                false => told,
            }),
            play: play.clone(),
        }
    }
}

#[async_trait]
impl Tool for Function {
    fn spec(&self) -> &Arc<tool::ToolSpec> {
        &self.spec
    }

    async fn call(&self, permit: Permit, _: &Progress) -> Result<ToolOutput, ToolError> {
        let toolbox = self.play.toolbox();
        match toolbox.run(&self.spec.name, permit.arguments()).await {
            Ok(text) => Ok(ToolOutput::new(text)),
            Err(why) => Err(ToolError::new("failed", why)),
        }
    }
}

struct Rewrites(Rewrite);

#[async_trait]
impl Guard for Rewrites {
    fn name(&self) -> &str {
        "rewrites"
    }

    async fn before(&self, call: &GuardedCall<'_>) -> Result<Before, GuardError> {
        Ok(match call.tool == self.0.tool {
            true => Before::Rewrite(self.0.arguments.clone()),
            false => Before::Proceed,
        })
    }
}

/// A model that plays a script.
struct Player {
    id: ModelId,
    script: Script,
    names: Vec<(String, String)>,
}

impl Player {
    fn new(script: Script, names: Vec<(String, String)>) -> Self {
        Self {
            id: ModelId {
                provider: "kit".to_owned(),
                name: "script".to_owned(),
            },
            script,
            names,
        }
    }

    /// A call as this runtime's tools want it.
    fn proposed(&self, nth: usize, call: CallSpec) -> ProposedCall {
        let found = self.names.iter().find(|(name, _)| *name == call.tool);
        let tool = found.map_or(call.tool, |(_, called)| called.clone());
        ProposedCall {
            id: format!("call_{nth}"),
            arguments: match tool.starts_with("transfer_to_") {
                true => call.arguments.replace("\"task\"", "\"reason\""),
                false => call.arguments,
            },
            tool,
            signatures: Vec::new(),
        }
    }
}

#[async_trait]
impl Model for Player {
    fn id(&self) -> &ModelId {
        &self.id
    }

    async fn respond(&self, _: ModelRequest) -> Result<ModelStream, ModelError> {
        let mut pieces = Vec::new();
        let (mut stop, mut is_broken) = (Stop::Finished, false);
        match self.script.next() {
            None => pieces.push(Ok(Delta::Text("Done.".to_owned()))),
            Some(turn) => {
                if !turn.text.is_empty() {
                    pieces.push(Ok(Delta::Text(turn.text)));
                }
                for (nth, call) in turn.calls.into_iter().enumerate() {
                    stop = Stop::Calls;
                    pieces.push(Ok(Delta::Call(self.proposed(nth, call))));
                }
                is_broken = turn.broken;
            }
        }
        if !is_broken {
            let usage = Usage::default();
            pieces.push(Ok(Delta::End { stop, usage }));
        }
        Ok(stream::iter(pieces).boxed())
    }
}
