//! Agents of adk-rust behind the gate, beyond the scenarios of the kit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adk_agent::{LlmAgent, LlmAgentBuilder};
use adk_core::{
    AdkError, Content, Llm, LlmRequest, LlmResponse, LlmResponseStream, Part, RetryBudget,
    RunConfig, SessionId, Tool, ToolConfirmationDecision, ToolContext, UserId,
    tool_call_fingerprint,
};
use adk_runner::Runner;
use adk_session::{CreateRequest, InMemorySessionService, SessionService as _};
use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use hexgate_adapter_testing::{caller, enforcer, replaceable};
use hexgate_enforce::{Approvals, scope};
use serde_json::{Value, json};

const POLICY: &str = "
roles:
  user:
    tools:
      read: { mode: allow }
      pay: { mode: approval_required }
";

/// A tool that notes that it ran, and fails so often first.
#[derive(Clone)]
struct Named {
    name: &'static str,
    ran: Arc<Mutex<usize>>,
    fails: usize,
}

impl Named {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            ran: Arc::default(),
            fails: 0,
        }
    }

    fn ran(&self) -> usize {
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

/// A model that proposes the same call so often, and then is done.
struct Script(&'static str, Mutex<usize>);

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
        let mut left = self.1.lock().unwrap();
        let mut content = Content::new("model");
        match left.checked_sub(1) {
            None => content = content.with_text("Done."),
            Some(less) => {
                *left = less;
                content.parts.push(Part::FunctionCall {
                    name: self.0.to_owned(),
                    args: json!({"n": 1}),
                    id: Some("call".to_owned()),
                    thought_signature: None,
                });
            }
        }
        let answer = LlmResponse {
            content: Some(content),
            turn_complete: true,
            ..LlmResponse::default()
        };
        Ok(Box::pin(stream::iter([Ok(answer)])))
    }
}

fn builder(tool: &'static str) -> LlmAgentBuilder {
    proposing(tool, 1)
}

fn proposing(tool: &'static str, times: usize) -> LlmAgentBuilder {
    LlmAgentBuilder::new("desk").model(Arc::new(Script(tool, Mutex::new(times))))
}

/// Runs an agent in a session of its own.
async fn run(agent: LlmAgent, config: RunConfig) {
    run_in(&session(), agent, config).await;
}

/// The id of another session.
fn session() -> String {
    static SESSIONS: AtomicUsize = AtomicUsize::new(0);
    SESSIONS.fetch_add(1, Ordering::Relaxed).to_string()
}

async fn run_in(session_id: &str, agent: LlmAgent, config: RunConfig) {
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
        .agent(Arc::new(agent))
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
        while events.next().await.is_some() {}
    };
    scope::scope(caller("alice"), running).await;
}

#[tokio::test]
async fn a_tool_that_came_past_the_gate_does_not_run() {
    let (enforcing, record) = enforcer(POLICY);
    let enforcer = enforcing.build().unwrap();
    let tool = Named::new("read");
    let before = builder("read").tool(Arc::new(tool.clone()));
    let agent = hexgate_adk::gate(before, &enforcer).build().unwrap();
    run(agent, RunConfig::default()).await;
    assert_eq!(tool.ran(), 0);
    let within = hexgate_adk::gate(builder("read"), &enforcer)
        .with(|builder| builder.tool(Arc::new(tool.clone())));
    run(within.build().unwrap(), RunConfig::default()).await;
    assert_eq!(tool.ran(), 0);
    let denied = r#"deny read {"n":1} for alice"#;
    assert_eq!(record.lines(), [denied, denied]);
    // Wrapped by hand it is as good as one that the builder wraps.
    let wrapped = hexgate_adk::gated_tool(Arc::new(tool.clone()), &enforcer);
    let agent = hexgate_adk::gate(builder("read").tool(wrapped), &enforcer);
    run(agent.build().unwrap(), RunConfig::default()).await;
    assert_eq!(tool.ran(), 1);
}

#[tokio::test]
async fn each_attempt_of_a_retry_budget_is_decided_and_recorded() {
    let (enforcing, record) = enforcer(POLICY);
    let tool = Named {
        fails: 2,
        ..Named::new("read")
    };
    let retrying =
        builder("read").default_retry_budget(RetryBudget::new(3, Duration::from_millis(1)));
    let agent = hexgate_adk::gate(retrying, &enforcing.build().unwrap());
    let agent = agent.tool(Arc::new(tool.clone())).build().unwrap();
    run(agent, RunConfig::default()).await;
    assert_eq!(tool.ran(), 3);
    let allowed = r#"allow read {"n":1} for alice"#;
    assert_eq!(
        record.lines(),
        [
            allowed,
            "read failed (tool)",
            allowed,
            "read failed (tool)",
            allowed,
            "read completed"
        ]
    );
}

