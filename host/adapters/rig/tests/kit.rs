//! Agents of rig, held to the scenarios of the kit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use hexgate_adapter_kit::{
    AgentSpec, Aspect, Driver, Entry, Kind, Play, Rewrite, Scenario, Script, Seen, ToolSpec,
    Uncovered, Ungated, check,
};
use hexgate_enforce::scope;
use hexgate_rig::Gated;
use rig_agent::AgentBuilder;
use rig_agent::agent::{AgentHook, DispatchAction, DispatchEvent, HookContext, StepEventKind};
use rig_agent::tool::server::{ToolServer, ToolServerHandle};
use rig_agent::tool::{DynamicTool, ToolOutput};
use rig_core::completion::{CompletionRequest, CompletionResponse, Usage};
use rig_core::driver::{Exchange, Model, Opened, Opening, Transport};
use rig_core::effect::EffectKind;
use rig_core::error::ProviderError;
use rig_core::message::{
    AssistantContent, Message, Origin, ToolCall, ToolFunction, ToolName, UserContent,
};
use rig_core::test_utils::{MockFrame, MockScript};
use rig_core::tool::{ManagedToolSink as _, ToolExecutionError};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_of_rig_hold_every_scenario() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/adapters/coverage");
    check(Arc::new(Rig), &folder).await.unwrap();
}

struct Rig;

#[async_trait]
impl Driver for Rig {
    fn host(&self) -> &'static str {
        "rig"
    }

    fn title(&self) -> &'static str {
        "rig 0.44"
    }

    /// The framework keeps arguments as values.
    fn keeps_bytes(&self) -> bool {
        false
    }

    /// The framework calls tools of servers and agents by their own names.
    fn policy_name(&self, tool: &ToolSpec) -> String {
        tool.name.clone()
    }

    fn uncovered(&self, scenario: &Scenario) -> Option<Uncovered> {
        if scenario.tools.iter().any(|tool| tool.kind == Kind::Handoff) {
            return Uncovered::absent("the framework has no handoffs");
        }
        match scenario.name.as_str() {
            "arguments-text" => Uncovered::absent(
                "the framework makes an object of a text that holds one, before anything else sees the call",
            ),
            "arguments-beyond-64-bits" => Uncovered::open_in(
                &[Aspect::Ran, Aspect::Records],
                "the framework reads such a number as the nearest one that it can keep, before anything else sees the call; that one is decided and runs",
            ),
            _ => None,
        }
    }

    fn ungated(&self) -> Vec<Ungated> {
        vec![
            Ungated::new(
                "tools of the provider",
                "they run at the provider of the model; each is named in a warning when a request asks for it, and by `Gated::uncovered`",
            ),
            Ungated::new(
                "the tools of a sub-agent that is not gated itself",
                "the sub-agent is one tool to the agent that calls it",
            ),
        ]
    }

    async fn play(&self, play: Play) -> Result<Seen, String> {
        let model = Player::new(play.script().clone());
        let enforcer = match play.enforcer() {
            Ok(builder) => builder.build().map_err(|error| error.to_string())?,
            Err(reason) => return Ok(play.without_gate(reason)),
        };
        let registry = ToolServer::new().run();
        for spec in play.tools() {
            add(&play, &registry, spec)?;
        }
        *model.later.lock().unwrap() = Some((play.clone(), registry.clone()));
        let read = Arc::clone(&model.read);
        let built = |model: Player| {
            let mut builder = AgentBuilder::new(Model::new(MockScript::new("kit"), model))
                .default_max_turns(40)
                .tool_server_handle(registry.clone());
            let hosted: Vec<_> = of_kind(&play, Kind::Provider).collect();
            if !hosted.is_empty() {
                builder = builder.additional_params(json!({"tools": hosted}));
            }
            if let Some(rewrite) = &play.around().rewrite_before {
                builder = builder.add_hook(Rewrites(rewrite.clone()));
            }
            hexgate_rig::gate(builder, &enforcer).map_err(|error| error.to_string())
        };
        let agent = built(model.clone())?;
        // The same tools behind a second gate.
        let agent = match play.around().wrapped_twice {
            true => built(model)?,
            false => agent,
        };
        let running = run(&play, &agent);
        let running = async {
            match play.caller() {
                Some(caller) => scope::scope(caller, running).await,
                None => running.await,
            }
        };
        let ended = tokio::select! {
            ended = running => ended,
            () = play.cancelled() => Ok(()),
        };
        // A run that the policy does not admit never asks the model.
        if let Err(error) = &ended
            && error.contains("'agent.run'")
        {
            return Ok(play.without_gate(error.clone()));
        }
        let results = read.lock().unwrap().clone();
        let mut seen = play.seen(results).await;
        seen.named_uncovered = agent.uncovered();
        Ok(seen)
    }
}

