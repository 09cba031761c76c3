//! How much a run may take.

use std::time::Duration;

use hexgate_agent::message::CallState;
use hexgate_agent::model::{Stop, Usage};
use hexgate_agent::tool::ToolOutput;
use hexgate_agent::{Agent, Conversation, Ended, Limits};
use serde_json::json;

use super::fixture::*;

fn used(input_tokens: u64, output_tokens: u64) -> Piece {
    let usage = Usage {
        input_tokens,
        output_tokens,
    };
    Piece::End(Stop::Calls, usage)
}

#[tokio::test]
async fn a_model_that_comes_to_no_end_is_stopped() {
    let turns = (0..100).map(|_| vec![text("Once more."), echo("1", "x"), used(60, 40)]);
    let agent = agent("bot", turns)
        .limits(Limits::default().turns(3))
        .build()
        .unwrap();
    let mut talk = Conversation::new();
    let error = agent
        .invoke_in(&mut talk, &alice(), "Go.")
        .await
        .unwrap_err();
    assert_eq!(error.outcome.ended, Ended::Turns { limit: 3 });
    assert!(
        error.to_string().contains("raise the limit `turns`"),
        "{error}"
    );
    assert_eq!(
        (error.outcome.tool_calls, error.outcome.message.as_str()),
        (3, "Once more.")
    );
    Conversation::from_json(&talk.to_json().unwrap()).unwrap();

    let turns = (0..100).map(|_| vec![echo("1", "x"), used(60, 40)]);
    let helper = super::fixture::agent("helper", turns)
        .limits(Limits::default().turns(2))
        .build()
        .unwrap();
    let ask = || call("ask", "delegate_to_helper", &json!({"task": "x"}));
    // 100 tokens of its own and 200 below, each time.
    let turns = (0..100).map(|_| vec![ask(), used(60, 40)]);
    let agent = super::fixture::agent("bot", turns)
        .limits(Limits::default().tokens(500))
        .subagent(helper)
        .build()
        .unwrap();
    let error = agent.invoke(&alice(), "Go.").await.unwrap_err();
    assert_eq!(error.outcome.ended, Ended::Tokens { limit: 500 });
    assert_eq!(
        error.outcome.usage.input_tokens + error.outcome.usage.output_tokens,
        500
    );
}

#[tokio::test(start_paused = true)]
async fn what_never_ends_is_ended_by_time() {
    let never = || Made::new("slow", |_, _| std::future::pending());
    let make = |turns: Vec<Vec<Piece>>, limits: Limits| {
        Agent::builder("bot")
            .model(Script::new(turns))
            .enforcer(enforcer("bot", POLICY))
            .limits(limits)
            .tool(never())
            .build()
            .unwrap()
    };
    let minute = Duration::from_secs(60);
    // A tool: the run goes on without it.
    let turns = vec![
        vec![call("1", "slow", &json!({}))],
        vec![text("It took too long.")],
    ];
    let agent = make(turns, Limits::default().tool_time(minute));
    let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
    let results = results(outcome.conversation.unwrap().messages());
    assert_eq!(results[0].0, CallState::Failed);
    assert!(
        results[0].1.contains(r#""type":"timeout""#),
        "{}",
        results[0].1
    );
    // A run, in a tool and in an answer.
    for turn in [
        vec![call("1", "slow", &json!({}))],
        vec![text("Hm"), Piece::Hang],
    ] {
        let agent = make(vec![turn], Limits::default().time(minute));
        let mut talk = Conversation::new();
        let error = agent
            .invoke_in(&mut talk, &alice(), "Go.")
            .await
            .unwrap_err();
        assert_eq!(error.outcome.ended, Ended::Time { limit: minute });
        Conversation::from_json(&talk.to_json().unwrap()).unwrap();
    }
    // A run below: it has no more time than the run around it.
    let below = Agent::builder("helper")
        .model(Script::new([vec![call("1", "slow", &json!({}))]]))
        .enforcer(enforcer("helper", POLICY))
        .limits(Limits::default().time(minute * 600))
        .tool(never())
        .build()
        .unwrap();
    let agent = super::fixture::agent(
        "bot",
        [vec![call("1", "delegate_to_helper", &json!({"task": "x"}))]],
    )
    .limits(Limits::default().time(minute))
    .subagent(below)
    .build()
    .unwrap();
    let begin = tokio::time::Instant::now();
    let error = agent.invoke(&alice(), "Go.").await.unwrap_err();
    assert!(matches!(error.outcome.ended, Ended::Time { .. }));
    assert!(begin.elapsed() < minute * 2, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_result_that_is_too_long_is_cut_and_says_so() {
    let agent = Agent::builder("bot")
        .model(Script::new([vec![call("1", "slow", &json!({}))]]))
        .enforcer(enforcer("bot", POLICY))
        .limits(Limits::default().result_bytes(1000))
        .tool(Made::new("slow", |_, _| async {
            Ok(ToolOutput::new("ö".repeat(1 << 20)))
        }))
        .build()
        .unwrap();
    let mut stream = agent.stream(&alice(), "Go.");
    let mut told = 0;
    while let Some(event) = stream.next().await {
        told += serde_json::to_string(&event).unwrap().len();
    }
    let outcome = stream.finish().await.unwrap();
    let results = results(outcome.conversation.unwrap().messages());
    let (state, content) = &results[0];
    assert_eq!(*state, CallState::Completed);
    assert!(
        content.len() < 1100
            && content.ends_with("[cut: the result has 2097152 bytes, the first 1000 are shown]")
    );
    assert!(told < 10_000, "nothing of it is kept elsewhere: {told}");
}
