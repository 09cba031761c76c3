use std::sync::Arc;
use std::time::Duration;

use adk_core::{RetryBudget, RunConfig};
use hexgate_adapter_testing::enforcer;

use crate::fixture::{Named, POLICY, builder, run};

#[tokio::test]
async fn a_tool_that_came_past_the_gate_does_not_run() {
    let (enforcing, record) = enforcer(POLICY);
    let enforcer = enforcing.build().unwrap();
    let tool = Named::new("read");
    let before = builder("read").tool(Arc::new(tool.clone()));
    let agent = hexgate_adk::gate(before, &enforcer).build().unwrap();
    run(Arc::new(agent), RunConfig::default()).await;
    assert_eq!(tool.ran(), 0);
    let within = hexgate_adk::gate(builder("read"), &enforcer)
        .with(|builder| builder.tool(Arc::new(tool.clone())));
    run(Arc::new(within.build().unwrap()), RunConfig::default()).await;
    assert_eq!(tool.ran(), 0);
    let denied = r#"deny read {"n":1} for alice"#;
    assert_eq!(record.lines(), [denied, denied]);
    // Wrapped by hand it is as good as one that the builder wraps.
    let wrapped = hexgate_adk::gated_tool(Arc::new(tool.clone()), &enforcer);
    let agent = hexgate_adk::gate(builder("read").tool(wrapped), &enforcer);
    run(Arc::new(agent.build().unwrap()), RunConfig::default()).await;
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
    run(Arc::new(agent), RunConfig::default()).await;
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
async fn a_tool_that_is_gated_for_another_agent_is_decided_for_this_one() {
    let (other, _) = enforcer(POLICY);
    let (enforcing, record) = enforcer(&POLICY.replace("allow", "deny"));
    let (other, enforcer) = (other.build().unwrap(), enforcing.build().unwrap());
    let tool = Named::new("read");
    let of_other = hexgate_adk::gated_tool(Arc::new(tool.clone()), &other);
    let given = hexgate_adk::gate(builder("read"), &enforcer).tool(Arc::clone(&of_other));
    let past = hexgate_adk::gate(builder("read").tool(of_other), &enforcer);
    for agent in [given, past] {
        run(Arc::new(agent.build().unwrap()), RunConfig::default()).await;
    }
    assert_eq!(tool.ran(), 0);
    let denied = r#"deny read {"n":1} for alice"#;
    assert_eq!(record.lines(), [denied, denied]);
}
