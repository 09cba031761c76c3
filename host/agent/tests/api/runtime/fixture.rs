//! Models that play turns, tools, and policies.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use hexgate_agent::event::{Event, EventKind};
use hexgate_agent::message::{CallState, Message, ProposedCall};
use hexgate_agent::model::{
    Delta, Model, ModelError, ModelErrorKind, ModelId, ModelRequest, ModelStream, Stop, Usage,
};
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec};
use hexgate_agent::{Agent, AgentBuilder};
use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{Caller, Enforcer, EnforcerBuilder, LivePolicy, Permit};
use serde_json::{Value, json};

/// Allows the tools of these tests to everyone with the role `user`.
pub(crate) const POLICY: &str = r#"
roles:
  default: {}
  user:
    tools:
      echo: { mode: allow }
      slow: { mode: allow }
      ask: { mode: approval_required, message: A person is asked. }
      pay: { mode: allow, constraints: ['only(args, ["amount"])', args.amount > 0, args.amount <= 50] }
      agent.tool:helper: { mode: allow }
      agent.handoff:helper: { mode: allow }
"#;

/// Most tests share an engine: its code is compiled once.
pub(crate) fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap()).clone()
}

pub(crate) fn enforcer_builder(agent: &str, policy: &str) -> EnforcerBuilder {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, policy).unwrap();
    let live = LivePolicy::open(&engine(), PolicyFile::dangerous_unsigned(&path)).unwrap();
    Enforcer::builder(agent, &live)
}

pub(crate) fn enforcer(agent: &str, policy: &str) -> Enforcer {
    enforcer_builder(agent, policy).build().unwrap()
}

pub(crate) fn alice() -> Caller {
    Caller::builder("alice").role("user").build().unwrap()
}

/// An agent with the policy of these tests, and a model that plays these turns.
pub(crate) fn agent(name: &str, turns: impl IntoIterator<Item = Vec<Piece>>) -> AgentBuilder {
    agent_of(name, &Arc::new(Script::new(turns)))
}

pub(crate) fn agent_of(name: &str, model: &Arc<Script>) -> AgentBuilder {
    Agent::builder(name)
        .model(Arc::clone(model))
        .enforcer(enforcer(name, POLICY))
        .tool(Echo::new("echo"))
}

/// A piece of a model's turn.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(String),
    Think(String),
    Call(String, String, String),
    /// The end of the turn. Where there is none it is added.
    End(Stop, Usage),
    /// The model fails.
    Fail(ModelErrorKind),
    /// The stream ends without an end.
    Break,
    /// The stream goes on forever.
    Hang,
    Panic,
    /// It says so much that no memory holds it.
    Flood,
}

pub(crate) fn text(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

pub(crate) fn call(id: &str, tool: &str, arguments: &Value) -> Piece {
    Piece::Call(id.to_owned(), tool.to_owned(), arguments.to_string())
}

/// A call of `echo`.
pub(crate) fn echo(id: &str, said: &str) -> Piece {
    call(id, "echo", &json!({"text": said}))
}

/// A model that plays turns, one after another, whoever asks.
pub(crate) struct Script {
    id: ModelId,
    turns: Mutex<VecDeque<Vec<Piece>>>,
    requests: Mutex<Vec<ModelRequest>>,
}

impl Script {
    pub(crate) fn new(turns: impl IntoIterator<Item = Vec<Piece>>) -> Self {
        Self {
            id: ModelId {
                provider: "test".to_owned(),
                name: "script".to_owned(),
            },
            turns: Mutex::new(turns.into_iter().collect()),
            requests: Mutex::default(),
        }
    }

    /// What it was asked.
    pub(crate) fn requests(&self) -> Vec<ModelRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// The names of the tools that it was shown first.
    pub(crate) fn shown(&self) -> Vec<String> {
        let requests = self.requests();
        let tools = requests[0].tools.iter();
        tools.map(|spec| spec.name.clone()).collect()
    }
}

#[async_trait]
impl Model for Script {
    fn id(&self) -> &ModelId {
        &self.id
    }

    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        self.requests.lock().unwrap().push(request);
        let turn = self.turns.lock().unwrap().pop_front();
        Ok(play(
            turn.unwrap_or_else(|| vec![text("The script is over.")]),
        ))
    }
}

pub(crate) fn failure(kind: ModelErrorKind) -> ModelError {
    ModelError {
        kind,
        message: "the model fails, as it was told to".to_owned(),
        retry_after: None,
    }
}

