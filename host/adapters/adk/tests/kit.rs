//! Agents of adk-rust, held to the scenarios of the kit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use adk_agent::LlmAgentBuilder;
use adk_core::{
    AdkError, Agent, CallbackContext, Content, FinishReason, Llm, LlmRequest, LlmResponse,
    LlmResponseStream, Part, ReadonlyContext, RunConfig, SessionId, StreamingMode, Tool,
    ToolContext, ToolExecutionStrategy, Toolset, UserId,
};
use adk_plugin::{BeforeToolCallResult, EnhancedPlugin, PluginContext};
use adk_runner::Runner;
use adk_session::{CreateRequest, InMemorySessionService, SessionService};
use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use hexgate_adapter_kit::{
    AgentSpec, Aspect, Driver, Entry, Kind, Play, Rewrite, Scenario, Script, Seen, ToolSpec,
    Uncovered, Ungated, check,
};
use hexgate_enforce::{Enforcer, scope};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_of_adk_hold_every_scenario() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/adapters/coverage");
    check(Arc::new(Adk), &folder).await.unwrap();
}

struct Adk;

#[async_trait]
impl Driver for Adk {
    fn host(&self) -> &'static str {
        "adk"
    }

    fn title(&self) -> &'static str {
        "adk-rust 2.3"
    }

    /// The framework keeps arguments as values.
    fn keeps_bytes(&self) -> bool {
        false
    }

    /// The framework calls tools of servers and agents by their own names. Handoffs have the names of the runtime.
    fn policy_name(&self, tool: &ToolSpec) -> String {
        match tool.kind {
            Kind::Handoff => format!("agent.handoff:{}", tool.name),
            _ => tool.name.clone(),
        }
    }

    fn uncovered(&self, scenario: &Scenario) -> Option<Uncovered> {
        if scenario.around.rewrite_after.is_some() {
            return Uncovered::absent("nothing stands between the gate and its tool");
        }
        if scenario.tools.iter().any(|tool| tool.kind == Kind::Later) {
            return Uncovered::absent("an invocation has the tools with which it began");
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
        vec![
            Ungated::new(
                "built-in tools",
                "they run at the provider of the model; each is named in a warning when the agent gets it, and by `GatedBuilder::uncovered`",
            ),
            Ungated::new(
                "the tools of a sub-agent that is not gated itself",
                "the sub-agent is one tool or one handoff to the agent that calls it",
            ),
        ]
    }

    async fn play(&self, play: Play) -> Result<Seen, String> {
        let enforcer = match play.enforcer() {
            Ok(builder) => builder.build().map_err(|error| error.to_string())?,
            Err(reason) => return Ok(play.without_gate(reason)),
        };
        let model = Player::new(play.script().clone(), play.tools());
        let read = Arc::clone(&model.read);
        let (agent, uncovered) = agent(&play, play.agent(), play.tools(), model, &enforcer)?;
        let running = run(&play, agent);
        let running = async {
            match play.caller() {
                Some(caller) => scope::scope(caller, running).await,
                None => running.await,
            }
        };
        let refused = tokio::select! {
            ran = running => ran?,
            () = play.cancelled() => None,
        };
        if let Some(message) = refused {
            return Ok(play.without_gate(message));
        }
        let results = read.lock().unwrap().clone();
        let mut seen = play.seen(results).await;
        seen.named_uncovered = uncovered;
        Ok(seen)
    }
}

