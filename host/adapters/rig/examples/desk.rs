//! A desk that refunds orders: what the policy allows runs, what it denies does not, and for the rest a person is asked.
//!
//! The model is a script, so nothing is sent anywhere: `cargo run --manifest-path host/adapters/Cargo.toml -p hexgate-rig --example desk`.

use hexgate_adapter_testing::{caller, enforcer};
use hexgate_enforce::{Approvals, scope};
use rig_agent::AgentBuilder;
use rig_agent::tool::{DynamicTool, ToolOutput};
use rig_core::message::ToolName;
use rig_core::test_utils::{MockCompletionModel, MockTurn};
use serde_json::json;

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
        .approvals(Approvals::ask_async(|decision| {
            println!("approve {} {}? yes", decision.tool(), decision.arguments());
            std::future::ready(true)
        }))
        .build()?;

    let model = MockCompletionModel::from_turns([
        MockTurn::tool_call("1", "look_up", json!({"order": "A-7"})),
        MockTurn::tool_call("2", "refund", json!({"order": "A-7", "amount": 20})),
        MockTurn::tool_call("3", "refund", json!({"order": "A-7", "amount": 2000})),
        MockTurn::text("20 euros of A-7 were refunded; 2000 are not possible."),
    ]);
    let agent = AgentBuilder::new(model)
        .dynamic_tool(tool("look_up")?)
        .dynamic_tool(tool("refund")?);
    let agent = hexgate_rig::gate(agent, &enforcer)?;

    let answer = scope::scope(caller("alice"), async {
        agent.prompt("Refund A-7.").max_turns(6).await
    });
    println!("{}", answer.await?.output());
    for line in record.lines() {
        println!("  {line}");
    }
    Ok(())
}

fn tool(name: &'static str) -> anyhow::Result<DynamicTool> {
    let any = json!({"type": "object"});
    Ok(DynamicTool::new(
        ToolName::new(name)?,
        "A tool of the example.",
        any,
        move |arguments| {
            Box::pin(async move { Ok(ToolOutput::text(format!("{name} of {arguments}"))) })
        },
    ))
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() -> anyhow::Result<()> {
        super::main()
    }
}