/// The stream of a turn.
pub(crate) fn play(mut turn: Vec<Piece>) -> ModelStream {
    let has_end = turn.iter().any(|piece| {
        matches!(
            piece,
            Piece::End(..)
                | Piece::Fail(_)
                | Piece::Break
                | Piece::Hang
                | Piece::Panic
                | Piece::Flood
        )
    });
    if !has_end {
        let calls = turn.iter().any(|piece| matches!(piece, Piece::Call(..)));
        let stop = if calls { Stop::Calls } else { Stop::Finished };
        turn.push(Piece::End(stop, Usage::default()));
    }
    let pieces = stream::iter(turn).flat_map(|piece| -> ModelStream {
        let one = |delta| stream::iter([Ok(delta)]).boxed();
        match piece {
            Piece::Text(text) => one(Delta::Text(text)),
            Piece::Think(text) => one(Delta::Reasoning(text)),
            Piece::Call(id, tool, arguments) => one(Delta::Call(ProposedCall {
                id,
                tool,
                arguments,
                signatures: Vec::new(),
            })),
            Piece::End(stop, usage) => one(Delta::End { stop, usage }),
            Piece::Fail(kind) => stream::iter([Err(failure(kind))]).boxed(),
            Piece::Break => stream::empty().boxed(),
            Piece::Hang => stream::pending().boxed(),
            Piece::Panic => stream::once(async { panic!("the model has a bug") }).boxed(),
            Piece::Flood => stream::repeat_with(|| Ok(Delta::Text("x".repeat(1 << 16)))).boxed(),
        }
    });
    pieces.boxed()
}

type Answer = Pin<Box<dyn Future<Output = Result<ToolOutput, ToolError>> + Send>>;

/// A tool of a function.
pub(crate) struct Made<F> {
    spec: Arc<ToolSpec>,
    run: F,
}

impl<F, A> Made<F>
where
    F: Fn(Permit, Progress) -> A + Send + Sync + 'static,
    A: Future<Output = Result<ToolOutput, ToolError>> + Send + 'static,
{
    pub(crate) fn new(name: &str, run: F) -> Self {
        Self {
            spec: Arc::new(ToolSpec::new(
                name,
                "A tool of a test.",
                json!({"type": "object"}),
            )),
            run,
        }
    }

    pub(crate) fn concurrent(mut self) -> Self {
        self.spec = Arc::new(ToolSpec::clone(&self.spec).concurrent());
        self
    }
}

#[async_trait]
impl<F, A> Tool for Made<F>
where
    F: Fn(Permit, Progress) -> A + Send + Sync + 'static,
    A: Future<Output = Result<ToolOutput, ToolError>> + Send + 'static,
{
    fn spec(&self) -> &Arc<ToolSpec> {
        &self.spec
    }

    async fn call(&self, permit: Permit, progress: &Progress) -> Result<ToolOutput, ToolError> {
        let answer: Answer = Box::pin((self.run)(permit, progress.clone()));
        answer.await
    }
}

/// Answers with what it got, and keeps it.
pub(crate) struct Echo {
    spec: Arc<ToolSpec>,
    pub(crate) got: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    pub(crate) fn new(name: &str) -> Self {
        let schema = json!({
            "type": "object",
            "properties": {"text": {"type": "string"}},
        });
        Self {
            spec: Arc::new(ToolSpec::new(name, "Echoes.", schema)),
            got: Arc::default(),
        }
    }

    /// What it gets, in order.
    pub(crate) fn heard(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.got)
    }
}

#[async_trait]
impl Tool for Echo {
    fn spec(&self) -> &Arc<ToolSpec> {
        &self.spec
    }

    async fn call(&self, permit: Permit, _: &Progress) -> Result<ToolOutput, ToolError> {
        let arguments = permit.arguments().to_owned();
        let value: Value = serde_json::from_str(&arguments).unwrap();
        self.got.lock().unwrap().push(arguments);
        Ok(ToolOutput::new(json!({"ok": true, "got": value})))
    }
}

/// The results of calls in a conversation: how each ended, and what the model reads.
pub(crate) fn results(messages: &[Message]) -> Vec<(CallState, String)> {
    let results = messages.iter().filter_map(|message| match message {
        Message::Tool { state, content, .. } => Some((*state, content.clone())),
        _ => None,
    });
    results.collect()
}

/// The types of events, without pieces of text.
pub(crate) fn types(events: &[Event]) -> Vec<String> {
    let names = events.iter().filter_map(|event| {
        if matches!(
            event.kind,
            EventKind::BlockStart { .. }
                | EventKind::BlockDelta { .. }
                | EventKind::BlockEnd { .. }
        ) {
            return None;
        }
        let value = serde_json::to_value(event).unwrap();
        Some(value["event_type"].as_str().unwrap().to_owned())
    });
    names.collect()
}