fn of_kind(play: &Play, kind: Kind) -> impl Iterator<Item = Value> {
    let tools = play.tools().iter().filter(move |tool| tool.kind == kind);
    tools.map(|tool| json!({"type": tool.name}))
}

/// How it ends is seen by what ran and what is recorded, unless it did not begin.
async fn run(play: &Play, agent: &Gated) -> Result<(), String> {
    let mut runner = agent.prompt("Go.");
    runner = runner.tool_concurrency(match play.tools().iter().any(|tool| tool.parallel) {
        true => 8,
        false => 1,
    });
    if let Some(rewrite) = &play.around().rewrite_after {
        runner = runner.add_hook(Rewrites(rewrite.clone()));
    }
    match play.around().entry {
        Entry::Plain => runner.await.map(drop).map_err(|error| error.to_string()),
        Entry::Streamed => {
            let mut stream = runner.stream();
            let mut ended = Ok(());
            while let Some(item) = stream.next().await {
                ended = item.map(drop).map_err(|error| error.to_string());
            }
            ended
        }
    }
}

fn add(play: &Play, registry: &ToolServerHandle, spec: &ToolSpec) -> Result<(), String> {
    match (spec.kind, &spec.agent) {
        (Kind::Function, _) => registry.add_dynamic_tool(function(play, spec)),
        // As clients of servers do.
        (Kind::Mcp, _) => drop(registry.add_managed_tools(vec![function(play, spec)])),
        (Kind::Agent, Some(below)) => registry.add_dynamic_tool(agent(play, spec, below)?),
        _ => {}
    }
    Ok(())
}

fn function(play: &Play, spec: &ToolSpec) -> DynamicTool {
    let (play, name) = (play.clone(), spec.name.clone());
    let named = ToolName::new(&spec.name).unwrap();
    DynamicTool::new(
        named,
        spec.description(),
        spec.schema.clone(),
        move |arguments| {
            let (play, name) = (play.clone(), name.clone());
            Box::pin(async move {
                let ran = play.toolbox().run(&name, &arguments.to_string()).await;
                ran.map(ToolOutput::text).map_err(ToolExecutionError::other)
            })
        },
    )
}

/// A gated agent as a tool of another one.
fn agent(play: &Play, spec: &ToolSpec, below: &AgentSpec) -> Result<DynamicTool, String> {
    let enforcer = play.enforcer_of(&spec.name)?;
    let enforcer = enforcer.build().map_err(|error| error.to_string())?;
    let model = Player::new(play.script_of(&spec.name, below));
    let registry = ToolServer::new().run();
    for tool in &below.tools {
        add(play, &registry, tool)?;
    }
    let builder = AgentBuilder::new(Model::new(MockScript::new("kit"), model))
        .default_max_turns(40)
        .tool_server_handle(registry);
    let agent = hexgate_rig::gate(builder, &enforcer).map_err(|error| error.to_string())?;
    let named = ToolName::new(&spec.name).unwrap();
    Ok(DynamicTool::new(
        named,
        spec.description(),
        spec.schema.clone(),
        move |arguments| {
            let agent = agent.clone();
            Box::pin(async move {
                let task = arguments.get("task").and_then(Value::as_str);
                let task = task.unwrap_or_default().to_owned();
                let answer = agent.prompt(task).await;
                let answer = answer.map_err(ToolExecutionError::from_error)?;
                Ok(ToolOutput::text(answer.output()))
            })
        },
    ))
}

