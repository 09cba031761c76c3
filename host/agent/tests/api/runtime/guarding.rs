//! Guards before and after calls.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hexgate_agent::Agent;
use hexgate_agent::event::EventKind;
use hexgate_agent::guard::{Before, Guard, GuardError, GuardedCall, SecretGuard};
use hexgate_agent::message::CallState;
use hexgate_agent::tool::{Progress, ToolError, ToolOutput};
use hexgate_enforce::{Cause, Decision};
use serde_json::json;

use super::fixture::*;

type Journal = Arc<Mutex<Vec<String>>>;

/// What a guard of these tests does.
#[derive(Clone, Copy)]
enum Does {
    Nothing,
    Rewrites(&'static str),
    Denies,
    FailsBefore,
    PanicsBefore,
    FailsAfter,
    PanicsAfter,
    Replaces(&'static str),
}

struct Example {
    name: &'static str,
    does: Does,
    journal: Journal,
}

#[async_trait]
impl Guard for Example {
    fn name(&self) -> &str {
        self.name
    }

    fn applies_to(&self, tool: &str) -> bool {
        tool != "slow"
    }

    async fn before(&self, call: &GuardedCall<'_>) -> Result<Before, GuardError> {
        let line = format!("{} before {}", self.name, call.arguments);
        self.journal.lock().unwrap().push(line);
        match self.does {
            Does::Rewrites(arguments) => Ok(Before::Rewrite(arguments.to_owned())),
            Does::Denies => Ok(Before::Deny {
                reason: "it is Sunday".to_owned(),
            }),
            Does::FailsBefore => Err(GuardError::new("the service is down")),
            Does::PanicsBefore => panic!("the guard has a bug"),
            _ => Ok(Before::Proceed),
        }
    }

    async fn after(
        &self,
        call: &GuardedCall<'_>,
        result: Result<ToolOutput, ToolError>,
    ) -> Result<Result<ToolOutput, ToolError>, GuardError> {
        let line = format!("{} after {}", self.name, call.arguments);
        self.journal.lock().unwrap().push(line);
        match self.does {
            Does::FailsAfter => Err(GuardError::new("the service is down")),
            Does::PanicsAfter => panic!("the guard has a bug"),
            Does::Replaces(text) => Ok(Ok(ToolOutput::new(text))),
            _ => Ok(result),
        }
    }
}

/// What a run with these guards comes to.
struct Came {
    states: Vec<(CallState, String)>,
    journal: Vec<String>,
    /// Cause and reason of each decision, and its arguments.
    decided: Vec<(Cause, String, String)>,
    heard: Vec<String>,
}

async fn run(guards: &[Does], piece: Piece) -> Came {
    let (journal, decided): (Journal, Arc<Mutex<Vec<_>>>) = Default::default();
    let decides = Arc::clone(&decided);
    let enforcer = enforcer_builder("bot", POLICY)
        .observer(move |decision: &Decision| {
            decides.lock().unwrap().push((
                decision.cause(),
                decision.reason().to_owned(),
                decision.arguments().to_owned(),
            ));
        })
        .build()
        .unwrap();
    let tool = Echo::new("echo");
    let (heard, pays) = (tool.heard(), Echo::new("pay"));
    let paid = pays.heard();
    let mut builder = Agent::builder("bot")
        .model(Script::new([vec![piece]]))
        .enforcer(enforcer)
        .tool(tool)
        .tool(pays);
    for (does, name) in guards.iter().zip(["one", "two", "three"]) {
        builder = builder.guard(Example {
            name,
            does: *does,
            journal: Arc::clone(&journal),
        });
    }
    let agent = builder.build().unwrap();
    let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
    let heard = [heard.lock().unwrap().clone(), paid.lock().unwrap().clone()].concat();
    Came {
        states: results(outcome.conversation.unwrap().messages()),
        journal: journal.lock().unwrap().clone(),
        decided: decided.lock().unwrap().clone(),
        heard,
    }
}

#[tokio::test]
async fn guards_come_in_order_and_what_they_rewrite_is_decided_and_runs() {
    let came = run(
        &[
            Does::Nothing,
            Does::Rewrites(r#"{"text": "rewritten"}"#),
            Does::Nothing,
        ],
        echo("1", "proposed"),
    )
    .await;
    let (proposed, rewritten) = (r#"{"text":"proposed"}"#, r#"{"text": "rewritten"}"#);
    assert_eq!(
        came.journal,
        [
            format!("one before {proposed}"),
            format!("two before {proposed}"),
            format!("three before {rewritten}"),
            format!("one after {rewritten}"),
            format!("two after {rewritten}"),
            format!("three after {rewritten}"),
        ]
    );
    assert_eq!(came.decided[0].2, rewritten);
    assert_eq!(came.heard, [rewritten]);

    // The policy decides the rewrite: a guard cannot get more than it grants.
    let came = run(
        &[Does::Rewrites(r#"{"amount": 51}"#)],
        call("1", "pay", &json!({"amount": 5})),
    )
    .await;
    assert_eq!(came.states[0].0, CallState::Denied);
    assert!(came.heard.is_empty() && came.decided[0].0 == Cause::Policy);
    let came = run(
        &[Does::Rewrites("no JSON")],
        call("1", "pay", &json!({"amount": 5})),
    )
    .await;
    assert_eq!(
        (came.states[0].0, came.decided[0].0),
        (CallState::Failed, Cause::Malformed)
    );
    assert!(came.heard.is_empty());
}

#[tokio::test]
async fn a_guard_that_denies_or_fails_is_a_denial_on_record() {
    for (does, reason) in [
        (Does::Denies, "the guard `two` refused it: it is Sunday"),
        (
            Does::FailsBefore,
            "the guard `two` refused it: it failed: the service is down",
        ),
        (
            Does::PanicsBefore,
            "the guard `two` refused it: it failed: it panicked: the guard has a bug",
        ),
    ] {
        let came = run(&[Does::Nothing, does, Does::Nothing], echo("1", "x")).await;
        assert_eq!(
            came.states[0],
            (
                CallState::Denied,
                "[policy_denied] Tool 'echo' is denied by the agent policy. The tool was not executed.".to_owned()
            )
        );
        assert_eq!(came.decided.len(), 1);
        assert_eq!(
            (came.decided[0].0, came.decided[0].1.as_str()),
            (Cause::Runtime, reason)
        );
        assert!(came.heard.is_empty());
        assert_eq!(came.journal.len(), 2, "nobody is asked after a denial");
    }
}

#[tokio::test]
async fn a_guard_that_fails_after_the_tool_withholds_its_result() {
    for does in [Does::FailsAfter, Does::PanicsAfter] {
        let came = run(&[does], echo("1", "the secret")).await;
        assert_eq!(
            came.states[0],
            (
                CallState::Failed,
                "[guard_denied] The tool 'echo' was executed. Its result is withheld by a guard."
                    .to_owned()
            )
        );
        assert_eq!(came.heard.len(), 1);
    }
    let came = run(&[Does::Replaces("something else")], echo("1", "x")).await;
    assert_eq!(
        came.states[0],
        (CallState::Completed, "something else".to_owned())
    );
}

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

#[tokio::test]
async fn keys_that_tools_find_do_not_reach_the_model() {
    let leaks = || {
        Made::new("slow", |_, _| async {
            Ok(ToolOutput::new(json!({
                "file": format!("key = {KEY}"), "deep": [{"x": KEY}], KEY: 1, "prose": "the password is long",
            }))
            .summary(format!("read {KEY}")))
        })
    };
    let fails = || {
        Made::new("echo", |_, _| async {
            Err(ToolError::new("bad", format!("no {KEY}")))
        })
    };
    let pieces = || vec![call("1", "slow", &json!({})), call("2", "echo", &json!({}))];
    let builder = |script: Script| {
        Agent::builder("bot")
            .model(script)
            .enforcer(enforcer("bot", POLICY))
            .tool(leaks())
            .tool(fails())
    };
    let agent = builder(Script::new([pieces()])).build().unwrap();
    let mut stream = agent.stream(&alice(), "Go.");
    let mut told = String::new();
    while let Some(event) = stream.next().await {
        told.push_str(&serde_json::to_string(&event).unwrap());
    }
    let outcome = stream.finish().await.unwrap();
    told.push_str(&outcome.conversation.unwrap().to_json().unwrap());
    assert!(!told.contains(KEY), "{told}");
    assert!(
        told.contains("[REDACTED:aws_access_key]") && told.contains("the password is long"),
        "{told}"
    );

    let agent = builder(Script::new([pieces()]))
        .dangerous_keep_secrets()
        .build()
        .unwrap();
    assert!(agent.notices()[0].contains("shows keys"));
    let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
    assert!(
        outcome
            .conversation
            .unwrap()
            .to_json()
            .unwrap()
            .contains(KEY)
    );
}

#[tokio::test]
async fn a_model_does_not_send_keys_anywhere_where_that_is_guarded() {
    let tool = Echo::new("echo");
    let heard = tool.heard();
    let agent = Agent::builder("bot")
        .model(Script::new([vec![
            call(
                "1",
                "echo",
                &json!({"deep": [{"x": format!("Bearer of {KEY}")}]}),
            ),
            call("2", "echo", &json!({KEY: 1})),
            echo("3", "nothing"),
        ]]))
        .enforcer(enforcer("bot", POLICY))
        .guard(SecretGuard::new().unwrap())
        .tool(tool)
        .build()
        .unwrap();
    let outcome = agent.invoke(&alice(), "Go.").await.unwrap();
    let states = results(outcome.conversation.unwrap().messages());
    assert_eq!(
        [states[0].0, states[1].0, states[2].0],
        [CallState::Denied, CallState::Denied, CallState::Completed]
    );
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_tool_says_of_its_progress_is_scrubbed_too() {
    let agent = Agent::builder("bot")
        .model(Script::new([
            vec![call("1", "slow", &json!({}))],
            vec![text("Done.")],
        ]))
        .enforcer(enforcer("bot", POLICY))
        .tool(Made::new("slow", move |_, progress: Progress| async move {
            progress.tell(format!("found {KEY}"));
            Ok(ToolOutput::new("done"))
        }))
        .build()
        .unwrap();
    let mut stream = agent.stream(&alice(), "Go.");
    let mut lines = Vec::new();
    while let Some(event) = stream.next().await {
        if let EventKind::ToolUpdate { text, .. } = event.kind {
            lines.push(text);
        }
    }
    assert_eq!(lines, ["found [REDACTED:aws_access_key]"]);
}
