use hexgate_adapter_testing::{Denied, Proposed, holds_durable_approvals};
use hexgate_enforce::{Approvals, scope};
use hexgate_rig::gate;
use rig_agent::AgentBuilder;

use crate::fixture::{Ran, model, results};

#[tokio::test]
async fn a_durable_approval_is_for_one_call_and_counts_once() {
    let asks = Approvals::handler;
    holds_durable_approvals(
        "pay",
        Denied::IsNotOffered,
        asks,
        async |enforcer, caller, arguments| {
            let ran = Ran::default();
            let arguments = serde_json::from_str(arguments).unwrap();
            let model = model([("pay", arguments)]);
            let agent = AgentBuilder::new(model.clone()).dynamic_tool(ran.tool("pay"));
            let agent = gate(agent, enforcer).unwrap();
            let run = scope::scope(caller, async { agent.prompt("go").max_turns(3).await });
            run.await.unwrap();
            Proposed {
                ran: ran.all().len(),
                told: results(&model.requests()).concat(),
            }
        },
    )
    .await;
}
