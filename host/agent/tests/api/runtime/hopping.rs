//! From one agent to another.

use std::sync::{Arc, Mutex};

use hexgate_agent::event::{Event, EventKind};
use hexgate_agent::message::{CallState, Message};
use hexgate_agent::model::{Stop, Usage};
use hexgate_agent::{Agent, Conversation, Ended, Limits};
use hexgate_enforce::{Caller, Decision, Enforcer, scope};
use serde_json::{Value, json};

use super::fixture::*;

const ASK: &str = "delegate_to_helper";

fn ask(task: &str) -> Piece {
    call("ask", ASK, &json!({"task": task}))
}

/// What an enforcer decided: the tool, the user, the arguments.
type Decided = Arc<Mutex<Vec<(String, String, String)>>>;

fn watched(name: &str, policy: &str) -> (Enforcer, Decided) {
    let decided = Decided::default();
    let decides = Arc::clone(&decided);
    let enforcer = enforcer_builder(name, policy)
        .observer(move |decision: &Decision| {
            decides.lock().unwrap().push((
                decision.tool().to_owned(),
                decision.caller().unwrap().user_id().to_owned(),
                decision.arguments().to_owned(),
            ));
        })
        .build()
        .unwrap();
    (enforcer, decided)
}

async fn events_of(agent: &Agent, input: &str) -> (Vec<Event>, hexgate_agent::RunOutcome) {
    let mut stream = agent.stream(&alice(), input);
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(event);
    }
    let outcome = stream.finish().await.unwrap();
    (events, outcome)
}

#[tokio::test]
async fn a_sub_agent_acts_for_the_same_caller_by_its_own_policy() {
    let (below, decided_below) = watched("helper", POLICY);
    let (above, decided_above) = watched("bot", POLICY);
    let helper_script = Arc::new(Script::new([
        vec![
            call("1", "slow", &json!({})),
            call("2", "pay", &json!({"amount": 900})),
        ],
        vec![
            text("The helper found 7."),
            Piece::End(
                Stop::Finished,
                Usage {
                    input_tokens: 30,
                    output_tokens: 4,
                },
            ),
        ],
    ]));
    let in_scope: Arc<Mutex<Vec<String>>> = Arc::default();
    let sees = Arc::clone(&in_scope);
    let helper = Agent::builder("helper")
        .model(Arc::clone(&helper_script))
        .enforcer(below)
        .tool(Made::new("slow", move |permit, _| {
            let user = scope::current().unwrap().user_id().to_owned();
            assert_eq!(permit.decision().caller().unwrap().user_id(), user);
            sees.lock().unwrap().push(user);
            async { Ok(hexgate_agent::tool::ToolOutput::new("done")) }
        }))
        .tool(Echo::new("pay"))
        .build()
        .unwrap();
    let agent = Agent::builder("bot")
        .model(Script::new([
            vec![ask("Find it."), echo("2", "x")],
            vec![text("It is 7.")],
        ]))
        .enforcer(above)
        .tool(Echo::new("echo"))
        .subagent(helper)
        .build()
        .unwrap();
    let (events, outcome) = events_of(&agent, "What is it?").await;
    assert_eq!(outcome.message, "It is 7.");
    assert_eq!(
        outcome.usage.input_tokens, 30,
        "what a sub-agent takes is taken by who asks it"
    );
    let results = results(outcome.conversation.unwrap().messages());
    assert_eq!(
        results[0],
        (CallState::Completed, "The helper found 7.".to_owned())
    );
    assert_eq!(*in_scope.lock().unwrap(), ["alice"]);

    // It knows the task, and nothing of the conversation.
    let [Message::User { text: told }] = &helper_script.requests()[0].messages[..] else {
        panic!();
    };
    assert_eq!(told, "Find it.");

    // Each hop is on the record, once, under the name that policies use.
    let above = decided_above.lock().unwrap();
    assert_eq!(above[0].0, "agent.tool:helper");
    let arguments: Value = serde_json::from_str(&above[0].2).unwrap();
    assert_eq!(
        arguments,
        json!({"agent": "bot", "target": "helper", "via": "tool", "task": "Find it."})
    );
    let names = |decided: &[(String, String, String)]| {
        let names = decided
            .iter()
            .map(|(tool, user, _)| format!("{user} {tool}"));
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&above), ["alice agent.tool:helper", "alice echo"]);
    assert_eq!(
        names(&decided_below.lock().unwrap()),
        ["alice slow", "alice pay"]
    );

    assert_eq!(
        types(&events),
        [
            "run_start",
            "tool_start",
            "decision",
            "agent_start",
            "tool_start",
            "decision",
            "tool_end",
            "tool_start",
            "decision",
            "tool_end",
            "agent_end",
            "tool_end",
            "tool_start",
            "decision",
            "tool_end",
            "run_end",
        ]
    );
    let numbers: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert!(
        numbers.iter().copied().eq(1..=events.len() as u64),
        "{numbers:?}"
    );
    let inner = events.iter().find(|event| event.depth == 1).unwrap();
    assert_eq!(inner.parent_run_id.as_ref(), Some(&events[0].run_id));
    assert_eq!(inner.root_run_id, events[0].run_id);
}

