//! Agents of swiftide, held to the scenarios of the kit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::stream;
use hexgate_adapter_kit::{
    AgentSpec, Aspect, Driver, Entry, Kind, Play, Scenario, Script, Seen, ToolSpec as Spec,
    Uncovered, Ungated, check,
};
use hexgate_enforce::{Enforcer, scope};
use hexgate_swiftide::{GateError, Gated};
use swiftide_agents::Agent;
use swiftide_core::chat_completion::errors::{LanguageModelError, ToolError};
use swiftide_core::chat_completion::{
    ChatCompletionRequest, ChatCompletionResponse, ChatMessage, ToolCall, ToolOutput, ToolSpec,
};
use swiftide_core::{AgentContext, ChatCompletion, ChatCompletionStream, Tool, ToolBox};
use tokio::sync::Mutex as Held;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_of_swiftide_hold_every_scenario() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/adapters/coverage");
    check(Arc::new(Swiftide), &folder).await.unwrap();
}

struct Swiftide;

#[async_trait]
impl Driver for Swiftide {
    fn host(&self) -> &'static str {
        "swiftide"
    }

    fn title(&self) -> &'static str {
        "swiftide 0.32"
    }

    /// The framework reads and writes arguments before anyone else sees them.
    fn keeps_bytes(&self) -> bool {
        false
    }

    /// The framework calls tools of servers and agents by their own names.
    fn policy_name(&self, tool: &Spec) -> String {
        tool.name.clone()
    }

    fn uncovered(&self, scenario: &Scenario) -> Option<Uncovered> {
        let has = |kind| scenario.tools.iter().any(|tool| tool.kind == kind);
        if has(Kind::Handoff) {
            return Uncovered::absent("agents have no handoffs");
        }
        if has(Kind::Provider) {
            return Uncovered::absent("the framework offers no tools that a provider runs");
        }
        if has(Kind::Later) {
            return Uncovered::absent("a run has the tools with which it began");
        }
        if scenario.around.wrapped_twice {
            return Uncovered::absent(
                "an agent is gated as it is built, and its tools are not given out again",
            );
        }
        if scenario.around.rewrite_after.is_some() {
            return Uncovered::absent("nothing stands between the gate and its tool");
        }
        if scenario.name == "arguments-beyond-64-bits" {
            return Uncovered::open_in(
                &[Aspect::Ran, Aspect::Records],
                "the framework reads such a number as the nearest one that it can keep, before anything else sees the call; that one is decided and runs",
            );
        }
        None
    }

    fn ungated(&self) -> Vec<Ungated> {
        vec![Ungated::new(
            "the tools of a sub-agent that is not gated itself",
            "the sub-agent is one tool to the agent that calls it",
        )]
    }

    async fn play(&self, play: Play) -> Result<Seen, String> {
        let enforcer = match play.enforcer() {
            Ok(builder) => builder.build().map_err(|error| error.to_string())?,
            Err(reason) => return Ok(play.without_gate(reason)),
        };
        let model = Player::new(play.script().clone());
        let read = Arc::clone(&model.read);
        let mut agent = agent(&play, play.tools(), model, &enforcer).await?;
        let running = agent.query("Go.");
        let running = async {
            match play.caller() {
                Some(caller) => scope::scope(caller, running).await,
                None => running.await,
            }
        };
        let ended = tokio::select! {
            ended = running => Some(ended),
            () = play.cancelled() => None,
        };
        if let Some(Err(GateError::NotAdmitted(message))) = ended {
            return Ok(play.without_gate(message));
        }
        if let Ok(history) = agent.history().await {
            reads(&read, &history);
        }
        let results = read.lock().unwrap().clone();
        Ok(play.seen(results).await)
    }
}

async fn agent(
    play: &Play,
    tools: &[Spec],
    model: Player,
    enforcer: &Enforcer,
) -> Result<Gated, String> {
    let mut builder = Agent::builder();
    builder
        .llm(&model)
        .limit(40)
        .streaming(play.around().entry == Entry::Streamed);
    let mut own: Vec<Box<dyn Tool>> = Vec::new();
    let mut of_server: Vec<Box<dyn Tool>> = Vec::new();
    for spec in tools {
        let function = Function::new(play, spec);
        match (spec.kind, &spec.agent) {
            (Kind::Function, _) => own.push(Box::new(function)),
            (Kind::Mcp, _) => of_server.push(Box::new(function)),
            (Kind::Agent, Some(below)) => {
                let agent = Box::pin(other(play, &spec.name, below)).await?;
                let agent = Arc::new(Held::new(agent));
                own.push(Box::new(Delegates(function, agent)));
            }
            _ => {}
        }
    }
    builder.tools(own).add_toolbox(Server(of_server));
    if let Some(rewrite) = play.around().rewrite_before.clone() {
        builder.after_completion(move |_: &Agent, answer: &mut ChatCompletionResponse| {
            for call in answer.tool_calls.iter_mut().flatten() {
                if call.name() == rewrite.tool {
                    call.with_args(Some(rewrite.arguments.clone()));
                }
            }
            Box::pin(std::future::ready(Ok(())))
        });
    }
    let gated = hexgate_swiftide::gate(builder, enforcer).await;
    gated.map_err(|error| error.to_string())
}

