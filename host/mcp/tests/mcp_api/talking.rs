//! What servers say and ask while they run a call: it reaches the client of that call, and no other one.
#![expect(
    deprecated,
    reason = "logs, sampling and roots leave the protocol; the gateway passes them on until they are gone"
)]

use std::time::Duration;

use hexgate_mcp::config::{Offer, Passing};
use rmcp::model::*;
use rmcp::service::ServiceError;
use serde_json::json;

use crate::client::listen;
use crate::talker::{Hearing, Talker, ear, heard, open, said, said_with, value};
use crate::world::{V1, V2, V3, World, until};

/// Lines of a kind that a client heard.
fn lines(client: &Hearing, kind: &str) -> Vec<String> {
    let heard = heard(client).into_iter();
    heard.filter(|line| line.starts_with(kind)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_reaches_the_client_that_asked_under_its_own_token() {
    for server in [V2, V3] {
        for version in [V1, V2, V3] {
            let world = World::new();
            let (talker, config) = Talker::start(&server).await;
            let (_gateway, url) = open(&world, &[("fs", config)]).await;
            let client = ear(&url, "alice", &version).await;
            // The requests of another client before make the tokens differ.
            for _ in 0..3 {
                said(&ear(&url, "bob", &version).await, "fs-hold-not").await;
            }
            assert_eq!(
                said(&client, "fs-steps").await,
                "done",
                "{server} {version}"
            );
            let steps = lines(&client, "progress");
            assert_eq!(steps.len(), 3, "{server} {version} {steps:?}");
            let (first, last) = (value(&steps[0]), value(&steps[2]));
            assert_eq!(
                (&first["progress"], &last["progress"]),
                (&json!(1.0), &json!(3.0))
            );
            assert_eq!(first["message"], "at\\u{200b}");
            // The server never hears the client's token.
            let got = talker.got.lock().unwrap().concat();
            assert!(!got.contains(&format!("steps {}", first["progressToken"])) || got.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_request_reaches_nobody_else() {
    let world = World::new();
    let (holder, holding) = Talker::start(&V2).await;
    let (_stranger, strange) = Talker::start(&V2).await;
    let (_gateway, url) = open(&world, &[("fs", holding), ("other", strange)]).await;
    let (alice, bob) = (ear(&url, "alice", &V2).await, ear(&url, "bob", &V2).await);
    let naming = async {
        until("the call is held", async || {
            *holder.held.lock().unwrap() == 1
        })
        .await;
        // The other server names every token while the first one runs a call with one of them.
        assert_eq!(said(&bob, "other-stray").await, "done");
        holder.go.notify_one();
    };
    let (held, ()) = tokio::join!(said(&alice, "fs-hold"), naming);
    assert_eq!(held, "held");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((heard(&alice), heard(&bob)), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_as_severe_as_is_wanted_and_never_those_of_others() {
    for server in [V2, V3] {
        let world = World::new();
        let (talker, config) = Talker::start(&server).await;
        let (_gateway, url) = open(&world, &[("fs", config)]).await;
        let (alice, bob) = (ear(&url, "alice", &V2).await, ear(&url, "bob", &V2).await);
        let level = SetLevelRequestParams::new(LoggingLevel::Info);
        alice.peer().set_level(level).await.unwrap();
        said(&alice, "fs-logs").await;
        until("the logs come", async || lines(&alice, "log").len() == 2).await;
        let first = value(&lines(&alice, "log")[0]);
        assert_eq!(
            (&first["level"], &first["data"]["said"], &first["logger"]),
            (
                &json!("info"),
                &json!("x\\u{202e}y"),
                &json!("fs/l\\u{200b}")
            )
        );
        let got = talker.got.lock().unwrap().concat();
        assert_eq!(got.contains("level \"info\""), server == V2, "{got}");

        // While another client has a call there, a message that names no request is nobody's.
        let other = ear(&url, "alice", &V2).await;
        let logging = async {
            until("the call is held", async || {
                *talker.held.lock().unwrap() == 1
            })
            .await;
            said(&alice, "fs-logs").await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            talker.go.notify_one();
        };
        tokio::join!(said(&other, "fs-hold"), logging);
        assert_eq!(
            (lines(&alice, "log").len(), heard(&other)),
            (2, vec![]),
            "{server}"
        );

        // A newer client says with each request what it wants, and gets nothing without.
        let newer = ear(&url, "alice", &V3).await;
        said(&newer, "fs-logs").await;
        said_with(&newer, "fs-logs", Some(LoggingLevel::Error)).await;
        until("the log comes", async || lines(&newer, "log").len() == 1).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(lines(&newer, "log").len(), 1);

        // Once another caller was there it could be of their requests, even when those are over.
        said(&bob, "fs-steps").await;
        said(&alice, "fs-logs").await;
        said(&bob, "fs-logs").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(
            (lines(&alice, "log").len(), lines(&bob, "log").len()),
            (2, 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_notices_is_bounded_and_the_answer_comes() {
    let world = World::new();
    let (_talker, config) = Talker::start(&V2).await;
    let (_gateway, url) = open(&world, &[("fs", config)]).await;
    let client = ear(&url, "alice", &V2).await;
    assert_eq!(said(&client, "fs-flood").await, "done");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let heard = heard(&client).len();
    assert!((1..=1000).contains(&heard), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_and_nothing_logged_unless_that_is_passed_on() {
    for server in [V2, V3] {
        let world = World::new();
        let (talker, config) = Talker::start(&server).await;
        let gateway = world.gateway(world.config(&[("fs", config)])).await;
        let url = listen(&gateway).await;
        let client = ear(&url, "alice", &V2).await;
        let asking = [
            ("fs-sample", "-32601"),
            ("fs-roots", "-32601"),
            ("fs-elicit", "{\"action\":\"decline\"}"),
        ];
        // A newer server asks by its results alone.
        let asking = asking.into_iter().filter(|_| server == V2);
        for (tool, expected) in asking.chain([("fs-logs", "done"), ("fs-ask", "do nothing")]) {
            let said = said(&client, tool).await;
            assert!(said.contains(expected), "{tool}: {said}");
        }
        let level = SetLevelRequestParams::new(LoggingLevel::Info);
        assert!(client.peer().set_level(level).await.is_err());
        let subscribe = SubscribeRequestParams::new("memo://one");
        assert!(client.peer().subscribe(subscribe).await.is_err());
        assert_eq!(
            heard(&client)
                .iter()
                .filter(|it| !it.starts_with("progress"))
                .count(),
            0
        );
        // How far a call is is no secret.
        said(&client, "fs-steps").await;
        assert_eq!(lines(&client, "progress").len(), 3);
        assert!(!talker.got.lock().unwrap().concat().contains("level"));
        // A newer client that can do everything is not said to.
        let client = ear(&url, "alice", &V3).await;
        let said = said(&client, "fs-ask").await;
        assert!(said.contains("do nothing"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_asks_the_client_of_its_call_and_no_other() {
    for version in [V1, V2] {
        let world = World::new();
        let (talker, config) = Talker::start(&V2).await;
        let (_gateway, url) = open(&world, &[("fs", config)]).await;
        let (alice, bob) = (
            ear(&url, "alice", &version).await,
            ear(&url, "bob", &version).await,
        );
        // Another client has a call there all the while: over HTTP the stream says whose a question is.
        let asking = async {
            until("the call is held", async || {
                *talker.held.lock().unwrap() == 1
            })
            .await;
            assert_eq!(said(&alice, "fs-sample").await, "the model says so");
            assert!(said(&alice, "fs-elicit").await.contains("ann"));
            assert!(said(&alice, "fs-roots").await.contains("file:///work"));
            talker.go.notify_one();
        };
        tokio::join!(said(&bob, "fs-hold"), asking);
        assert_eq!(heard(&bob), Vec::<String>::new());
        let sampled = value(&lines(&alice, "sample")[0]);
        assert_eq!(sampled["messages"][0]["content"]["text"], "Say\\u{200b} it");
        assert_eq!(sampled["includeContext"], json!(null));
        assert_eq!(sampled["_meta"]["hexgate/server"], "fs");
        let elicited = value(&lines(&alice, "elicit")[0]);
        assert_eq!(elicited["message"], "The server `fs` asks:\nWho\\u{202e}?");
        assert_eq!(lines(&alice, "roots").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_without_end_is_no_longer_answered() {
    let world = World::new();
    let (_talker, config) = Talker::start(&V2).await;
    let (_gateway, url) = open(&world, &[("fs", config)]).await;
    let client = ear(&url, "alice", &V2).await;
    let said = said(&client, "fs-nag").await;
    assert!(
        said.contains("[refused]") && said.contains("again and again"),
        "{said}"
    );
    assert_eq!(lines(&client, "elicit").len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_is_passed_on_as_its_own_configuration_says() {
    let world = World::new();
    let (_one, mut one) = Talker::start(&V2).await;
    let (_two, two) = Talker::start(&V2).await;
    one.offer = Some(Offer::default());
    let (_gateway, url) = open(&world, &[("fs", one), ("other", two)]).await;
    let client = ear(&url, "alice", &V2).await;
    assert!(said(&client, "fs-elicit").await.contains("decline"));
    assert!(said(&client, "other-elicit").await.contains("ann"));
    said(&client, "fs-logs").await;
    assert_eq!(lines(&client, "log").len(), 0);
    said(&client, "other-logs").await;
    until("the logs come", async || lines(&client, "log").len() == 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_version_cannot_carry_is_refused_by_name() {
    let world = World::new();
    let (_older, older) = Talker::start(&V2).await;
    let (_newer, newer) = Talker::start(&V3).await;
    let (_gateway, url) = open(&world, &[("fs", older), ("other", newer)]).await;
    // A newer client cannot be asked while its call waits.
    let client = ear(&url, "alice", &V3).await;
    for tool in ["fs-sample", "fs-elicit", "fs-roots"] {
        let said = said(&client, tool).await;
        assert!(
            said.contains("[refused]") && said.contains("older version"),
            "{tool}: {said}"
        );
    }
    assert_eq!(heard(&client), Vec::<String>::new());
    // An older one is asked for all that a newer server wants.
    let client = ear(&url, "alice", &V2).await;
    let said = said(&client, "other-ask").await;
    for part in ["ann", "the model says so", "file:///work", "mine"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(heard(&client).len(), 3);
}

/// The questions of a call, and its state.
async fn asked(client: &Hearing, params: CallToolRequestParams) -> InputRequiredResult {
    match client.peer().call_tool_once(params).await.unwrap() {
        CallToolResponse::InputRequired(asked) => asked,
        other => panic!("{other:?}"),
    }
}

fn ask() -> CallToolRequestParams {
    CallToolRequestParams::new("fs-ask").with_arguments(JsonObject::new())
}

fn answers(state: Option<String>) -> CallToolRequestParams {
    let yes = json!({"action": "accept", "content": {"name": "ann"}});
    let keys = ["form", "model", "roots", "more"].map(|key| (key.to_owned(), yes.clone()));
    let mut params = ask().with_input_responses(keys.into());
    params.request_state = state;
    params
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_server_counts_for_its_caller_and_call_alone() {
    let world = World::new();
    let (_talker, config) = Talker::start(&V3).await;
    let (_gateway, url) = open(&world, &[("fs", config)]).await;
    let (alice, bob) = (ear(&url, "alice", &V3).await, ear(&url, "bob", &V3).await);
    let questions = asked(&alice, ask()).await;
    let state = questions.request_state;
    assert!(state.is_some() && state.as_deref() != Some("mine"));
    let shown = json!(questions.input_requests).to_string();
    assert!(
        shown.contains("The server `fs` asks") && !shown.contains("allServers"),
        "{shown}"
    );

    let mut other_call = answers(state.clone());
    other_call.arguments = Some([("n".to_owned(), json!(1))].into_iter().collect());
    let mut other_tool = answers(state.clone());
    other_tool.name = "fs-secret".into();
    let forged = answers(Some("mine".to_owned()));
    for (client, params) in [
        (&bob, answers(state.clone())),
        (&alice, other_call),
        (&alice, other_tool),
        (&alice, forged),
    ] {
        let error = client.peer().call_tool_once(params).await.unwrap_err();
        let ServiceError::McpError(error) = error else {
            panic!("{error}")
        };
        assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
        assert!(error.message.starts_with("[unknown_state]"), "{error:?}");
    }
    // Without a state nothing was asked, and no answer goes to the server.
    let again = asked(&alice, answers(None)).await;
    assert!(again.request_state.is_some());

    let answered = alice.peer().call_tool_once(answers(state.clone())).await;
    let Ok(CallToolResponse::Complete(result)) = answered else {
        panic!("{answered:?}")
    };
    let text = crate::client::text(&result);
    // What nobody asked was not sent.
    assert!(text.ends_with(" mine") && !text.contains("more"), "{text}");
    assert!(alice.peer().call_tool_once(answers(state)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_asks_as_a_call_does() {
    let world = World::new();
    let (_talker, config) = Talker::start(&V3).await;
    let (_gateway, url) = open(&world, &[("fs", config)]).await;
    let alice = ear(&url, "alice", &V3).await;
    let begin = GetPromptRequestParams::new("fs-greet");
    let asked = match alice.peer().get_prompt_once(begin.clone()).await.unwrap() {
        GetPromptResponse::InputRequired(asked) => asked,
        other => panic!("{other:?}"),
    };
    let mut again = begin.clone();
    again.request_state = asked.request_state;
    again.input_responses = Some([("form".to_owned(), json!({"action": "decline"}))].into());
    let bob = ear(&url, "bob", &V3).await;
    assert!(bob.peer().get_prompt_once(again.clone()).await.is_err());
    match alice.peer().get_prompt_once(again).await.unwrap() {
        GetPromptResponse::Complete(result) => {
            assert!(json!(result).to_string().contains("decline"));
        }
        other => panic!("{other:?}"),
    }
    // An older client is asked while it waits.
    let older = ear(&url, "alice", &V2).await;
    let result = older.peer().get_prompt(begin).await.unwrap();
    assert!(json!(result).to_string().contains("ann"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_is_decided_by_its_own_name() {
    let policy = crate::world::POLICY.replace(
        "      mcp-fs.resource:",
        "      mcp-fs.completion:\n        mode: allow\n        constraints: ['args.argument.name == \"who\"']\n      mcp-fs.resource:",
    );
    let world = World::with(&policy);
    let (talker, config) = Talker::start(&V2).await;
    let (_gateway, url) = open(&world, &[("fs", config)]).await;
    for version in [V2, V3] {
        let client = ear(&url, "alice", &version).await;
        let complete = async |name: &str| {
            let reference = Reference::for_prompt("fs-greet");
            let argument = ArgumentInfo::new(name, "w");
            let params = CompleteRequestParams::new(reference, argument);
            client.peer().complete(params).await
        };
        let completed = complete("who").await.unwrap();
        assert_eq!(completed.completion.values, ["wxyz"]);
        let denied = complete("secret").await.unwrap_err().to_string();
        assert!(denied.contains("[policy_denied]"), "{denied}");
    }
    let got = talker.got.lock().unwrap().clone();
    assert_eq!(got.len(), 2);
    // The server hears its own name of the prompt.
    assert!(
        got[0].contains("\"greet\"") && !got[0].contains("fs-greet"),
        "{got:?}"
    );
    let offer = Offer::default();
    assert_eq!(offer.completions, Passing::Refuse);
}
