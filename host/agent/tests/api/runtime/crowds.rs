//! Many runs at once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hexgate_agent::Agent;
use hexgate_agent::message::Message;
use hexgate_agent::model::{Model, ModelError, ModelId, ModelRequest, ModelStream};
use hexgate_agent::tool::{ToolError, ToolOutput};
use hexgate_enforce::{Caller, Decision, scope};
use serde_json::{Value, json};

use super::fixture::*;

const RUNS: usize = 1000;

/// Says whose turn it is by what the user says: calls `whoami`, and then repeats what it is told.
struct Mirror(ModelId);

#[async_trait]
impl Model for Mirror {
    fn id(&self) -> &ModelId {
        &self.0
    }

    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        tokio::task::yield_now().await;
        let Some(Message::User { text: user }) = request.messages.first() else {
            panic!("{:?}", request.messages);
        };
        Ok(play(match request.messages.last() {
            Some(Message::Tool { content, .. }) => vec![text(content)],
            _ => vec![
                call("1", "whoami", &json!({"claims": user})),
                call("2", "delegate_to_helper", &json!({"task": user})),
            ],
        }))
    }
}

fn who(sees: &Arc<Mutex<BTreeSet<String>>>) -> impl hexgate_agent::tool::Tool + 'static {
    let sees = Arc::clone(sees);
    Made::new("whoami", move |permit, _| {
        let sees = Arc::clone(&sees);
        async move {
            let claimed: Value = serde_json::from_str(permit.arguments()).unwrap();
            let decided = permit.decision().caller().unwrap().user_id().to_owned();
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                let now =
                    scope::current().map_err(|_| ToolError::new("lost", "the scope is lost"))?;
                assert_eq!(
                    (now.user_id(), claimed["claims"].as_str()),
                    (decided.as_str(), Some(decided.as_str()))
                );
            }
            sees.lock().unwrap().insert(decided.clone());
            Ok(ToolOutput::new(decided))
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_callers_none_sees_another() {
    let policy = r#"
roles:
  user:
    tools:
      # The model says the user's name, and the policy compares it with the caller's.
      whoami: { mode: allow, constraints: [args.claims == user.id, run.tool_calls == 0, run.calls_of_this_tool == 0] }
      agent.tool:helper: { mode: allow, constraints: [args.task == user.id, run.tool_calls == 1] }
"#;
    let wrong: Arc<Mutex<Vec<String>>> = Arc::default();
    let build = |name: &str| {
        let writes = Arc::clone(&wrong);
        let enforcer = enforcer_builder(name, policy)
            .observer(move |decision: &Decision| {
                if !decision.is_allowed() {
                    writes.lock().unwrap().push(decision.human());
                }
            })
            .build()
            .unwrap();
        Agent::builder(name)
            .model(Mirror(ModelId {
                provider: "test".to_owned(),
                name: "mirror".to_owned(),
            }))
            .enforcer(enforcer)
    };
    let (above, below) = (Arc::default(), Arc::default());
    // The helper's model asks for a helper of its own that is not there.
    let helper = build("helper").tool(who(&below)).build().unwrap();
    let agent = build("bot")
        .tool(who(&above))
        .subagent(helper)
        .build()
        .unwrap();
    let runs = (0..RUNS).map(|number| {
        let agent = agent.clone();
        tokio::spawn(async move {
            let user = format!("user-{number}");
            let caller = Caller::builder(&user)
                .role("user")
                .session(format!("s-{number}"))
                .build()
                .unwrap();
            let outcome = agent.invoke(&caller, &user).await.unwrap();
            (user, outcome)
        })
    });
    for run in runs.collect::<Vec<_>>() {
        let (user, outcome) = run.await.unwrap();
        assert_eq!(outcome.tool_calls, 2, "{user}");
        let results = results(outcome.conversation.unwrap().messages());
        assert_eq!(results[0].1, user);
        assert!(
            results[1].1.starts_with("[unknown_tool]"),
            "{}",
            results[1].1
        );
    }
    let seen: &Arc<Mutex<BTreeSet<String>>> = &above;
    assert_eq!(seen.lock().unwrap().len(), RUNS);
    let wrong = wrong.lock().unwrap();
    // The one that is not there is denied, in every run of the helper, and nothing else.
    assert_eq!(wrong.len(), RUNS, "{}", wrong.first().unwrap());
    assert!(
        wrong
            .iter()
            .all(|text| text.contains("helper · user-") && text.contains("delegate_to_helper")),
        "{}",
        wrong[0]
    );
}
