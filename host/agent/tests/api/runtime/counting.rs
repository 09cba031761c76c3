//! What a run counts, and that no limit of a policy is passed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hexgate_agent::message::CallState;
use hexgate_agent::model::{Stop, Usage};
use hexgate_agent::tool::{ToolError, ToolOutput};
use hexgate_agent::{Agent, Limits};
use hexgate_enforce::Decision;
use serde_json::{Value, json};

use super::fixture::*;

#[tokio::test]
async fn each_decision_sees_the_counts_by_the_names_that_policies_know() {
    let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
    let sees = Arc::clone(&seen);
    let enforcer = enforcer_builder("bot", POLICY)
        .observer(move |decision: &Decision| {
            let facts: Value = serde_json::from_str(decision.facts().unwrap()).unwrap();
            sees.lock().unwrap().push(facts["run"].clone());
        })
        .build()
        .unwrap();
    let usage = Usage {
        input_tokens: 100,
        output_tokens: 11,
    };
    let agent = Agent::builder("bot")
        .model(Script::new([
            vec![
                echo("1", "a"),
                echo("2", "b"),
                call("3", "pay", &json!({"amount": 900})),
                call("4", "ask", &json!({})),
                call("5", "slow", &json!({})),
                Piece::End(Stop::Calls, usage),
            ],
            vec![echo("6", "c"), Piece::End(Stop::Calls, usage)],
        ]))
        .enforcer(enforcer)
        .tool(Echo::new("echo"))
        .tool(Echo::new("pay"))
        .tool(Echo::new("ask"))
        .tool(Made::new("slow", |_, _| async {
            Err(ToolError::new("broken", "no"))
        }))
        .build()
        .unwrap();
    let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
    assert_eq!(outcome.usage.input_tokens, 200);

    let seen = seen.lock().unwrap();
    let rows: Vec<Value> = seen
        .iter()
        .map(|run| {
            json!([
                run["tool_calls"],
                run["calls_of_this_tool"],
                run["denials"],
                run["approvals"],
                run["errors"],
                run["llm_calls"],
                run["total_tokens"],
                run["tools_used"],
            ])
        })
        .collect();
    assert_eq!(
        rows,
        [
            json!([0, 0, 0, 0, 0, 1, 111, []]),
            json!([1, 1, 0, 0, 0, 1, 111, ["echo"]]),
            json!([2, 0, 0, 0, 0, 1, 111, ["echo"]]),
            json!([2, 0, 1, 0, 0, 1, 111, ["echo"]]),
            json!([2, 0, 1, 1, 0, 1, 111, ["echo"]]),
            json!([3, 2, 1, 1, 1, 2, 222, ["echo", "slow"]]),
        ]
    );
    let last = &seen[5];
    assert_eq!(
        (&last["id"], &last["agent"]),
        (&json!(outcome.run_id), &json!("bot"))
    );
    assert_eq!(
        (&last["input_tokens"], &last["output_tokens"]),
        (&json!(200), &json!(22))
    );
    assert!(last["elapsed_seconds"].as_f64().unwrap() < 60.0);
    // These and no others: a policy that names another does not compile.
    assert_eq!(last.as_object().unwrap().len(), 13);
}

#[tokio::test]
async fn a_tool_can_be_forbidden_after_another_was_used() {
    let policy = r#"
roles:
  user:
    tools:
      read_secret: { mode: allow }
      send: { mode: allow, constraints: ['not ("read_secret" in run.tools_used)'] }
"#;
    for (order, expected) in [
        (
            ["send", "read_secret"],
            [CallState::Completed, CallState::Completed],
        ),
        (
            ["read_secret", "send"],
            [CallState::Completed, CallState::Denied],
        ),
    ] {
        let agent = Agent::builder("bot")
            .model(Script::new([order
                .map(|tool| call(tool, tool, &json!({})))
                .to_vec()]))
            .enforcer(enforcer("bot", policy))
            // Side by side: what was used counts before it ran.
            .tool(waits("read_secret"))
            .tool(waits("send"))
            .build()
            .unwrap();
        let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
        let states = results(outcome.conversation.unwrap().messages());
        assert_eq!([states[0].0, states[1].0], expected, "{order:?}");
    }
}

fn waits(name: &str) -> impl hexgate_agent::tool::Tool + 'static {
    Made::new(name, |_, _| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(ToolOutput::new("done"))
    })
    .concurrent()
}

/// Rounds, calls of a round, and the limit.
const ROUNDS: usize = 300;
const CALLS: usize = 24;
const LIMIT: u64 = 7;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_side_by_side_never_pass_a_limit_of_the_policy() {
    let policy = format!(
        "roles: {{default: {{tools: {{work: {{mode: allow, constraints: [run.tool_calls < {LIMIT}]}}, other: {{mode: allow, constraints: [run.calls_of_this_tool < 2]}}}}}}}}"
    );
    let enforcer = enforcer("bot", &policy);
    for round in 0..ROUNDS {
        let ran = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let tool = |name: &str, index: usize| {
            let ran = Arc::clone(&ran);
            Made::new(name, move |_, _| {
                let ran = Arc::clone(&ran);
                async move {
                    // On another thread, so that calls end in any order.
                    let counted = tokio::spawn(async move {
                        tokio::task::yield_now().await;
                        ran[index].fetch_add(1, Ordering::SeqCst);
                    });
                    counted.await.map_err(|_| ToolError::new("lost", "lost"))?;
                    Ok(ToolOutput::new("done"))
                }
            })
            .concurrent()
        };
        let half = |from: usize| {
            (from..from + CALLS / 2)
                .map(|n| {
                    let name = if n % 3 == 0 { "other" } else { "work" };
                    call(&n.to_string(), name, &json!({}))
                })
                .collect()
        };
        let agent = Agent::builder("bot")
            .model(Script::new([half(0), half(round % 5), vec![text("Done.")]]))
            .enforcer(enforcer.clone())
            .limits(Limits::default().concurrent_calls(CALLS))
            .tool(tool("work", 0))
            .tool(tool("other", 1))
            .build()
            .unwrap();
        let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
        let [work, other] = [0, 1].map(|index| ran[index].load(Ordering::SeqCst));
        // `work` sees all calls, those of `other` included; `other` sees its own.
        assert!(
            work + 2 >= LIMIT && work <= LIMIT,
            "round {round}: {work} {other}"
        );
        assert_eq!(other, 2, "round {round}");
        assert_eq!(outcome.tool_calls, work + other, "round {round}");
    }
}
