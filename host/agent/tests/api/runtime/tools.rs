//! Tools that misbehave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hexgate_agent::Agent;
use hexgate_agent::event::EventKind;
use hexgate_agent::message::CallState;
use hexgate_agent::tool::{Progress, ToolError, ToolOutput};
use serde_json::json;

use super::fixture::*;

#[tokio::test]
async fn a_tool_that_panics_or_fails_is_a_failed_call() {
    let agent = Agent::builder("bot")
        .model(Script::new([
            vec![
                call("1", "slow", &json!({})),
                call("2", "echo", &json!({})),
                call("3", "ask", &json!({})),
            ],
            vec![text("Nothing worked.")],
        ]))
        .enforcer(enforcer(
            "bot",
            &POLICY.replace(
                "ask: { mode: approval_required, message: A person is asked. }",
                "ask: { mode: allow }",
            ),
        ))
        .tool(Made::new("slow", |_, _| async {
            panic!("the password is swordfish")
        }))
        .tool(Made::new("echo", |_, _| async {
            Err(ToolError::new("http", "the server is busy")
                .retryable()
                .status(503))
        }))
        // As tools of the Python system say it.
        .tool(Made::new("ask", |_, _| async {
            Ok(ToolOutput::new(
                json!({"ok": false, "error": {"type": "not_found", "message": "there is none"}}),
            ))
        }))
        .build()
        .unwrap();
    let mut stream = agent.stream(&alice(), "Go.");
    let mut ends = Vec::new();
    while let Some(event) = stream.next().await {
        if let EventKind::ToolEnd {
            outcome,
            output_summary,
            ..
        } = event.kind
        {
            ends.push((outcome, output_summary.unwrap()));
        }
    }
    assert_eq!(
        ends,
        [
            (CallState::Failed, "the tool failed unexpectedly".to_owned()),
            (CallState::Failed, "the server is busy".to_owned()),
            (CallState::Failed, "there is none".to_owned()),
        ]
    );
    let outcome = stream.finish().await.unwrap();
    assert_eq!(outcome.message, "Nothing worked.");
    let results = results(outcome.conversation.unwrap().messages());
    // What a panic says nobody chose for a model.
    assert!(!results[0].1.contains("swordfish") && results[0].1.contains(r#""type":"panic""#));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&results[1].1).unwrap(),
        json!({"ok": false, "error": {"type": "http", "message": "the server is busy", "retryable": true, "status_code": 503}})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_floods_loses_lines_and_none_after_its_end() {
    let kept: Arc<Mutex<Option<Progress>>> = Arc::default();
    let keeps = Arc::clone(&kept);
    let agent = Agent::builder("bot")
        .model(Script::new([
            vec![call("1", "slow", &json!({}))],
            vec![text("Done.")],
        ]))
        .enforcer(enforcer("bot", POLICY))
        .tool(Made::new("slow", move |_, progress: Progress| {
            *keeps.lock().unwrap() = Some(progress.clone());
            async move {
                for number in 0..100_000 {
                    progress.tell(format!("{number} {}", "x".repeat(100)));
                }
                Ok(ToolOutput::new("done"))
            }
        }))
        .build()
        .unwrap();
    let mut stream = agent.stream(&alice(), "Go.");
    let (mut updates, mut has_ended) = (0, false);
    while let Some(event) = stream.next().await {
        match event.kind {
            EventKind::ToolUpdate { .. } => {
                assert!(!has_ended);
                updates += 1;
            }
            EventKind::ToolEnd { .. } => {
                has_ended = true;
                let progress = kept.lock().unwrap().clone().unwrap();
                std::thread::spawn(move || progress.tell("after the end"))
                    .join()
                    .unwrap();
            }
            _ => {}
        }
    }
    assert_eq!(updates, 256);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_tool_tells_from_another_thread_wakes_the_reader() {
    let agent = Agent::builder("bot")
        .model(Script::new([
            vec![call("1", "slow", &json!({}))],
            vec![text("Done.")],
        ]))
        .enforcer(enforcer("bot", POLICY))
        .tool(Made::new("slow", move |_, progress: Progress| async move {
            let (told, heard) = tokio::sync::oneshot::channel::<()>();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                progress.tell("half");
                // The tool itself is woken only when the line was read.
                std::thread::sleep(Duration::from_millis(200));
                drop(told);
            });
            let _ = heard.await;
            Ok(ToolOutput::new("done"))
        }))
        .build()
        .unwrap();
    let mut stream = agent.stream(&alice(), "Go.");
    let mut order = Vec::new();
    while let Some(event) = stream.next().await {
        match event.kind {
            EventKind::ToolUpdate { text, .. } => order.push(text),
            EventKind::ToolEnd { .. } => order.push("end".to_owned()),
            _ => {}
        }
    }
    assert_eq!(order, ["half", "end"]);
}

#[tokio::test]
async fn tools_that_may_run_side_by_side_do_and_others_wait_their_turn() {
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let make = |name: &'static str, pauses: u32| {
        let log = Arc::clone(&log);
        Made::new(name, move |_, _| {
            let log = Arc::clone(&log);
            async move {
                log.lock().unwrap().push(format!("{name} begins"));
                for _ in 0..pauses {
                    tokio::task::yield_now().await;
                }
                log.lock().unwrap().push(format!("{name} ends"));
                Ok(ToolOutput::new(name))
            }
        })
    };
    let policy = "roles: {user: {default_policy: {mode: allow}}}";
    let agent = Agent::builder("bot")
        .model(Script::new([["a", "b", "alone", "c", "d"]
            .map(|tool| call(tool, tool, &json!({})))
            .to_vec()]))
        .enforcer(enforcer("bot", policy))
        .tool(make("a", 9).concurrent())
        .tool(make("b", 1).concurrent())
        .tool(make("alone", 1))
        .tool(make("c", 9).concurrent())
        .tool(make("d", 1).concurrent())
        .build()
        .unwrap();
    let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
    let log = log.lock().unwrap();
    let at = |line: &str| log.iter().position(|it| it == line).unwrap();
    assert!(at("b ends") < at("a ends"), "{log:?}");
    assert!(
        at("alone begins") > at("a ends") && at("c begins") > at("alone ends"),
        "{log:?}"
    );
    assert!(at("d ends") < at("c ends"), "{log:?}");
    // The results stand in the order of the calls.
    let contents: Vec<String> = results(outcome.conversation.unwrap().messages())
        .into_iter()
        .map(|(_, content)| content)
        .collect();
    assert_eq!(contents, ["a", "b", "alone", "c", "d"]);
}
