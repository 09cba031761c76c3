use std::sync::Arc;
use std::time::Duration;

use hexgate_adapter_testing::{caller, enforcer};
use hexgate_enforce::scope;
use hexgate_rig::gate;
use rig_agent::AgentBuilder;
use rig_agent::tool::ToolOutput;
use rig_core::test_utils::{MockCompletionModel, MockTurn};
use serde_json::json;
use tokio::sync::Barrier;

use crate::fixture::{POLICY, Ran, dynamic, model};

#[tokio::test]
async fn without_a_scope_nothing_runs() {
    let (builder, record) = enforcer(POLICY);
    let ran = Ran::default();
    let agent = AgentBuilder::new(model([("late", json!({}))])).dynamic_tool(ran.tool("late"));
    let agent = gate(agent, &builder.build().unwrap()).unwrap();
    agent.prompt("go").max_turns(4).await.unwrap();
    assert!(ran.all().is_empty());
    assert_eq!(record.lines(), ["deny late {} for nobody"]);
}

/// The bus serves the calls of one run while another one is polled. An agent that a tool calls acts for the caller of its own run all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sub_agents_of_runs_side_by_side_keep_their_callers() {
    let (builder, record) = enforcer(POLICY);
    let enforcer = builder.build().unwrap();
    let ran = Ran::default();
    let users = ["alice", "bob", "carol", "dave"];
    let inner_turns = users.map(|_| MockTurn::tool_call("1", "late", json!({})));
    let inner_done = users.map(|_| MockTurn::text("Done."));
    let inner = MockCompletionModel::from_turns(inner_turns.into_iter().chain(inner_done));
    let who = ran.clone();
    let late = dynamic("late", move |_| {
        let caller = scope::current().map(|caller| caller.user_id().to_owned());
        who.push(caller.unwrap_or_else(|_| "nobody".to_owned()));
        Box::pin(async { Ok(ToolOutput::text("late")) })
    });
    let inner = gate(AgentBuilder::new(inner).dynamic_tool(late), &enforcer).unwrap();
    let meet = Arc::new(Barrier::new(users.len()));
    let helper = dynamic("helper", move |_| {
        let (inner, meet) = (inner.clone(), Arc::clone(&meet));
        Box::pin(async move {
            meet.wait().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            let answer = inner.prompt("go").max_turns(3).await;
            Ok(ToolOutput::text(
                answer.map(|it| it.output().to_owned()).unwrap_or_default(),
            ))
        })
    });
    let outer_turns = users.map(|_| MockTurn::tool_call("1", "helper", json!({})));
    let outer_done = users.map(|_| MockTurn::text("Done."));
    let outer = MockCompletionModel::from_turns(outer_turns.into_iter().chain(outer_done));
    let agent = gate(AgentBuilder::new(outer).dynamic_tool(helper), &enforcer).unwrap();
    let runs = users.map(|user| {
        let agent = agent.clone();
        tokio::spawn(scope::scope(caller(user), async move {
            agent.prompt("go").max_turns(3).await.map(drop)
        }))
    });
    for run in runs {
        let _ = run.await.unwrap();
    }
    let mut all = ran.all();
    all.sort();
    assert_eq!(all, users);
    for user in users {
        let lines = record.lines();
        let of = |tool: &str| format!("allow {tool} {{}} for {user}");
        assert!(lines.contains(&of("helper")), "{lines:?}");
        assert!(lines.contains(&of("late")), "{lines:?}");
    }
}

#[tokio::test]
async fn a_run_that_is_dropped_ends_its_tool_and_its_record() {
    let (builder, record) = enforcer(POLICY);
    let ran = Ran::default();
    let begins = ran.clone();
    let hangs = dynamic("late", move |_| {
        begins.push("late".to_owned());
        Box::pin(std::future::pending())
    });
    let agent = AgentBuilder::new(model([("late", json!({}))])).dynamic_tool(hangs);
    let agent = gate(agent, &builder.build().unwrap()).unwrap();
    let run = scope::scope(caller("alice"), async {
        agent.prompt("go").max_turns(3).await
    });
    let dropped = tokio::time::timeout(Duration::from_millis(200), run).await;
    assert!(dropped.is_err());
    assert_eq!(ran.all(), ["late"]);
    for _ in 0..100 {
        if record.lines().len() > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        record.lines(),
        ["allow late {} for alice", "late cancelled (cancelled)"]
    );
}