/// Another hook.
struct Rewrites(Rewrite);

impl AgentHook for Rewrites {
    fn observes(&self, kind: StepEventKind) -> bool {
        kind == StepEventKind::ToolDispatch
    }

    async fn on_dispatch(&self, _: &HookContext, event: DispatchEvent<'_>) -> DispatchAction {
        match event.kind {
            EffectKind::ToolCall { name, .. } if *name == self.0.tool => {
                DispatchAction::patch(EffectKind::ToolCall {
                    name: name.clone(),
                    args: self.0.arguments.clone(),
                })
            }
            _ => DispatchAction::proceed(),
        }
    }
}

/// A model that plays a script.
#[derive(Clone)]
struct Player {
    script: Script,
    /// How many calls were proposed.
    calls: Arc<Mutex<usize>>,
    /// What was read of each.
    read: Arc<Mutex<Vec<String>>>,
    /// Where tools come into being.
    later: Arc<Mutex<Option<(Play, ToolServerHandle)>>>,
}

impl Player {
    fn new(script: Script) -> Self {
        Self {
            script,
            calls: Arc::default(),
            read: Arc::default(),
            later: Arc::default(),
        }
    }

    fn reads(&self, request: &CompletionRequest) {
        let mut read = self.read.lock().unwrap();
        let mut texts = 0;
        for message in &request.chat_history {
            let Message::User { content } = message else {
                continue;
            };
            for item in content {
                let (nth, text) = match item {
                    UserContent::ToolResult(result) => {
                        let id = result.call.to_string();
                        let nth = id.strip_prefix("call-").and_then(|it| it.parse().ok());
                        let pieces = result.content.iter().filter_map(|it| it.as_text());
                        (nth, pieces.collect::<String>())
                    }
                    // A model that is shown no tools reads results as texts, in their order.
                    UserContent::Text(text) if text.text.starts_with("[tool ") => {
                        texts += 1;
                        (Some(texts - 1), text.text.clone())
                    }
                    _ => continue,
                };
                let Some(nth) = nth else { continue };
                if read.len() <= nth {
                    read.resize(nth + 1, String::new());
                }
                if let Some(slot) = read.get_mut(nth) {
                    *slot = text;
                }
            }
        }
    }

    /// What comes into being before the next answer does before that one is asked for.
    fn adds(&self) {
        if let Some((play, registry)) = &*self.later.lock().unwrap() {
            for name in self.script.adds() {
                let spec = play.tools().iter().find(|tool| tool.name == name);
                registry.add_dynamic_tool(function(play, spec.unwrap()));
            }
        }
    }
}

impl Transport<MockScript> for Player {
    fn send(&self, request: CompletionRequest, _: Exchange) -> Opening<MockFrame> {
        self.reads(&request);
        let mut content = Vec::new();
        let mut is_broken = false;
        match self.script.next() {
            None => content.push(AssistantContent::text("Done.")),
            Some(turn) => {
                is_broken = turn.broken;
                let mut calls = self.calls.lock().unwrap();
                for call in turn.calls {
                    let function =
                        ToolFunction::parse(ToolName::new(call.tool).unwrap(), &call.arguments);
                    let id = format!("call-{calls}");
                    content.push(AssistantContent::ToolCall(ToolCall::from_wire(
                        id, function,
                    )));
                    *calls += 1;
                }
            }
        }
        self.adds();
        if is_broken {
            // The stream breaks off in its midst: no whole answer ever comes.
            let broken = ProviderError::Provider("the stream broke off".to_owned());
            return Opening::ready(Opened::new(stream::iter([Err(broken)])));
        }
        let origin = Origin::new("example.api", "kit", "");
        let response = CompletionResponse::new(content, Usage::new(), origin, Value::Null);
        let frame = MockFrame::Response(Box::new(response));
        Opening::ready(Opened::new(stream::iter([Ok(frame)])))
    }
}