#[tokio::test]
async fn a_confirmation_that_was_given_counts_for_its_arguments_alone() {
    for (fingerprint, runs) in [
        (None, 0),
        (Some(tool_call_fingerprint("pay", &json!({"n": 2}))), 0),
        (Some(tool_call_fingerprint("pay", &json!({"n": 1}))), 1),
    ] {
        let (enforcing, _) = enforcer(POLICY);
        let enforcing = enforcing.approvals(Approvals::handler(hexgate_adk::Confirmations));
        let tool = Named::new("pay");
        let agent = hexgate_adk::gate(builder("pay"), &enforcing.build().unwrap());
        let agent = agent.tool(Arc::new(tool.clone())).build().unwrap();
        let mut config = RunConfig::default();
        let given = ToolConfirmationDecision::Approve;
        config
            .tool_confirmation_decisions
            .insert("call".to_owned(), given);
        if let Some(fingerprint) = fingerprint {
            config
                .tool_confirmation_fingerprints
                .insert("call".to_owned(), fingerprint);
        }
        run(agent, config).await;
        assert_eq!(tool.ran(), runs);
    }
}

/// A run that was given this for the call, which is bound to its arguments.
fn given(given: ToolConfirmationDecision) -> RunConfig {
    let fingerprint = tool_call_fingerprint("pay", &json!({"n": 1}));
    let mut config = RunConfig::default();
    let (decisions, fingerprints) = (
        &mut config.tool_confirmation_decisions,
        &mut config.tool_confirmation_fingerprints,
    );
    decisions.insert("call".to_owned(), given);
    fingerprints.insert("call".to_owned(), fingerprint);
    config
}

#[tokio::test]
async fn a_confirmation_that_was_given_counts_for_one_attempt() {
    let (enforcing, record) = enforcer(POLICY);
    let enforcing = enforcing.approvals(Approvals::handler(hexgate_adk::Confirmations));
    let tool = Named {
        fails: 2,
        ..Named::new("pay")
    };
    let retrying =
        builder("pay").default_retry_budget(RetryBudget::new(3, Duration::from_millis(1)));
    let agent = hexgate_adk::gate(retrying, &enforcing.build().unwrap());
    let agent = agent.tool(Arc::new(tool.clone())).build().unwrap();
    run(agent, given(ToolConfirmationDecision::Approve)).await;
    assert_eq!(tool.ran(), 1);
    let denied = r#"deny pay {"n":1} for alice"#;
    assert_eq!(record.lines().last().unwrap(), denied);

    // Nor does it count again when the model proposes the same call.
    let (enforcing, record) = enforcer(POLICY);
    let enforcing = enforcing.approvals(Approvals::handler(hexgate_adk::Confirmations));
    let tool = Named::new("pay");
    let agent = hexgate_adk::gate(proposing("pay", 2), &enforcing.build().unwrap());
    let agent = agent.tool(Arc::new(tool.clone())).build().unwrap();
    run(agent, given(ToolConfirmationDecision::Approve)).await;
    assert_eq!(tool.ran(), 1);
    assert_eq!(record.lines().last().unwrap(), denied);
}

#[tokio::test]
async fn a_confirmation_is_for_the_policy_under_which_the_call_was_proposed() {
    let other = POLICY.replace("read:", "write:");
    let allows = POLICY.replace("approval_required", "allow");
    let (approve, deny) = (
        ToolConfirmationDecision::Approve,
        ToolConfirmationDecision::Deny,
    );
    for (policy, answer, runs) in [
        (POLICY, approve, 1),
        (&other, approve, 0),
        (&allows, deny, 0),
    ] {
        let (enforcing, record, file) = replaceable(POLICY);
        let enforcing = enforcing.approvals(Approvals::handler(hexgate_adk::Confirmations));
        let enforcer = enforcing.build().unwrap();
        let tool = Named::new("pay");
        // The framework asks in the first run alone.
        let agent = |builder: LlmAgentBuilder| {
            let gated = hexgate_adk::gate(builder, &enforcer);
            gated.tool(Arc::new(tool.clone())).build().unwrap()
        };
        let session = session();
        let asks = agent(builder("pay").require_tool_confirmation("pay"));
        run_in(&session, asks, RunConfig::default()).await;
        assert!(record.lines().is_empty());
        file.replace(policy);
        run_in(&session, agent(builder("pay")), given(answer)).await;
        assert_eq!(tool.ran(), runs, "{:?}", record.lines());
    }
}

#[tokio::test]
async fn a_tool_that_is_gated_for_another_agent_is_decided_for_this_one() {
    let (other, _) = enforcer(POLICY);
    let (enforcing, record) = enforcer(&POLICY.replace("allow", "deny"));
    let (other, enforcer) = (other.build().unwrap(), enforcing.build().unwrap());
    let tool = Named::new("read");
    let of_other = hexgate_adk::gated_tool(Arc::new(tool.clone()), &other);
    let given = hexgate_adk::gate(builder("read"), &enforcer).tool(Arc::clone(&of_other));
    let past = hexgate_adk::gate(builder("read").tool(of_other), &enforcer);
    for agent in [given, past] {
        run(agent.build().unwrap(), RunConfig::default()).await;
    }
    assert_eq!(tool.ran(), 0);
    let denied = r#"deny read {"n":1} for alice"#;
    assert_eq!(record.lines(), [denied, denied]);
}
