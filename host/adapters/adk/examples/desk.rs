//! A desk that refunds orders: what the policy allows runs, what it denies does not, and for the rest the framework's own confirmation handler is
//! asked.
//!
//! The model is a script, so nothing is sent anywhere: `cargo run --manifest-path host/adapters/Cargo.toml -p hexgate-adk --example desk`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use adk_agent::LlmAgentBuilder;
use adk_core::{
    Content, Llm, LlmRequest, LlmResponse, LlmResponseStream, Part, RunConfig, SessionId, Tool,
    ToolConfirmationDecision, ToolConfirmationHandler, ToolConfirmationRequest, ToolContext, UserId,
};
use adk_runner::Runner;
use adk_session::{CreateRequest, InMemorySessionService, SessionService as _};
use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use hexgate_adapter_testing::{caller, enforcer};
use hexgate_enforce::{Approvals, scope};
use serde_json::{Value, json};

const POLICY: &str = "
roles:
  user:
    tools:
      look_up: { mode: allow }
      refund: { mode: approval_required, constraints: [args.amount <= 100] }
";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // A program opens its policy with `hexgate_enforce::resolve::Resolver`.
    let (builder, record) = enforcer(POLICY);
    let enforcer = builder
        .approvals(Approvals::handler(hexgate_adk::Confirmations))
        .build()?;

    let script = Script(Mutex::new(vec![
        ("look_up", json!({"order": "A-7"})),
        ("refund", json!({"order": "A-7", "amount": 20})),
        ("refund", json!({"order": "A-7", "amount": 2000})),
    ]));
    let agent = hexgate_adk::gate(
        LlmAgentBuilder::new("desk").model(Arc::new(script)),
        &enforcer,
    )
    .tool(Arc::new(Named("look_up")))
    .tool(Arc::new(Named("refund")))
    .build()?;

    let sessions = Arc::new(InMemorySessionService::new());
    let session = CreateRequest {
        app_name: "desk".to_owned(),
        user_id: "alice".to_owned(),
        session_id: Some("1".to_owned()),
        state: HashMap::new(),
    };
    sessions.create(session).await?;
    let runner = Runner::builder()
        .app_name("desk")
        .agent(Arc::new(agent))
        .session_service(sessions)
        .build()?;
    let config = RunConfig::builder()
        .tool_confirmation_handler(Arc::new(AtTheDesk))
        .build();
    let running = async {
        let (user, session) = (UserId::new("alice")?, SessionId::new("1")?);
        let said = Content::new("user").with_text("Refund A-7.");
        let mut events = runner
            .run_with_config(user, session, said, Some(config))
            .await?;
        while let Some(event) = events.next().await {
            event?;
        }
        anyhow::Ok(())
    };
    scope::scope(caller("alice"), running).await?;
    for line in record.lines() {
        println!("  {line}");
    }
    Ok(())
}

/// The person at the desk.
#[derive(Debug)]
struct AtTheDesk;

#[async_trait]
impl ToolConfirmationHandler for AtTheDesk {
    async fn decide(
        &self,
        request: &ToolConfirmationRequest,
    ) -> adk_core::Result<ToolConfirmationDecision> {
        println!("approve {} {}? yes", request.tool_name, request.args);
        Ok(ToolConfirmationDecision::Approve)
    }
}

struct Named(&'static str);

#[async_trait]
impl Tool for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn description(&self) -> &str {
        "A tool of the example."
    }

    async fn execute(&self, _: Arc<dyn ToolContext>, args: Value) -> adk_core::Result<Value> {
        Ok(json!({"done": args}))
    }
}

/// A model that proposes these calls, and then is done.
struct Script(Mutex<Vec<(&'static str, Value)>>);

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
        let next = {
            let mut calls = self
                .0
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            (!calls.is_empty()).then(|| calls.remove(0))
        };
        let mut content = Content::new("model");
        match next {
            None => content = content.with_text("Done."),
            Some((name, args)) => content.parts.push(Part::FunctionCall {
                name: name.to_owned(),
                args,
                id: Some("1".to_owned()),
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

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() -> anyhow::Result<()> {
        super::main()
    }
}
