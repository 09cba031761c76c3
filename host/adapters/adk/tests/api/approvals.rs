use std::sync::Arc;

use adk_core::RunConfig;
use hexgate_adapter_testing::{Denied, Proposed, holds_durable_approvals};
use hexgate_enforce::Approvals;

use crate::fixture::{Named, playing, run_as, session};

#[tokio::test]
async fn a_durable_approval_is_for_one_call_and_counts_once() {
    let asks = Approvals::handler;
    holds_durable_approvals(
        "pay",
        Denied::IsTold,
        asks,
        async |enforcer, caller, arguments| {
            let tool = Named::new("pay");
            let call = ("pay", serde_json::from_str(arguments).unwrap());
            let agent = hexgate_adk::gate(playing("desk", [Some(call)]), enforcer);
            let agent = agent.tool(Arc::new(tool.clone())).build().unwrap();
            let read = run_as(caller, &session(), Arc::new(agent), RunConfig::default()).await;
            Proposed {
                ran: tool.ran(),
                told: read.concat(),
            }
        },
    )
    .await;
}