#[tokio::test]
async fn an_agent_that_the_policy_does_not_let_reach_is_neither_shown_nor_run() {
    let policy = "roles: {user: {default_policy: {mode: allow}}}";
    let helper_script = Arc::new(Script::new([]));
    let helper = agent_of("helper", &helper_script).build().unwrap();
    let script = Arc::new(Script::new([vec![
        ask("x"),
        call("h", "transfer_to_helper", &json!({})),
    ]]));
    let agent = Agent::builder("bot")
        .model(Arc::clone(&script))
        .enforcer(enforcer("bot", policy))
        .tool(Echo::new("echo"))
        .subagent(helper.clone())
        .handoff(helper)
        .build()
        .unwrap();
    let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
    assert_eq!(script.shown(), ["echo"]);
    let results = results(outcome.conversation.unwrap().messages());
    assert_eq!(
        (results[0].0, results[1].0),
        (CallState::Denied, CallState::Denied)
    );
    assert!(helper_script.requests().is_empty());
}

#[tokio::test]
async fn a_sub_agent_that_may_not_begin_or_fails_is_a_failed_call() {
    let closed = "roles: {default: {tools: {agent.run: {mode: deny}}}}";
    let script = || Script::new([vec![text("Hello"), Piece::Break]]);
    let helpers = [
        Agent::builder("helper")
            .model(script())
            .enforcer(enforcer("helper", closed)),
        Agent::builder("helper")
            .model(script())
            .enforcer(enforcer("helper", POLICY)),
    ];
    for (helper, why) in helpers
        .into_iter()
        .zip(["denied by the agent policy", "broke off"])
    {
        let agent = agent("bot", [vec![ask("x")], vec![text("It did not answer.")]])
            .subagent(helper.build().unwrap())
            .build()
            .unwrap();
        let (events, outcome) = events_of(&agent, "Go.").await;
        assert_eq!(outcome.ended, Ended::Finished);
        let results = results(outcome.conversation.unwrap().messages());
        assert_eq!(results[0].0, CallState::Failed);
        assert!(
            results[0].1.contains(r#""type":"agent_failed""#) && results[0].1.contains(why),
            "{}",
            results[0].1
        );
        assert!(
            !events
                .iter()
                .any(|event| matches!(event.kind, EventKind::Error { .. }))
        );
    }
}

#[tokio::test]
async fn depth_has_a_limit_that_no_agent_below_can_raise() {
    // Each asks the next; the outermost agent's limit counts.
    let mut below: Option<Agent> = None;
    for _ in 0..6 {
        let mut builder = agent(
            "helper",
            [vec![ask("deeper")], vec![text("I am at the end.")]],
        )
        .limits(Limits::default().depth(100));
        if let Some(below) = below {
            builder = builder.subagent(below);
        }
        below = Some(builder.build().unwrap());
    }
    let agent = agent("bot", [vec![ask("deeper")]])
        .limits(Limits::default().depth(3))
        .subagent(below.unwrap())
        .build()
        .unwrap();
    let (events, _) = events_of(&agent, "Go.").await;
    assert_eq!(events.iter().map(|event| event.depth).max(), Some(3));
    let denied: Vec<&Event> = events
        .iter()
        .filter(|event| {
            matches!(
                &event.kind,
                EventKind::ToolEnd {
                    outcome: CallState::Denied,
                    ..
                }
            )
        })
        .collect();
    assert_eq!((denied.len(), denied[0].depth), (1, 3));
}

#[tokio::test]
async fn a_handoff_leaves_the_conversation_to_another_agent() {
    let helper_script = Arc::new(Script::new([vec![text("I am the helper.")]]));
    let (below, _) = watched("helper", POLICY);
    let helper = Agent::builder("helper")
        .model(Arc::clone(&helper_script))
        .system_prompt("You help.")
        .enforcer(below)
        .build()
        .unwrap();
    let (above, decided) = watched("bot", POLICY);
    let agent = Agent::builder("bot")
        .model(Script::new([vec![
            text("I pass you on."),
            call(
                "h",
                "transfer_to_helper",
                &json!({"reason": "it knows more"}),
            ),
            echo("2", "x"),
            call("i", "transfer_to_helper", &json!({})),
        ]]))
        .enforcer(above)
        .tool(Echo::new("echo"))
        .handoff(helper)
        .build()
        .unwrap();
    let mut talk = Conversation::new();
    let outcome = agent
        .invoke_in(&mut talk, &alice(), "Help me.")
        .await
        .unwrap();
    assert_eq!(
        (outcome.message.as_str(), outcome.agent.as_str()),
        ("I am the helper.", "helper")
    );
    let request = &helper_script.requests()[0];
    assert_eq!(request.system.as_deref(), Some("You help."));
    assert_eq!(request.messages.len(), 5);
    let states: Vec<CallState> = results(talk.messages())
        .into_iter()
        .map(|(state, _)| state)
        .collect();
    assert_eq!(
        states,
        [
            CallState::Completed,
            CallState::Completed,
            CallState::Denied
        ]
    );
    assert!(
        matches!(talk.messages().last(), Some(Message::Assistant { text, .. }) if text == "I am the helper.")
    );
    Conversation::from_json(&talk.to_json().unwrap()).unwrap();
    let arguments: Value = serde_json::from_str(&decided.lock().unwrap()[0].2).unwrap();
    assert_eq!(
        arguments,
        json!({"agent": "bot", "target": "helper", "via": "handoff", "reason": "it knows more"})
    );
}

#[tokio::test]
async fn the_arguments_of_a_hop_cannot_name_another_agent() {
    let policy = r#"
roles:
  user:
    tools:
      agent.tool:helper: { mode: allow, constraints: [args.target == "helper", args.agent == "bot", args.via == "tool"] }
"#;
    let (above, decided) = watched("bot", policy);
    let agent = Agent::builder("bot")
        .model(Script::new([vec![
            call(
                "1",
                ASK,
                &json!({"task": "x", "target": "root", "agent": "root", "via": "handoff"}),
            ),
            call("2", ASK, &json!({})),
            call("3", ASK, &json!({"task": 5})),
            call("4", ASK, &json!({"task": "x", "more": 1})),
        ]]))
        .enforcer(above)
        .subagent(agent("helper", []).build().unwrap())
        .build()
        .unwrap();
    let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
    let states = results(outcome.conversation.unwrap().messages());
    let states: Vec<CallState> = states.into_iter().map(|(state, _)| state).collect();
    assert_eq!(
        states,
        [
            CallState::Completed,
            CallState::Failed,
            CallState::Failed,
            CallState::Failed
        ]
    );
    let arguments: Value = serde_json::from_str(&decided.lock().unwrap()[0].2).unwrap();
    assert_eq!(
        arguments,
        json!({"agent": "bot", "target": "helper", "via": "tool", "task": "x"})
    );
}

#[tokio::test]
async fn a_sub_agent_may_not_do_more_for_a_caller_than_its_own_policy_says() {
    let helper = Agent::builder("helper")
        .model(Script::new([
            vec![call("1", "pay", &json!({"amount": 5}))],
            vec![text("done")],
        ]))
        .enforcer(enforcer(
            "helper",
            "roles: {default: {}, admin: {tools: {pay: {mode: allow}}}}",
        ))
        .tool(Echo::new("pay"))
        .build()
        .unwrap();
    let agent = agent("bot", [vec![ask("pay 5")]])
        .subagent(helper)
        .build()
        .unwrap();
    let (events, _) = events_of(&agent, "Go.").await;
    let inner = events.iter().find_map(|event| match &event.kind {
        EventKind::ToolEnd {
            tool_name, outcome, ..
        } if tool_name == "pay" => Some(*outcome),
        _ => None,
    });
    assert_eq!(inner, Some(CallState::Denied));
    let nobody = Caller::builder("bob").build().unwrap();
    assert!(agent.visible_tools(&nobody).is_empty());
}
