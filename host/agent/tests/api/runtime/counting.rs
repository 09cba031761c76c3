//! What a run counts, and that no limit of a policy is passed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hexgate_agent::event::EventKind;
use hexgate_agent::message::CallState;
use hexgate_agent::model::{Stop, Usage};
use hexgate_agent::tool::{Progress, Tool, ToolError, ToolOutput};
use hexgate_agent::{Agent, Limits};
use hexgate_enforce::{Call, Decision, Enforcer};
use serde_json::{Value, json};
use tokio::task::JoinSet;

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

/// A tool that has `net.http_request` decided so many times side by side, as a command does, and keeps how many were allowed.
fn asks_of_parts(
    enforcer: &Enforcer,
    parts: usize,
    allowed: &Arc<Mutex<Vec<usize>>>,
) -> impl Tool + use<> {
    let (enforcer, allowed) = (enforcer.clone(), Arc::clone(allowed));
    Made::new("bash", move |_, progress| {
        let (enforcer, allowed) = (enforcer.clone(), Arc::clone(&allowed));
        async move {
            let mut deciding = JoinSet::new();
            for n in 0..parts {
                let (enforcer, progress) = (enforcer.clone(), progress.clone());
                deciding.spawn(async move {
                    let call = Call::of(&alice(), "net.http_request", json!({ "n": n }));
                    let (call, part) = progress.part(call, "net.http_request");
                    tokio::task::yield_now().await;
                    // One that is given up counts for nothing.
                    if n % 5 == 0 {
                        return false;
                    }
                    let authorized = enforcer.authorize_async(call).await;
                    part.decided(match &authorized {
                        Ok(permit) => permit.decision(),
                        Err(decision) => decision,
                    });
                    authorized.is_ok()
                });
            }
            let decided = deciding.join_all().await;
            allowed
                .lock()
                .unwrap()
                .push(decided.into_iter().filter(|it| *it).count());
            Ok(ToolOutput::new("done"))
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parts_of_a_call_are_counted_and_never_pass_a_limit_together() {
    let policy = r#"
roles:
  user:
    tools:
      bash: { mode: allow, constraints: [run.calls_of_this_tool < 2] }
      net.http_request:
        mode: allow
        constraints: [run.calls_of_this_tool < 3, run.tool_calls < 100, '"bash" in run.tools_used']
"#;
    let enforcer = enforcer("bot", policy);
    for _ in 0..200 {
        let allowed = Arc::default();
        let agent = Agent::builder("bot")
            .model(Script::new([
                vec![call("1", "bash", &json!({}))],
                vec![call("2", "bash", &json!({}))],
                vec![text("Done.")],
            ]))
            .enforcer(enforcer.clone())
            .tool(asks_of_parts(&enforcer, 20, &allowed))
            .build()
            .unwrap();
        let mut stream = agent.stream(&alice(), "Go.");
        let mut decisions = 0;
        while let Some(event) = stream.next().await {
            if let EventKind::Decision {
                tool_name, tool_id, ..
            } = event.kind
                && tool_name == "net.http_request"
            {
                assert!(tool_id.is_some());
                decisions += 1;
            }
        }
        let outcome = stream.finish().await.unwrap();
        let allowed = allowed.lock().unwrap().clone();
        // Both commands together: what is being decided counts, so fewer may pass, and never more.
        let sum: usize = allowed.iter().sum();
        assert!(sum <= 3, "{allowed:?}");
        assert_eq!(decisions, 2 * 16);
        assert_eq!(outcome.tool_calls, 2 + sum as u64);
    }
}

#[tokio::test]
async fn outside_of_a_run_a_part_has_no_facts() {
    let enforcer = enforcer(
        "bot",
        "roles: {user: {tools: {net.http_request: {mode: allow, constraints: [run.tool_calls < 100]}}}}",
    );
    let call = Call::of(&alice(), "net.http_request", json!({}));
    let (call, part) = Progress::default().part(call, "net.http_request");
    let denied = enforcer.authorize_async(call).await.unwrap_err();
    part.decided(&denied);
    assert!(!denied.facts().unwrap_or_default().contains("tool_calls"));
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

fn waits(name: &str) -> impl Tool + 'static {
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
