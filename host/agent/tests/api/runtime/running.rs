//! From a proposal to an answer.

use std::sync::Arc;

use hexgate_agent::event::{Event, EventKind};
use hexgate_agent::message::{CallState, Message};
use hexgate_agent::model::{ModelErrorKind, Stop, Usage};
use hexgate_agent::{Agent, Ended};
use hexgate_enforce::{Approvals, Caller, Effect};
use serde_json::json;

use super::fixture::*;

#[tokio::test]
async fn a_call_runs_with_the_bytes_that_were_decided_and_the_model_reads_its_result() {
    let tool = Echo::new("echo");
    let heard = tool.heard();
    let odd = "  {\"text\":\"a\\u0062\" ,\"n\":1.00}";
    let script = Arc::new(Script::new([
        vec![
            text("I look."),
            Piece::Call("c1".into(), "echo".into(), odd.into()),
        ],
        vec![text("It says ab.")],
    ]));
    let agent = Agent::builder("bot")
        .model(Arc::clone(&script))
        .system_prompt("Be brief.")
        .enforcer(enforcer("bot", POLICY))
        .tool(tool)
        .build()
        .unwrap();
    let outcome = agent.invoke(&alice(), "What does it say?").await.unwrap();
    assert_eq!(
        (outcome.message.as_str(), &outcome.ended),
        ("It says ab.", &Ended::Finished)
    );
    assert_eq!((outcome.tool_calls, outcome.denials), (1, 0));
    assert_eq!(*heard.lock().unwrap(), [odd]);

    let requests = script.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].system.as_deref(), Some("Be brief."));
    assert_eq!(requests[0].messages.len(), 1);
    let [
        Message::User { .. },
        Message::Assistant { calls, .. },
        Message::Tool { call, content, .. },
    ] = &requests[1].messages[..]
    else {
        panic!("{:?}", requests[1].messages);
    };
    assert_eq!((calls[0].arguments.as_str(), call.as_str()), (odd, "c1"));
    let content: serde_json::Value = serde_json::from_str(content).unwrap();
    assert_eq!(
        content,
        json!({"ok": true, "got": {"text": "ab", "n": 1.0}})
    );
}

#[tokio::test]
async fn a_denial_reaches_the_model_with_its_marker_and_the_run_goes_on() {
    let script = Arc::new(Script::new([
        vec![
            call("1", "pay", &json!({"amount": 900})),
            call("2", "ask", &json!({})),
            call("3", "hidden", &json!({})),
            echo("4", "x"),
        ],
        vec![text("I could not pay.")],
    ]));
    let agent = agent_of("bot", &script)
        .tool(Echo::new("pay"))
        .tool(Echo::new("ask"))
        .tool(Echo::new("hidden"))
        .build()
        .unwrap();
    let outcome = agent.invoke(&alice(), "Pay.").await.unwrap();
    assert_eq!(outcome.message, "I could not pay.");
    assert_eq!((outcome.tool_calls, outcome.denials), (1, 2));
    let results = results(outcome.conversation.unwrap().messages());
    let denied = |tool: &str| {
        let text = format!(
            "[policy_denied] Tool '{tool}' is denied by the agent policy. The tool was not executed."
        );
        (CallState::Denied, text)
    };
    assert_eq!(results[0], denied("pay"));
    assert_eq!(
        results[1],
        (
            CallState::Denied,
            "[approval_required] Tool 'ask' requires human approval before execution. The tool was not executed. A person is asked.".to_owned()
        )
    );
    assert_eq!(results[2], denied("hidden"));
    assert_eq!(results[3].0, CallState::Completed);
    // The same component that denies it always hides it.
    assert_eq!(script.shown(), ["echo", "pay", "ask"]);
}