/// What the agent says in the place of a run that does not begin.
async fn run(play: &Play, agent: Arc<dyn Agent>) -> Result<Option<String>, String> {
    let text = |error: AdkError| error.to_string();
    let sessions = Arc::new(InMemorySessionService::new());
    let session = CreateRequest {
        app_name: "kit".to_owned(),
        user_id: "user".to_owned(),
        session_id: Some("session".to_owned()),
        state: HashMap::new(),
    };
    sessions.create(session).await.map_err(text)?;
    let runner = Runner::builder()
        .app_name("kit")
        .agent(agent)
        .session_service(sessions)
        .build()
        .map_err(text)?;
    let mode = match play.around().entry {
        Entry::Plain => StreamingMode::None,
        Entry::Streamed => StreamingMode::SSE,
    };
    let config = RunConfig::builder().streaming_mode(mode).build();
    let events = runner.run_with_config(
        UserId::new("user").unwrap(),
        SessionId::new("session").unwrap(),
        Content::new("user").with_text("Go."),
        Some(config),
    );
    let mut events = events.await.map_err(text)?;
    // How it ends is seen by what ran and what is recorded.
    let mut refused = None;
    while let Some(event) = events.next().await {
        let content = event.ok().and_then(|event| event.llm_response.content);
        for part in content.into_iter().flat_map(|content| content.parts) {
            if let Part::Text { text } = part
                && text.contains("'agent.run'")
            {
                refused = Some(text);
            }
        }
    }
    Ok(refused)
}

fn agent(
    play: &Play,
    name: &str,
    tools: &[ToolSpec],
    model: Player,
    enforcer: &Enforcer,
) -> Result<(Arc<dyn Agent>, Vec<String>), String> {
    let mut builder = LlmAgentBuilder::new(name).model(Arc::new(model));
    if tools.iter().any(|tool| tool.parallel) {
        builder = builder.tool_execution_strategy(ToolExecutionStrategy::Parallel);
    }
    if let Some(rewrite) = &play.around().rewrite_before {
        builder = builder.enhanced_plugin(Arc::new(Rewrites(rewrite.clone())));
    }
    let mut gated = hexgate_adk::gate(builder, enforcer);
    let mut of_server: Vec<Arc<dyn Tool>> = Vec::new();
    for spec in tools {
        let function = Function::new(play, spec);
        match (spec.kind, &spec.agent) {
            (Kind::Function | Kind::Provider, _) => {
                let mut tool: Arc<dyn Tool> = Arc::new(function);
                if play.around().wrapped_twice {
                    tool = hexgate_adk::gated_tool(tool, enforcer);
                }
                gated = gated.tool(tool);
            }
            (Kind::Mcp, _) => of_server.push(Arc::new(function)),
            (Kind::Agent, Some(below)) => {
                let agent = other(play, &spec.name, below)?;
                gated = gated.tool(Arc::new(Delegates(function, agent)));
            }
            (Kind::Handoff, Some(below)) => {
                let agent = other(play, &spec.name, below)?;
                gated = gated.with(|builder| builder.sub_agent(agent));
            }
            _ => {}
        }
    }
    if !of_server.is_empty() {
        gated = gated.toolset(Arc::new(Server(of_server)));
    }
    let uncovered = gated.uncovered();
    let agent = gated.build().map_err(|error| error.to_string())?;
    Ok((Arc::new(agent), uncovered))
}

fn other(play: &Play, name: &str, below: &AgentSpec) -> Result<Arc<dyn Agent>, String> {
    let enforcer = play.enforcer_of(name)?;
    let enforcer = enforcer.build().map_err(|error| error.to_string())?;
    let model = Player::new(play.script_of(name, below), &below.tools);
    Ok(agent(play, name, &below.tools, model, &enforcer)?.0)
}

/// A tool of the scenario.
struct Function {
    spec: ToolSpec,
    description: String,
    play: Play,
}

impl Function {
    fn new(play: &Play, spec: &ToolSpec) -> Self {
        Self {
            spec: spec.clone(),
            description: spec.description(),
            play: play.clone(),
        }
    }
}

#[async_trait]
impl Tool for Function {
    fn name(&self) -> &str {
        &self.spec.name
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn parameters_schema(&self) -> Option<Value> {
        Some(self.spec.schema.clone())
    }

    fn is_builtin(&self) -> bool {
        self.spec.kind == Kind::Provider
    }

    async fn execute(&self, _: Arc<dyn ToolContext>, args: Value) -> adk_core::Result<Value> {
        let arguments = args.to_string();
        let ran = self.play.toolbox().run(&self.spec.name, &arguments).await;
        ran.map(Value::String).map_err(AdkError::tool)
    }
}

/// Another agent as a tool, which runs it in a session of its own.
struct Delegates(Function, Arc<dyn Agent>);

#[async_trait]
impl Tool for Delegates {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn description(&self) -> &str {
        self.0.description()
    }

