//! What goes on after an answer: tasks, and subscriptions to resources.
#![expect(
    deprecated,
    reason = "requests for single subscriptions leave the protocol; clients of all versions are served"
)]

use std::time::Duration;

use rmcp::model::*;
use rmcp::service::ServiceError;
use serde_json::json;

use crate::server;
use crate::talker::{Hearing, Talker, ear, heard, open, said};
use crate::world::{POLICY, V2, V3, World, until};

async fn created(client: &Hearing) -> String {
    let params = CallToolRequestParams::new("fs-task").with_arguments(JsonObject::new());
    match client.peer().call_tool_once(params).await.unwrap() {
        CallToolResponse::Task(created) => created.task.task_id,
        other => panic!("{other:?}"),
    }
}

async fn payload(client: &Hearing, id: &str) -> Result<TaskPayload, ErrorData> {
    match client.peer().get_task(GetTaskParams::new(id)).await {
        Ok(got) => {
            assert_eq!(got.task.task.task_id, id);
            Ok(got.task.payload)
        }
        Err(ServiceError::McpError(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

async fn questions(client: &Hearing, id: &str) -> InputRequests {
    let mut found = InputRequests::new();
    until("the task asks", async || {
        match payload(client, id).await.unwrap() {
            TaskPayload::InputRequired { input_requests } => {
                found = input_requests;
                true
            }
            _ => false,
        }
    })
    .await;
    found
}

fn answers(id: &str) -> UpdateTaskParams {
    let yes = json!({"action": "accept", "content": {"name": "ann"}});
    let keys = ["form", "more"].map(|key| (key.to_owned(), yes.clone()));
    UpdateTaskParams::new(id, keys.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_its_callers_alone() {
    let world = World::new();
    let (talker, config) = Talker::start(&V3).await;
    let (_gateway, url) = open(&world, &[("fs", config)]).await;
    let (alice, bob) = (ear(&url, "alice", &V3).await, ear(&url, "bob", &V3).await);
    let id = created(&alice).await;
    let got = talker.got.lock().unwrap().concat();
    assert!(!got.contains(&id), "the name is the gateway's own");
    let own = got
        .split_once("task task ")
        .or(got.split_once("task "))
        .unwrap()
        .1;
    assert!(payload(&alice, own).await.is_err());

    let shown = json!(questions(&alice, &id).await).to_string();
    assert!(
        shown.contains("The server `fs` asks:\\nWho\\\\u{202e}?"),
        "{shown}"
    );
    let unknown = payload(&bob, &id).await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::INVALID_PARAMS);
    assert!(unknown.message.starts_with("[unknown_task]"));
    assert!(bob.peer().update_task(answers(&id)).await.is_err());
    assert!(
        bob.peer()
            .cancel_task(CancelTaskParams::new(id.as_str()))
            .await
            .is_err()
    );

    alice.peer().update_task(answers(&id)).await.unwrap();
    let updates = talker.got.lock().unwrap().clone();
    let update = updates.last().unwrap();
    assert!(
        update.starts_with("update ") && !update.contains("more"),
        "{update}"
    );
    let mut result = String::new();
    until("the task ends", async || {
        match payload(&alice, &id).await.unwrap() {
            TaskPayload::Completed { result: completed } => {
                result = json!(completed).to_string();
                true
            }
            _ => false,
        }
    })
    .await;
    assert!(
        result.contains("ann") && !result.contains("AKIA"),
        "{result}"
    );
    let records = world.records.all();
    assert!(
        records
            .iter()
            .any(|it| it.starts_with("end mcp-fs-task ran=true Completed task"))
    );
    assert!(
        world
            .records
            .last()
            .starts_with("end mcp-fs-task ran=true Completed - ")
    );
    // The very same as that of a server that answers at once.
    until("it is known for long", async || {
        payload(&alice, &id).await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_ends_with_the_run_of_its_server() {
    let world = World::new();
    let folder = world.server("fs");
    std::fs::write(folder.join("tasks"), "x".repeat(10_000)).unwrap();
    let config = server::process(&folder, &V3, server::Mode::Good);
    let (_gateway, url) = open(&world, &[("fs", config)]).await;
    let alice = ear(&url, "alice", &V3).await;
    let first = created(&alice).await;
    assert!(matches!(
        payload(&alice, &first).await,
        Ok(TaskPayload::Working)
    ));
    let got = alice
        .peer()
        .get_task(GetTaskParams::new(first.as_str()))
        .await
        .unwrap();
    let message = got.task.task.status_message.unwrap();
    assert!(message.len() < 5_000, "{}", message.len());
    let asked = |world: &World| {
        let calls = world.calls("fs");
        calls.iter().filter(|call| *call == "get_task").count()
    };
    let before = asked(&world);

    // The server dies, and the task of its next run has the same name.
    let ended = said(&alice, "fs-die").await;
    assert!(ended.contains("[server_died]"), "{ended}");
    let mut second = None;
    until("the server is there again", async || {
        let params = CallToolRequestParams::new("fs-task").with_arguments(JsonObject::new());
        if let Ok(CallToolResponse::Task(created)) = alice.peer().call_tool_once(params).await {
            second = Some(created.task.task_id);
        }
        second.is_some()
    })
    .await;
    let unknown = payload(&alice, &first).await.unwrap_err();
    assert!(unknown.message.starts_with("[unknown_task]"), "{unknown:?}");
    let cancelled = CancelTaskParams::new(first.as_str());
    assert!(alice.peer().cancel_task(cancelled).await.is_err());
    assert_eq!(asked(&world), before, "the server was not asked");
    assert!(payload(&alice, &second.unwrap()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_result_of_a_task_is_given_out_only_while_the_call_is_permitted() {
    for is_banned in [false, true] {
        let world = World::new();
        let (talker, config) = Talker::start(&V3).await;
        let (gateway, url) = open(&world, &[("fs", config)]).await;
        let alice = ear(&url, "alice", &V3).await;
        let id = created(&alice).await;
        questions(&alice, &id).await;
        if is_banned {
            gateway
                .enforcer()
                .kill_switch()
                .stop_user("alice", "it is a test");
        } else {
            let before = world.live.id().component;
            let denied = "mcp-fs-task: { mode: deny }\n      mcp-fs-drop: {";
            std::fs::write(world.policy(), POLICY.replace("mcp-fs-drop: {", denied)).unwrap();
            until("the policy changes", async || {
                world.live.id().component != before
            })
            .await;
        }
        let error = alice
            .peer()
            .update_task(answers(&id))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("[no_longer_permitted]"), "{error}");
        let error = payload(&alice, &id).await.unwrap_err();
        assert!(
            error.message.starts_with("[no_longer_permitted]"),
            "{error:?}"
        );
        let got = talker.got.lock().unwrap().concat();
        assert!(!got.contains("update"), "{got}");
        // To end it needs no permission.
        alice
            .peer()
            .cancel_task(CancelTaskParams::new(id))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_told_that_there_are_no_tasks_where_they_are_not_passed_on() {
    let world = World::new();
    let (_talker, config) = Talker::start(&V3).await;
    let mut config = world.config(&[("fs", config)]);
    config.offer = Default::default();
    let gateway = world.gateway(config).await;
    let url = crate::client::listen(&gateway).await;
    let alice = ear(&url, "alice", &V3).await;
    // It is the gateway that cannot, and not the client: what the server says of that is not the client's to read as it is.
    let said = said(&alice, "fs-task").await;
    assert!(said.contains("-32603"), "{said}");
    let error = payload(&alice, "1").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::METHOD_NOT_FOUND);
}

fn subscribing() -> String {
    POLICY.replace(
        "      mcp-fs.resource:",
        "      mcp-fs.subscription:\n        mode: allow\n        constraints: ['startswith(args.uri, \"memo:\")']\n      mcp-fs.resource:",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_client_hears_of_the_resources_that_it_may_subscribe_to() {
    for server in [V2, V3] {
        let world = World::with(&subscribing());
        let (talker, config) = Talker::start(&server).await;
        let (gateway, url) = open(&world, &[("fs", config)]).await;
        let (alice, bob) = (ear(&url, "alice", &V2).await, ear(&url, "bob", &V2).await);
        let subscribe = async |client: &Hearing, uri: &str| {
            client
                .peer()
                .subscribe(SubscribeRequestParams::new(uri))
                .await
        };
        subscribe(&alice, "memo://one").await.unwrap();
        for (uri, expected) in [
            ("secret://one", "[policy_denied]"),
            ("none://one", "-32602"),
        ] {
            let error = subscribe(&alice, uri).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{uri}: {error}");
        }
        subscribe(&bob, "memo://two").await.unwrap();
        let asked = |what: &str| talker.got.lock().unwrap().contains(&what.to_owned());
        until("the server is asked", async || {
            asked("subscribe memo://one") && asked("subscribe memo://two")
        })
        .await;
        assert!(!asked("subscribe secret://one"));
        until("the client hears", async || {
            said(&bob, "fs-touch").await;
            heard(&alice).contains(&"updated memo://one".to_owned())
                && heard(&bob).contains(&"updated memo://two".to_owned())
        })
        .await;
        // Each hears of its own.
        assert!(
            !heard(&alice).contains(&"updated memo://two".to_owned()),
            "{server}"
        );
        let unsubscribe = UnsubscribeRequestParams::new("memo://one");
        alice.peer().unsubscribe(unsubscribe).await.unwrap();
        if server == V2 {
            until("the server is told", async || {
                asked("unsubscribe memo://one")
            })
            .await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = heard(&alice).len();
        said(&bob, "fs-touch").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(heard(&alice).len(), before);

        // A ban ends it.
        gateway
            .enforcer()
            .kill_switch()
            .stop_user("bob", "it is a test");
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = heard(&bob).len();
        said(&alice, "fs-touch").await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(heard(&bob).len(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_client_listens_to_the_resources_that_it_may_subscribe_to() {
    for server in [V2, V3] {
        let world = World::with(&subscribing());
        let (_talker, config) = Talker::start(&server).await;
        let (_gateway, url) = open(&world, &[("fs", config)]).await;
        let alice = ear(&url, "alice", &V3).await;
        let filter = |uri: &str| {
            let mut filter = SubscriptionFilter::new();
            filter.resource_subscriptions = Some(vec![uri.to_owned()]);
            filter
        };
        let mut denied = alice.peer().listen(filter("secret://one")).await.unwrap();
        let error = denied.next().await.unwrap_err().to_string();
        assert!(error.contains("[policy_denied]"), "{error}");
        let mut listening = alice.peer().listen(filter("memo://one")).await.unwrap();
        let touching = async {
            loop {
                said(&alice, "fs-touch").await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = touching => {}
            said = listening.next() => {
                let Ok(Some(ServerNotification::ResourceUpdatedNotification(said))) = said else {
                    panic!("{said:?}")
                };
                assert_eq!(said.params.uri, "memo://one");
            }
        }
    }
}