#[tokio::test]
async fn what_a_model_writes_wrong_is_told_to_it_and_the_run_goes_on() {
    let tool = Echo::new("echo");
    let heard = tool.heard();
    let malformed = |id: &str, arguments: &str| {
        Piece::Call(id.to_owned(), "echo".to_owned(), arguments.to_owned())
    };
    let agent = Agent::builder("bot")
        .model(Script::new([
            vec![
                call("a", "launch_rocket", &json!({})),
                malformed("b", "{\"text\": \"hel"),
                malformed("c", "[1]"),
                malformed("d", r#"{"text": "x", "text": "y"}"#),
                malformed("e", r#"{"text": 5}"#),
                echo("same", "first"),
                echo("same", "second"),
                malformed("", "  "),
            ],
            vec![text("Done.")],
        ]))
        .enforcer(enforcer("bot", POLICY))
        .tool(tool)
        .build()
        .unwrap();
    let mut stream = agent.stream(&alice(), "Go.");
    let mut decisions = Vec::new();
    while let Some(event) = stream.next().await {
        if let EventKind::Decision { outcome, .. } = event.kind {
            decisions.push(outcome);
        }
    }
    let outcome = stream.finish().await.unwrap();
    let conversation = outcome.conversation.unwrap();
    let results = results(conversation.messages());
    for (index, marker) in [
        "[unknown_tool]",
        "[policy_denied]",
        "[policy_denied]",
        "[policy_denied]",
        "[invalid_arguments]",
        "{",
        "[invalid_call]",
        "{",
    ]
    .into_iter()
    .enumerate()
    {
        let (state, content) = &results[index];
        assert!(content.starts_with(marker), "{index}: {content}");
        let expected = if marker.starts_with('{') {
            CallState::Completed
        } else {
            CallState::Failed
        };
        assert_eq!(*state, expected, "{index}: {content}");
    }
    assert!(
        results[1].1.contains("a string that does not end"),
        "the model is told what is wrong: {}",
        results[1].1
    );
    // Each proposal was decided, so each is on the record.
    assert_eq!(decisions.len(), 8);
    assert_eq!(*heard.lock().unwrap(), [r#"{"text":"first"}"#, "{}"]);
    // What goes back to the provider has no name twice, and none that is empty.
    let saved = conversation.to_json().unwrap();
    hexgate_agent::Conversation::from_json(&saved).unwrap();
}

#[tokio::test]
async fn a_model_that_fails_ends_the_run_by_name_and_leaves_a_usable_history() {
    for (turn, kind, said) in [
        (
            vec![text("Good mor"), Piece::Break],
            ModelErrorKind::Interrupted,
            true,
        ),
        (
            vec![text("Good mor"), Piece::Fail(ModelErrorKind::Garbage)],
            ModelErrorKind::Garbage,
            true,
        ),
        (
            vec![Piece::Fail(ModelErrorKind::RateLimited)],
            ModelErrorKind::RateLimited,
            false,
        ),
        (
            vec![text("Good mor"), Piece::Panic],
            ModelErrorKind::Garbage,
            true,
        ),
        (vec![Piece::Flood], ModelErrorKind::Garbage, true),
        (
            (0..65).map(|n| echo(&n.to_string(), "x")).collect(),
            ModelErrorKind::Garbage,
            false,
        ),
    ] {
        let agent = agent(
            "bot",
            [vec![echo("1", "x")], turn.clone(), vec![text("Hello.")]],
        )
        .build()
        .unwrap();
        let mut talk = hexgate_agent::Conversation::new();
        let error = agent
            .invoke_in(&mut talk, &alice(), "Hi.")
            .await
            .unwrap_err();
        let Ended::Model(why) = &error.outcome.ended else {
            panic!("{turn:?}: {:?}", error.outcome.ended);
        };
        assert_eq!(why.kind, kind, "{turn:?}");
        assert_eq!(
            talk.messages().len(),
            if said { 4 } else { 3 },
            "{turn:?}: {talk:?}"
        );
        let saved = talk.to_json().unwrap();
        assert_eq!(
            hexgate_agent::Conversation::from_json(&saved).unwrap(),
            talk
        );
        let outcome = agent
            .invoke_in(&mut talk, &alice(), "Again.")
            .await
            .unwrap();
        assert_eq!(outcome.message, "Hello.");
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_or_withheld_is_an_answer_by_that_name() {
    for (stop, ended) in [
        (Stop::Length, Ended::Cut),
        (Stop::Filtered, Ended::Filtered),
        (Stop::Other, Ended::Finished),
    ] {
        let usage = Usage {
            input_tokens: 7,
            output_tokens: 3,
        };
        let agent = agent("bot", [vec![text("So"), Piece::End(stop, usage)]])
            .build()
            .unwrap();
        let outcome = agent.invoke(&alice(), "Hi.").await.unwrap();
        assert_eq!((outcome.ended, outcome.usage), (ended, usage));
    }
}

#[tokio::test]
async fn without_a_policy_everything_is_denied_and_it_is_said() {
    let script = Arc::new(Script::new([
        vec![echo("1", "x")],
        vec![text("I may do nothing.")],
    ]));
    let tool = Echo::new("echo");
    let heard = tool.heard();
    let agent = Agent::builder("bot")
        .model(Arc::clone(&script))
        .tool(tool)
        .build()
        .unwrap();
    assert!(
        agent.notices()[0].contains("no policy"),
        "{:?}",
        agent.notices()
    );
    let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
    assert_eq!((outcome.tool_calls, outcome.denials), (0, 1));
    let results = results(outcome.conversation.unwrap().messages());
    assert_eq!(results[0].0, CallState::Denied);
    assert!(
        results[0]
            .1
            .starts_with("[policy_denied] Tool 'echo' is denied: this agent has no policy")
    );
    assert!(heard.lock().unwrap().is_empty() && script.shown().is_empty());
}

#[tokio::test]
async fn a_person_is_asked_while_the_events_say_so() {
    let approvals = |yes: bool| {
        Approvals::ask_async(move |decision| {
            assert_eq!(decision.outcome(), Effect::NeedsApproval);
            async move { yes }
        })
    };
    for (yes, state) in [(true, CallState::Completed), (false, CallState::Denied)] {
        let enforcer = enforcer_builder("bot", POLICY)
            .approvals(approvals(yes))
            .build()
            .unwrap();
        let agent = Agent::builder("bot")
            .model(Script::new([vec![call("1", "ask", &json!({}))]]))
            .enforcer(enforcer)
            .tool(Echo::new("ask"))
            .build()
            .unwrap();
        let mut stream = agent.stream(&alice(), "Go.");
        let mut events: Vec<Event> = Vec::new();
        while let Some(event) = stream.next().await {
            events.push(event);
        }
        assert_eq!(
            types(&events),
            [
                "run_start",
                "tool_start",
                "decision",
                "approval_requested",
                "approval_resolved",
                "tool_end",
                "run_end"
            ]
        );
        let outcome = stream.finish().await.unwrap();
        assert_eq!(
            results(outcome.conversation.unwrap().messages())[0].0,
            state
        );
    }
}

#[tokio::test]
async fn who_is_stopped_starts_no_run_and_who_is_not_let_in_neither() {
    let script = Arc::new(Script::new([]));
    let agent = agent_of("bot", &script).build().unwrap();
    let switch = agent.enforcer().unwrap().kill_switch().clone();
    switch.stop_user("alice", "compromised");
    let error = agent.invoke(&alice(), "Hi.").await.unwrap_err();
    assert!(
        matches!(&error.outcome.ended, Ended::Stopped { reason } if reason.contains("compromised"))
    );
    let bob = Caller::builder("bob").role("user").build().unwrap();
    assert!(agent.invoke(&bob, "Hi.").await.is_ok());
    switch.stop_agent("bot", "it misbehaves");
    let mut stream = agent.stream(&bob, "Hi.");
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(event);
    }
    assert_eq!(
        types(&events),
        ["run_start", "decision", "error", "run_end"]
    );
    let told = serde_json::to_string(&events).unwrap();
    assert!(
        !told.contains("misbehaves"),
        "the reason is for the operator: {told}"
    );
    assert_eq!(script.requests().len(), 1);

    let closed = "roles: {default: {tools: {agent.run: {mode: deny, message: Closed today.}}}}";
    let agent = Agent::builder("bot")
        .model(Arc::clone(&script))
        .enforcer(enforcer("bot", closed))
        .build()
        .unwrap();
    let mut talk = hexgate_agent::Conversation::new();
    let error = agent.invoke_in(&mut talk, &bob, "Hi.").await.unwrap_err();
    assert!(
        matches!(&error.outcome.ended, Ended::NotAdmitted { message } if message.ends_with("Closed today."))
    );
    assert!(talk.is_empty());
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn a_user_who_is_stopped_during_a_run_gets_no_further() {
    let enforcer = enforcer("bot", POLICY);
    let switch = enforcer.kill_switch().clone();
    let script = Arc::new(Script::new([vec![
        call("1", "slow", &json!({})),
        echo("2", "x"),
    ]]));
    let agent = Agent::builder("bot")
        .model(Arc::clone(&script))
        .enforcer(enforcer)
        .tool(Echo::new("echo"))
        .tool(Made::new("slow", move |_, _| {
            switch.stop_user("alice", "compromised");
            async { Ok(hexgate_agent::tool::ToolOutput::new("done")) }
        }))
        .build()
        .unwrap();
    let error = agent.invoke(&alice(), "Go.").await.unwrap_err();
    assert!(matches!(error.outcome.ended, Ended::Stopped { .. }));
    assert_eq!((error.outcome.tool_calls, error.outcome.denials), (1, 1));
    assert_eq!(script.requests().len(), 1);
}