    async fn execute(&self, _: Arc<dyn ToolContext>, _: Value) -> adk_core::Result<Value> {
        let ran = run(&self.0.play, Arc::clone(&self.1)).await;
        ran.map(|_| "Done.".into()).map_err(AdkError::tool)
    }
}

/// The tools of a server.
struct Server(Vec<Arc<dyn Tool>>);

#[async_trait]
impl Toolset for Server {
    fn name(&self) -> &str {
        "files"
    }

    async fn tools(&self, _: Arc<dyn ReadonlyContext>) -> adk_core::Result<Vec<Arc<dyn Tool>>> {
        Ok(self.0.clone())
    }
}

/// Another plugin.
struct Rewrites(Rewrite);

#[async_trait]
impl EnhancedPlugin for Rewrites {
    fn name(&self) -> &str {
        "rewrites"
    }

    async fn before_tool_call(
        &self,
        tool: Arc<dyn Tool>,
        args: Value,
        _: Arc<dyn CallbackContext>,
        _: &PluginContext,
    ) -> adk_core::Result<BeforeToolCallResult> {
        Ok(BeforeToolCallResult::Continue(
            match tool.name() == self.0.tool {
                true => serde_json::from_str(&self.0.arguments).unwrap(),
                false => args,
            },
        ))
    }
}

/// A model that plays a script.
struct Player {
    script: Script,
    handoffs: Vec<String>,
    calls: Mutex<usize>,
    /// What was read of each call.
    read: Arc<Mutex<Vec<String>>>,
}

impl Player {
    fn new(script: Script, tools: &[ToolSpec]) -> Self {
        let handoffs = tools.iter().filter(|tool| tool.kind == Kind::Handoff);
        Self {
            script,
            handoffs: handoffs.map(|tool| tool.name.clone()).collect(),
            calls: Mutex::default(),
            read: Arc::default(),
        }
    }

    fn reads(&self, request: &LlmRequest) {
        let mut read = self.read.lock().unwrap();
        for part in request.contents.iter().flat_map(|content| &content.parts) {
            let Part::FunctionResponse {
                function_response,
                id: Some(id),
                ..
            } = part
            else {
                continue;
            };
            let Some(nth) = id.strip_prefix("call-").and_then(|it| it.parse().ok()) else {
                continue;
            };
            if read.len() <= nth {
                read.resize(nth + 1, String::new());
            }
            if let Some(slot) = read.get_mut(nth) {
                *slot = function_response.response.to_string();
            }
        }
    }
}

#[async_trait]
impl Llm for Player {
    fn name(&self) -> &str {
        "kit"
    }

    async fn generate_content(
        &self,
        request: LlmRequest,
        _: bool,
    ) -> adk_core::Result<LlmResponseStream> {
        self.reads(&request);
        let mut content = Content::new("model");
        let mut is_broken = false;
        match self.script.next() {
            None => content = content.with_text("Done."),
            Some(turn) => {
                is_broken = turn.broken;
                let mut calls = self.calls.lock().unwrap();
                for call in turn.calls {
                    // Providers give text that is no JSON as a text.
                    let args = serde_json::from_str(&call.arguments)
                        .unwrap_or(Value::String(call.arguments));
                    let (name, args) = match self.handoffs.contains(&call.tool) {
                        true => {
                            let args = json!({"agent_name": call.tool});
                            ("transfer_to_agent".to_owned(), args)
                        }
                        false => (call.tool, args),
                    };
                    content.parts.push(Part::FunctionCall {
                        name,
                        args,
                        id: Some(format!("call-{calls}")),
                        thought_signature: None,
                    });
                    *calls += 1;
                }
            }
        }
        let mut pieces = vec![Ok(LlmResponse {
            content: Some(content),
            partial: is_broken,
            turn_complete: !is_broken,
            finish_reason: (!is_broken).then_some(FinishReason::Stop),
            ..LlmResponse::default()
        })];
        if is_broken {
            pieces.push(Err(AdkError::model("the stream broke off")));
        }
        Ok(Box::pin(stream::iter(pieces)))
    }
}
