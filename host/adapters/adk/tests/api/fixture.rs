//! Tools that note how often they ran, and models that propose what they are told to.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use adk_agent::LlmAgentBuilder;
use adk_core::{
    AdkError, Agent, Content, Llm, LlmRequest, LlmResponse, LlmResponseStream, Part, RunConfig,
    SessionId, Tool, ToolContext, UserId,
};
use adk_runner::Runner;
use adk_session::{CreateRequest, InMemorySessionService, SessionService as _};
use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use hexgate_adapter_testing::caller;
use hexgate_enforce::{Caller, scope};
use serde_json::{Value, json};

pub(crate) const POLICY: &str = "
roles:
  user:
    tools:
      read: { mode: allow }
      pay: { mode: approval_required }
";

/// A tool that notes that it ran, and fails so often first.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) ran: Arc<Mutex<usize>>,
    pub(crate) fails: usize,
}

impl Named {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            ran: Arc::default(),
            fails: 0,
        }
    }

    pub(crate) fn ran(&self) -> usize {
        *self.ran.lock().unwrap()
    }
}

#[async_trait]
impl Tool for Named {
    fn name(&self) -> &str {
        self.name
    }

    fn description(&self) -> &str {
        "A tool of a test."
    }

    async fn execute(&self, _: Arc<dyn ToolContext>, _: Value) -> adk_core::Result<Value> {
        let mut ran = self.ran.lock().unwrap();
        *ran += 1;
        match *ran <= self.fails {
            true => Err(AdkError::tool("busy")),
            false => Ok(json!("done")),
        }
    }
}

/// What a model answers: a call, or none.
pub(crate) type Turn = Option<(&'static str, Value)>;

/// A model that answers this, and then is done.
pub(crate) struct Script(Mutex<VecDeque<Turn>>);

#[async_trait]
impl Llm for Script {
    fn name(&self) -> &str {
        "script"
    }

    async fn generate_content(
        &self,
        _: LlmRequest,
        _: bool,
    ) -> adk_core::Result<LlmResponseStream> {
        let mut content = Content::new("model");
        match self.0.lock().unwrap().pop_front().flatten() {
            None => content = content.with_text("Done."),
            Some((name, args)) => content.parts.push(Part::FunctionCall {
                name: name.to_owned(),
                args,
                id: Some("call".to_owned()),
                thought_signature: None,
            }),
        }
        let answer = LlmResponse {
            content: Some(content),
            turn_complete: true,
            ..LlmResponse::default()
        };
        Ok(Box::pin(stream::iter([Ok(answer)])))
    }
}

pub(crate) fn builder(tool: &'static str) -> LlmAgentBuilder {
    proposing(tool, 1)
}

/// An agent whose model proposes the same call so often, and then is done.
pub(crate) fn proposing(tool: &'static str, times: usize) -> LlmAgentBuilder {
    playing("desk", std::iter::repeat_n(call(tool), times))
}

/// An agent whose model answers this, and then is done.
pub(crate) fn playing(agent: &str, turns: impl IntoIterator<Item = Turn>) -> LlmAgentBuilder {
    let turns = turns.into_iter().collect();
    LlmAgentBuilder::new(agent).model(Arc::new(Script(Mutex::new(turns))))
}

/// The call of a tool.
pub(crate) fn call(tool: &'static str) -> Turn {
    Some((tool, json!({"n": 1})))
}

/// A handoff to another agent.
pub(crate) fn handoff(agent: &str) -> Turn {
    Some(("transfer_to_agent", json!({"agent_name": agent})))
}

/// Runs an agent in a session of its own.
pub(crate) async fn run(agent: Arc<dyn Agent>, config: RunConfig) {
    run_in(&session(), agent, config).await;
}

/// The id of another session.
pub(crate) fn session() -> String {
    static SESSIONS: AtomicUsize = AtomicUsize::new(0);
    SESSIONS.fetch_add(1, Ordering::Relaxed).to_string()
}

/// Runs an agent in this session, on behalf of alice.
pub(crate) async fn run_in(session: &str, agent: Arc<dyn Agent>, config: RunConfig) {
    run_as(caller("alice"), session, agent, config).await;
}

/// Runs an agent in this session on behalf of somebody. What was read of its calls, in order.
pub(crate) async fn run_as(
    who: Caller,
    session_id: &str,
    agent: Arc<dyn Agent>,
    config: RunConfig,
) -> Vec<String> {
    let sessions = Arc::new(InMemorySessionService::new());
    let session = CreateRequest {
        app_name: "desk".to_owned(),
        user_id: "alice".to_owned(),
        session_id: Some(session_id.to_owned()),
        state: HashMap::new(),
    };
    sessions.create(session).await.unwrap();
    let runner = Runner::builder()
        .app_name("desk")
        .agent(agent)
        .session_service(sessions)
        .build()
        .unwrap();
    let running = async {
        let mut events = runner
            .run_with_config(
                UserId::new("alice").unwrap(),
                SessionId::new(session_id).unwrap(),
                Content::new("user").with_text("Go."),
                Some(config),
            )
            .await
            .unwrap();
        let mut read = Vec::new();
        while let Some(event) = events.next().await {
            let content = event.ok().and_then(|event| event.llm_response.content);
            for part in content.into_iter().flat_map(|content| content.parts) {
                if let Part::FunctionResponse {
                    function_response, ..
                } = part
                {
                    read.push(function_response.response.to_string());
                }
            }
        }
        read
    };
    scope::scope(who, running).await
}
