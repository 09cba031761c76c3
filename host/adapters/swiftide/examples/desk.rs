//! A desk that refunds orders: what the policy allows runs, what it denies does not, and for the rest the agent stops until a person answered.
//!
//! The model is a script, so nothing is sent anywhere: `cargo run --manifest-path host/adapters/Cargo.toml -p hexgate-swiftide --example desk`.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hexgate_adapter_testing::{caller, enforcer};
use hexgate_enforce::{Approvals, scope};
use swiftide_agents::{Agent, StopReason};
use swiftide_core::chat_completion::errors::{LanguageModelError, ToolError};
use swiftide_core::chat_completion::{
    ChatCompletionRequest, ChatCompletionResponse, ToolCall, ToolOutput, ToolSpec,
};
use swiftide_core::{AgentContext, ChatCompletion, Tool, ToolFeedback};

const POLICY: &str = "
roles:
  user:
    tools:
      look_up: { mode: allow }
      refund: { mode: approval_required, constraints: [args.amount <= 100] }
      stop: { mode: allow }
";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // A program opens its policy with `hexgate_enforce::resolve::Resolver`.
    let (builder, record) = enforcer(POLICY);
    let enforcer = builder
        .approvals(Approvals::handler(hexgate_swiftide::Feedback))
        .build()?;

    let script = Script::new([
        ("look_up", r#"{"order":"A-7"}"#),
        ("refund", r#"{"order":"A-7","amount":20}"#),
        ("refund", r#"{"order":"A-7","amount":2000}"#),
    ]);
    let mut builder = Agent::builder();
    let tools: [Box<dyn Tool>; 2] = [Box::new(Named("look_up")), Box::new(Named("refund"))];
    builder.llm(&script).tools(tools);
    let mut agent = hexgate_swiftide::gate(builder, &enforcer).await?;

    scope::scope(caller("alice"), agent.query("Refund A-7.")).await?;
    while let Some(StopReason::FeedbackRequired { tool_call, payload }) =
        agent.stop_reason().cloned()
    {
        println!("approve {}? yes", payload.unwrap_or_default());
        let context = agent.context();
        context
            .feedback_received(&tool_call, &ToolFeedback::approved())
            .await?;
        scope::scope(caller("alice"), agent.run()).await?;
    }
    for line in record.lines() {
        println!("  {line}");
    }
    Ok(())
}

#[derive(Clone)]
struct Named(&'static str);

#[async_trait]
impl Tool for Named {
    async fn invoke(&self, _: &dyn AgentContext, call: &ToolCall) -> Result<ToolOutput, ToolError> {
        Ok(ToolOutput::text(format!("{} {:?}", self.0, call.args())))
    }

    fn name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn tool_spec(&self) -> ToolSpec {
        let described = "A tool of the example.";
        let spec = ToolSpec::builder().name(self.0).description(described).build();
        spec.unwrap_or_default()
    }
}

/// A model that proposes these calls, and then is done.
#[derive(Clone)]
struct Script(Arc<Mutex<Vec<ToolCall>>>);

impl Script {
    fn new<const N: usize>(calls: [(&str, &str); N]) -> Self {
        let calls = calls.into_iter().enumerate().filter_map(|(at, (name, args))| {
            let mut call = ToolCall::builder();
            call.id(format!("call-{at}")).name(name).args(args);
            call.build().ok()
        });
        Self(Arc::new(Mutex::new(calls.collect())))
    }
}

#[async_trait]
impl ChatCompletion for Script {
    async fn complete(
        &self,
        _: &ChatCompletionRequest,
    ) -> Result<ChatCompletionResponse, LanguageModelError> {
        let mut calls = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut answer = ChatCompletionResponse::builder();
        match calls.is_empty() {
            true => answer.maybe_message("Done.".to_owned()),
            false => answer.maybe_tool_calls(vec![calls.remove(0)]),
        };
        answer.build().map_err(LanguageModelError::permanent)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() -> anyhow::Result<()> {
        super::main()
    }
}
