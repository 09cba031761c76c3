//! What cannot be an agent.

use hexgate_agent::tool::ToolSpec;
use hexgate_agent::{Agent, AgentBuilder, BuildError, Limits};
use hexgate_enforce::Permit;
use serde_json::{Value, json};

use super::fixture::*;

fn bot() -> AgentBuilder {
    Agent::builder("bot").model(Script::new([]))
}

struct Of(std::sync::Arc<ToolSpec>);

#[async_trait::async_trait]
impl hexgate_agent::tool::Tool for Of {
    fn spec(&self) -> &std::sync::Arc<ToolSpec> {
        &self.0
    }

    async fn call(
        &self,
        _: Permit,
        _: &hexgate_agent::tool::Progress,
    ) -> Result<hexgate_agent::tool::ToolOutput, hexgate_agent::tool::ToolError> {
        panic!("it is never called");
    }
}

fn with_schema(schema: Value) -> Of {
    Of(std::sync::Arc::new(ToolSpec::new("t", "A tool.", schema)))
}

#[test]
fn what_is_missing_or_cannot_be_used_is_named_with_the_remedy() {
    let error = |builder: AgentBuilder| builder.build().unwrap_err().to_string();
    for (builder, says) in [
        (
            Agent::builder("bot"),
            "the agent `bot` has no model; give it one with `.model(…)`",
        ),
        (
            bot().tool(Echo::new("a")).tool(Echo::new("a")),
            "the agent `bot` has two tools with the name `a`; remove or rename one of them",
        ),
        (
            bot()
                .subagent(agent("x y", []).build().unwrap())
                .subagent(agent("x_y", []).build().unwrap()),
            "the agent `bot` has two tools with the name `delegate_to_x_y`; remove or rename one of them",
        ),
        (
            bot().enforcer(enforcer("other", POLICY)),
            "the enforcer decides for the agent `other`, and this is `bot`; build an enforcer for this name",
        ),
        (
            bot().tool(Echo::new("agent.run")),
            "the agent `bot` has a tool with the name `agent.run`: names that begin so are closed: they mean more than a tool call",
        ),
        (bot().tool(Echo::new("")), "1 to 256 bytes"),
        (bot().tool(Echo::new("a\nb")), "a\\nb"),
        (bot().tool(Echo::new("read\u{ff3f}file")), "NFKC"),
        (
            bot().limits(Limits::default().turns(0)),
            "the limit `turns` of the agent `bot` is zero",
        ),
        (
            bot().tool(with_schema(json!("a text"))),
            "the tool `t` of the agent `bot` has no usable schema of its arguments",
        ),
        (
            bot().tool(with_schema(json!({"type": "strin"}))),
            "no usable schema",
        ),
        (
            bot().tool(with_schema(json!({"type": "array"}))),
            "\"type\": \"object\"",
        ),
        (
            bot().tool(with_schema(
                json!({"type": "object", "properties": {"x": {"$ref": "file:///etc/passwd"}}}),
            )),
            "no usable schema",
        ),
    ] {
        let message = error(builder);
        assert!(message.contains(says), "{message}");
    }
    for name in ["", "a\nb", "jose\u{301}", &"x".repeat(300)] {
        let built = Agent::builder(name).model(Script::new([])).build();
        assert!(matches!(built, Err(BuildError::Name { .. })), "{name}");
    }
}
