use std::sync::Arc;
use std::time::Duration;

use adk_agent::LlmAgentBuilder;
use adk_core::{RetryBudget, RunConfig, ToolConfirmationDecision, tool_call_fingerprint};
use hexgate_adapter_testing::{enforcer, replaceable};
use hexgate_enforce::Approvals;
use serde_json::json;

use crate::fixture::{Named, POLICY, builder, proposing, run, run_in, session};

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
        run(Arc::new(agent), config).await;
        assert_eq!(tool.ran(), runs);
    }
}

/// A run that was given this for the call, which is bound to its arguments.
pub(crate) fn given(given: ToolConfirmationDecision) -> RunConfig {
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
    run(Arc::new(agent), given(ToolConfirmationDecision::Approve)).await;
    assert_eq!(tool.ran(), 1);
    let denied = r#"deny pay {"n":1} for alice"#;
    assert_eq!(record.lines().last().unwrap(), denied);

    // Nor does it count again when the model proposes the same call.
    let (enforcing, record) = enforcer(POLICY);
    let enforcing = enforcing.approvals(Approvals::handler(hexgate_adk::Confirmations));
    let tool = Named::new("pay");
    let agent = hexgate_adk::gate(proposing("pay", 2), &enforcing.build().unwrap());
    let agent = agent.tool(Arc::new(tool.clone())).build().unwrap();
    run(Arc::new(agent), given(ToolConfirmationDecision::Approve)).await;
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
            let gated = gated.tool(Arc::new(tool.clone()));
            Arc::new(gated.build().unwrap())
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
