//! Agents that run more than once in a run: within a loop, and because they are handed back to.

use std::sync::Arc;

use adk_agent::LoopAgent;
use adk_core::{Agent, EventStream, InvocationContext, RunConfig, ToolConfirmationDecision};
use async_trait::async_trait;
use hexgate_adapter_testing::{Record, enforcer};
use hexgate_enforce::{Approvals, Enforcer};

use crate::confirmations::given;
use crate::fixture::{Named, POLICY, Turn, call, handoff, playing, run};

const LIMITED: &str = "
roles:
  user:
    tools:
      read: { mode: allow, constraints: [run.calls_of_this_tool < 2] }
      \"agent.handoff:helper\": { mode: allow, constraints: [run.calls_of_this_tool < 1] }
";

fn gated(turns: impl IntoIterator<Item = Turn>, tool: &Named, by: &Enforcer) -> Arc<dyn Agent> {
    let gated = hexgate_adk::gate(playing("desk", turns), by).tool(Arc::new(tool.clone()));
    Arc::new(gated.build().unwrap())
}

/// An agent that hands off to another one, which is not gated and hands back, so often.
fn handed_back(
    turns: impl IntoIterator<Item = Turn>,
    times: usize,
    tool: &Named,
    by: &Enforcer,
) -> Arc<dyn Agent> {
    let helper = playing("helper", std::iter::repeat_n(handoff("desk"), times));
    let helper = Arc::new(helper.build().unwrap());
    let gated = hexgate_adk::gate(playing("desk", turns), by)
        .tool(Arc::new(tool.clone()))
        .with(|builder| builder.sub_agent(helper));
    Arc::new(gated.build().unwrap())
}

fn decided(record: &Record) -> Vec<String> {
    let lines = record.lines().into_iter();
    lines.filter(|line| line.ends_with(" for alice")).collect()
}

#[tokio::test]
async fn a_limit_holds_for_all_turns_of_a_loop() {
    let (enforcing, record) = enforcer(LIMITED);
    let tool = Named::new("read");
    let turns = [call("read"), None].into_iter().cycle().take(6);
    let agent = gated(turns, &tool, &enforcing.build().unwrap());
    let looping = LoopAgent::new("again", vec![agent]).with_max_iterations(3);
    run(Arc::new(looping), RunConfig::default()).await;
    assert_eq!(tool.ran(), 2);
    let allowed = r#"allow read {"n":1} for alice"#;
    let denied = r#"deny read {"n":1} for alice"#;
    assert_eq!(decided(&record), [allowed, allowed, denied]);
}

#[tokio::test]
async fn a_limit_holds_for_an_agent_that_is_handed_back_to() {
    let (enforcing, record) = enforcer(LIMITED);
    let tool = Named::new("read");
    let part = [call("read"), call("read"), handoff("helper")];
    let turns = part.clone().into_iter().chain(part);
    let agent = handed_back(turns, 1, &tool, &enforcing.build().unwrap());
    run(agent, RunConfig::default()).await;
    assert_eq!(tool.ran(), 2);
    let allowed = r#"allow read {"n":1} for alice"#;
    let denied = r#"deny read {"n":1} for alice"#;
    let to_helper = r#"{"agent":"desk","target":"helper","via":"handoff"}"#;
    assert_eq!(
        decided(&record),
        [
            allowed,
            allowed,
            &format!("allow agent.handoff:helper {to_helper} for alice"),
            denied,
            denied,
            &format!("deny agent.handoff:helper {to_helper} for alice"),
        ]
    );
}

#[tokio::test]
async fn a_limit_is_for_one_run() {
    let (enforcing, _) = enforcer(LIMITED);
    let tool = Named::new("read");
    let enforcer = enforcing.build().unwrap();
    for runs in 1..=3 {
        let turns = [call("read"), call("read"), call("read")];
        run(gated(turns, &tool, &enforcer), RunConfig::default()).await;
        assert_eq!(tool.ran(), 2 * runs);
    }
}

#[tokio::test]
async fn a_confirmation_that_was_given_counts_once_in_a_loop_and_after_a_handoff() {
    let policy = format!("{POLICY}      \"agent.handoff:helper\": {{ mode: allow }}\n");
    let enforcing = || {
        let (enforcing, record) = enforcer(&policy);
        let asks = Approvals::handler(hexgate_adk::Confirmations);
        (enforcing.approvals(asks).build().unwrap(), record)
    };
    let denied = r#"deny pay {"n":1} for alice"#;

    let (enforcer, record) = enforcing();
    let tool = Named::new("pay");
    let turns = [call("pay"), None, call("pay"), None];
    let agent = gated(turns, &tool, &enforcer);
    let looping = LoopAgent::new("again", vec![agent]).with_max_iterations(2);
    run(Arc::new(looping), given(ToolConfirmationDecision::Approve)).await;
    assert_eq!(tool.ran(), 1);
    assert_eq!(record.lines().last().unwrap(), denied);

    let (enforcer, record) = enforcing();
    let tool = Named::new("pay");
    let turns = [call("pay"), handoff("helper"), call("pay")];
    let agent = handed_back(turns, 1, &tool, &enforcer);
    run(agent, given(ToolConfirmationDecision::Approve)).await;
    assert_eq!(tool.ran(), 1);
    assert_eq!(record.lines().last().unwrap(), denied);
}

/// Lets another agent run so often, each time in a run of its own.
struct Crowd(Arc<dyn Agent>, usize);

#[async_trait]
impl Agent for Crowd {
    fn name(&self) -> &str {
        "crowd"
    }

    fn description(&self) -> &str {
        "Many runs."
    }

    fn sub_agents(&self) -> &[Arc<dyn Agent>] {
        &[]
    }

    async fn run(&self, _: Arc<dyn InvocationContext>) -> adk_core::Result<EventStream> {
        for _ in 0..self.1 {
            run(Arc::clone(&self.0), RunConfig::default()).await;
        }
        Ok(Box::pin(futures_util::stream::empty()))
    }
}

#[tokio::test]
async fn a_run_that_waited_for_too_many_others_is_not_taken_for_a_new_one() {
    let (enforcing, record) = enforcer(LIMITED);
    let enforcer = enforcing.build().unwrap();
    let tool = Named::new("read");
    let agent = gated([call("read"), None, call("read")], &tool, &enforcer);
    let crowd = Crowd(gated([], &tool, &enforcer), 4096);
    let looping = LoopAgent::new("again", vec![agent, Arc::new(crowd)]).with_max_iterations(2);
    run(Arc::new(looping), RunConfig::default()).await;
    assert_eq!(tool.ran(), 1);
    let lines = decided(&record);
    assert_eq!(lines.last().unwrap(), r#"deny read {"n":1} for alice"#);
}