async fn other(play: &Play, name: &str, below: &AgentSpec) -> Result<Gated, String> {
    let enforcer = play.enforcer_of(name)?;
    let enforcer = enforcer.build().map_err(|error| error.to_string())?;
    let model = Player::new(play.script_of(name, below));
    agent(play, &below.tools, model, &enforcer).await
}

/// A tool of the scenario.
#[derive(Clone)]
struct Function {
    spec: Spec,
    play: Play,
}

impl Function {
    fn new(play: &Play, spec: &Spec) -> Self {
        Self {
            spec: spec.clone(),
            play: play.clone(),
        }
    }
}

#[async_trait]
impl Tool for Function {
    async fn invoke(&self, _: &dyn AgentContext, call: &ToolCall) -> Result<ToolOutput, ToolError> {
        let arguments = call.args().unwrap_or("{}");
        let ran = self.play.toolbox().run(&self.spec.name, arguments).await;
        Ok(match ran {
            Ok(text) => ToolOutput::text(text),
            Err(why) => ToolOutput::fail(why),
        })
    }

    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.spec.name)
    }

    fn tool_spec(&self) -> ToolSpec {
        ToolSpec::builder()
            .name(self.spec.name.clone())
            .description(self.spec.description())
            .build()
            .unwrap()
    }
}

/// Another agent as a tool.
#[derive(Clone)]
struct Delegates(Function, Arc<Held<Gated>>);

#[async_trait]
impl Tool for Delegates {
    async fn invoke(&self, _: &dyn AgentContext, _: &ToolCall) -> Result<ToolOutput, ToolError> {
        let ran = self.1.lock().await.query("Go.").await;
        Ok(match ran {
            Ok(()) => ToolOutput::text("Done."),
            Err(error) => ToolOutput::fail(error.to_string()),
        })
    }

    fn name(&self) -> Cow<'_, str> {
        self.0.name()
    }

    fn tool_spec(&self) -> ToolSpec {
        self.0.tool_spec()
    }
}

/// The tools of a server.
#[derive(Clone)]
struct Server(Vec<Box<dyn Tool>>);

#[async_trait]
impl ToolBox for Server {
    async fn available_tools(&self) -> anyhow::Result<Vec<Box<dyn Tool>>> {
        Ok(self.0.clone())
    }
}

/// A model that plays a script.
#[derive(Clone)]
struct Player {
    script: Script,
    calls: Arc<Mutex<usize>>,
    /// What was read of each call.
    read: Arc<Mutex<Vec<String>>>,
}

impl Player {
    fn new(script: Script) -> Self {
        Self {
            script,
            calls: Arc::default(),
            read: Arc::default(),
        }
    }

    /// The next answer, and whether it breaks off.
    fn answer(&self) -> (ChatCompletionResponse, bool) {
        let mut builder = ChatCompletionResponse::builder();
        let mut is_broken = false;
        match self.script.next() {
            None => drop(builder.maybe_message("Done.".to_owned())),
            Some(turn) => {
                is_broken = turn.broken;
                let mut nth = self.calls.lock().unwrap();
                let calls: Vec<_> = turn
                    .calls
                    .into_iter()
                    .map(|call| {
                        let id = format!("call-{nth}");
                        *nth += 1;
                        ToolCall::builder()
                            .id(id)
                            .name(call.tool)
                            .args(call.arguments)
                            .build()
                            .unwrap()
                    })
                    .collect();
                builder.maybe_tool_calls(calls);
            }
        }
        (builder.build().unwrap(), is_broken)
    }
}

fn reads(read: &Mutex<Vec<String>>, messages: &[ChatMessage]) {
    let mut read = read.lock().unwrap();
    for message in messages {
        let ChatMessage::ToolOutput(call, output) = message else {
            continue;
        };
        let Some(nth) = call
            .id()
            .strip_prefix("call-")
            .and_then(|it| it.parse().ok())
        else {
            continue;
        };
        if read.len() <= nth {
            read.resize(nth + 1, String::new());
        }
        if let Some(slot) = read.get_mut(nth) {
            *slot = output.to_string();
        }
    }
}

#[async_trait]
impl ChatCompletion for Player {
    async fn complete(
        &self,
        _: &ChatCompletionRequest,
    ) -> Result<ChatCompletionResponse, LanguageModelError> {
        match self.answer() {
            (answer, false) => Ok(answer),
            (_, true) => Err(LanguageModelError::permanent("the stream broke off")),
        }
    }

    async fn complete_stream(&self, _: &ChatCompletionRequest) -> ChatCompletionStream {
        let (answer, is_broken) = self.answer();
        let mut pieces = vec![Ok(answer)];
        if is_broken {
            pieces.push(Err(LanguageModelError::permanent("the stream broke off")));
        }
        Box::pin(stream::iter(pieces))
    }
}
