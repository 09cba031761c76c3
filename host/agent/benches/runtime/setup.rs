//! The agents that are measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use hexgate_agent::message::{Message, ProposedCall};
use hexgate_agent::model::{
    Delta, Model, ModelError, ModelId, ModelRequest, ModelStream, Stop, Usage,
};
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput, ToolSpec};
use hexgate_agent::{Agent, Conversation};
use hexgate_enforce::audit::{AuditLog, DigestKey, Options};
use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{AuditRecorder, Caller, Enforcer, LivePolicy, OnRecordFailure, Permit};
use serde_json::{Value, json};
use tempfile::TempDir;

const POLICY: &str = r#"
version: 1
roles:
  default: {}
  user:
    tools:
      refund:
        mode: allow
        constraints:
          - only(args, ["amount", "currency"])
          - args.amount > 0
          - args.amount <= 50
          - args.currency == "USD"
          - run.tool_calls < 1000
"#;

const ARGUMENTS: &str = r#"{"amount": 42, "currency": "USD"}"#;

/// What an agent has beside its policy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instrumented {
    /// Nothing.
    Bare,
    /// An audit log that is written before a call runs.
    Full,
}

/// An agent, and the folders that it needs.
pub(crate) struct Ready {
    pub(crate) agent: Agent,
    _folder: TempDir,
}

pub(crate) fn caller() -> Caller {
    Caller::builder("ada")
        .role("user")
        .session("s-1")
        .build()
        .unwrap()
}

/// The policy of all agents.
pub(crate) fn live() -> LivePolicy {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, POLICY).unwrap();
    let source = PolicyFile::dangerous_unsigned(&path);
    let live = LivePolicy::open(&Engine::new().unwrap(), source).unwrap();
    // From then on the file counts as settled, and a look at it is a look at the file system.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let _ = live.refresh();
    // The file stays for as long as the process.
    let _ = folder.keep();
    live
}

/// An agent on a model that proposes so many calls from memory.
pub(crate) fn agent(calls: usize, instrumented: Instrumented) -> Ready {
    agent_on(Memory::proposing(calls), instrumented)
}

/// An agent on this model.
pub(crate) fn agent_on(model: impl Model + 'static, instrumented: Instrumented) -> Ready {
    let folder = tempfile::tempdir().unwrap();
    let mut enforcer = Enforcer::builder("measured", &live());
    if instrumented == Instrumented::Full {
        let key = DigestKey::open_or_create(folder.path().join("digest.key")).unwrap();
        let options = Options::new(key);
        let log = AuditLog::open(folder.path().join("audit"), options, SystemTime::now()).unwrap();
        enforcer = enforcer.recorder(AuditRecorder::new(log), OnRecordFailure::Deny);
    }
    let agent = Agent::builder("measured")
        .model(model)
        .system_prompt("You are an example.")
        .tool(Nothing::new("refund"))
        .enforcer(enforcer.build().unwrap());
    Ready {
        agent: agent.build().unwrap(),
        _folder: folder,
    }
}

/// An agent that waits for its next turn, and its conversation.
pub(crate) fn idle(live: &LivePolicy, number: usize) -> (Agent, Conversation) {
    let name = format!("idle-{number}");
    let agent = Agent::builder(&name)
        .model(Memory::proposing(1))
        .system_prompt("You are an example.")
        .enforcer(Enforcer::builder(&name, live).build().unwrap());
    let tools = ["refund", "read", "write", "search", "fetch"];
    let agent = tools
        .into_iter()
        .fold(agent, |agent, name| agent.tool(Nothing::new(name)));
    (agent.build().unwrap(), Conversation::new())
}

/// Proposes calls in one answer, then ends, again and again.
pub(crate) struct Memory {
    calls: usize,
    asked: AtomicUsize,
}

impl Memory {
    fn proposing(calls: usize) -> Self {
        Self {
            calls,
            asked: AtomicUsize::new(0),
        }
    }
}

fn id() -> &'static ModelId {
    static ID: std::sync::OnceLock<ModelId> = std::sync::OnceLock::new();
    ID.get_or_init(|| ModelId {
        provider: "memory".to_owned(),
        name: "measured".to_owned(),
    })
}

#[async_trait]
impl Model for Memory {
    fn id(&self) -> &ModelId {
        id()
    }

    async fn respond(&self, _: ModelRequest) -> Result<ModelStream, ModelError> {
        let calls = self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        let mut pieces = Vec::new();
        if calls {
            pieces.extend((0..self.calls).map(|number| {
                Ok(Delta::Call(ProposedCall {
                    id: format!("call_{number}"),
                    tool: "refund".to_owned(),
                    arguments: ARGUMENTS.to_owned(),
                    signatures: Vec::new(),
                }))
            }));
        } else {
            pieces.push(Ok(Delta::Text("Done.".to_owned())));
        }
        pieces.push(Ok(Delta::End {
            stop: if calls { Stop::Calls } else { Stop::Finished },
            usage: Usage::default(),
        }));
        Ok(Box::pin(stream::iter(pieces)))
    }
}

/// A tool that does nothing.
pub(crate) struct Nothing(Arc<ToolSpec>);

impl Nothing {
    fn new(name: &str) -> Self {
        let schema = json!({
            "type": "object",
            "properties": {"amount": {"type": "number"}, "currency": {"type": "string"}},
            "required": ["amount", "currency"],
        });
        Self(Arc::new(ToolSpec::new(name, "Does nothing.", schema)))
    }
}

#[async_trait]
impl Tool for Nothing {
    fn spec(&self) -> &Arc<ToolSpec> {
        &self.0
    }

    async fn call(&self, permit: Permit, _: &Progress) -> Result<ToolOutput, ToolError> {
        Ok(done(permit.arguments()))
    }
}

fn done(arguments: &str) -> ToolOutput {
    let arguments: Value = serde_json::from_str(arguments).unwrap();
    ToolOutput::new(json!({"ok": true, "amount": arguments["amount"]}))
}

/// The least that runs a model with tools: no policy, no record, no events.
pub(crate) struct Bare(Memory);

impl Bare {
    pub(crate) fn new(calls: usize) -> Self {
        Self(Memory::proposing(calls))
    }

    pub(crate) async fn run(&self) -> Vec<Message> {
        let mut messages = vec![Message::User {
            text: "Hello".to_owned(),
        }];
        loop {
            let request = ModelRequest {
                system: Some("You are an example.".into()),
                messages: messages.clone(),
                tools: Vec::new(),
            };
            let mut stream = self.0.respond(request).await.unwrap();
            let (mut text, mut calls) = (String::new(), Vec::new());
            while let Some(delta) = stream.next().await {
                match delta.unwrap() {
                    Delta::Text(more) => text.push_str(&more),
                    Delta::Call(call) => calls.push(call),
                    _ => {}
                }
            }
            let is_over = calls.is_empty();
            messages.push(Message::Assistant {
                text,
                reasoning: String::new(),
                calls: calls.clone(),
            });
            if is_over {
                return messages;
            }
            for call in calls {
                messages.push(Message::Tool {
                    content: done(&call.arguments).value.to_string(),
                    call: call.id,
                    tool: call.tool,
                    state: hexgate_agent::message::CallState::Completed,
                });
            }
        }
    }
}
