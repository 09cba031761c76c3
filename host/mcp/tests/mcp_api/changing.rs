//! What changes between the decision about a call and its sending.

use std::fs;

use hexgate_mcp::config::Passing;
use rmcp::model::{
    ArgumentInfo, CallToolRequest, ClientRequest, CompleteRequestParams, GetPromptRequestParams,
    ReadResourceRequestParams, Reference,
};
use rmcp::service::PeerRequestOptions;
use serde_json::json;

use crate::client::{Over, Running, User, call, connect, params, tools};
use crate::server::{self, Mode};
use crate::world::{POLICY, V2, V3, World, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_decided_by_its_whole_name() {
    let server = "s".repeat(32);
    let short = "x".repeat(123);
    let long = format!("{short}_wipe");
    assert_eq!(long.len(), 128);
    let world = World::with(&format!(
        "roles:\n  default: {{}}\n  dev:\n    tools:\n      mcp-{server}-{short}: {{ mode: allow }}\n"
    ));
    let folder = world.server("fs");
    fs::write(folder.join("tools"), format!("{short}\n{long}\n")).unwrap();
    let process = server::process(&folder, &V2, Mode::Good);
    let gateway = world.gateway(world.config(&[(&server, process)])).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    assert!(
        !call(&client, &format!("{server}-{short}"), json!({}))
            .await
            .0
    );
    for bad in [&long, &format!("{short}{}", "y".repeat(1000))] {
        let (is_error, text) = call(&client, &format!("{server}-{bad}"), json!({})).await;
        assert!(is_error && text.starts_with("[policy_denied]"), "{text}");
    }
    assert_eq!(world.calls("fs"), [format!("{short} {{}}")]);
    let records = world.records.all();
    assert_eq!(
        records[2],
        format!("deny mcp-{server}-{long} policy"),
        "{records:?}"
    );
    assert!(records[3].contains("yyyy\u{2026} "), "{records:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_to_a_server_only_while_the_call_is_permitted() {
    for (needs_approval, is_banned) in [(false, false), (false, true), (true, false)] {
        let policy = if needs_approval {
            POLICY.replace("mcp-fs-pay: {", "mcp-fs-input: {")
        } else {
            POLICY.to_owned()
        };
        let world = World::with(&policy);
        let server = server::process(&world.server("fs"), &V3, Mode::Good);
        let mut config = world.config(&[("fs", server)]);
        config.offer.elicitation = Passing::Pass;
        let gateway = world.gateway(config).await;
        let client = connect(&gateway, Over::Streams, &V2, User::Waits).await;
        let (asked, go) = (client.service().asked.clone(), client.service().go.clone());
        let change = async {
            if needs_approval {
                go.notify_one();
            }
            until("the server asks", async || {
                asked
                    .lock()
                    .unwrap()
                    .last()
                    .is_some_and(|it| it == "The server `fs` asks:\nWhich?")
            })
            .await;
            if is_banned {
                let kill = gateway.enforcer().kill_switch();
                kill.stop_user("alice", "it is a test");
            } else {
                let before = world.live.id().component;
                let other = if needs_approval {
                    // Another policy asks for another approval.
                    policy.replace("second look", "third look")
                } else {
                    policy.replace(
                        "mcp-fs-drop: {",
                        "mcp-fs-input: { mode: deny }\n      mcp-fs-drop: {",
                    )
                };
                fs::write(world.policy(), other).unwrap();
                until("the policy changes", async || {
                    world.live.id().component != before
                })
                .await;
            }
            go.notify_one();
        };
        let ((is_error, text), ()) = tokio::join!(call(&client, "fs-input", json!({})), change);
        assert!(
            is_error && text.starts_with("[no_longer_permitted]"),
            "{needs_approval} {is_banned}: {text}"
        );
        // It was asked once, and did not get the answers.
        assert_eq!(world.calls("fs"), ["input {}"]);
        let last = world.records.last();
        assert_eq!(
            last,
            "end mcp-fs-input ran=true Failed no_longer_permitted 0"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_went_away_while_approval_was_waited_for_is_not_called() {
    let world = World::new();
    let folder = world.server("fs");
    fs::write(folder.join("watch"), "").unwrap();
    let server = server::process(&folder, &V2, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Waits).await;
    let (asked, go) = (client.service().asked.clone(), client.service().go.clone());
    let change = async {
        until("the person is asked", async || {
            !asked.lock().unwrap().is_empty()
        })
        .await;
        fs::write(folder.join("tools"), "echo\n").unwrap();
        fs::write(folder.join("changed"), "").unwrap();
        until("the list changes", async || {
            tools(&client).await == ["fs-echo"]
        })
        .await;
        go.notify_one();
    };
    let ((is_error, text), ()) = tokio::join!(call(&client, "fs-pay", json!({})), change);
    assert!(is_error && text.starts_with("[tool_withheld]"), "{text}");
    assert_eq!(world.calls("fs"), Vec::<String>::new());
    assert_eq!(
        world.records.last(),
        "end mcp-fs-pay ran=false Failed tool_withheld 0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_and_a_resource_that_went_away_while_approval_was_waited_for_are_not_asked_for() {
    let gates = ["prompt", "resource", "completion"];
    let gates = gates.map(|kind| format!("      mcp-fs.{kind}: {{ mode: approval_required }}\n"));
    let policy = format!(
        "roles:\n  default: {{}}\n  dev:\n    tools:\n{}",
        gates.concat()
    );
    for kind in [
        "prompt",
        "resource",
        "completion",
        "completion of a resource",
    ] {
        for is_gone in [false, true] {
            let world = World::with(&policy);
            let folder = world.server("fs");
            fs::write(folder.join("watch"), "").unwrap();
            let server = server::process(&folder, &V2, Mode::Good);
            let mut config = world.config(&[("fs", server)]);
            config.offer.prompts = Passing::Pass;
            config.offer.resources = Passing::Pass;
            config.offer.completions = Passing::Pass;
            let gateway = world.gateway(config).await;
            let client = connect(&gateway, Over::Streams, &V2, User::Waits).await;
            let (asked, go) = (client.service().asked.clone(), client.service().go.clone());
            let change = async {
                until("the person is asked", async || {
                    !asked.lock().unwrap().is_empty()
                })
                .await;
                if is_gone {
                    fs::write(folder.join("bare"), "").unwrap();
                    fs::write(folder.join("changed"), "").unwrap();
                    until("the lists change", async || {
                        let prompts = client.peer().list_prompts(None).await.unwrap().prompts;
                        prompts.is_empty()
                    })
                    .await;
                }
                go.notify_one();
            };
            let (answer, ()) = tokio::join!(ask_for(&client, kind), change);
            let calls = world.calls("fs");
            if is_gone {
                let error = answer.unwrap_err();
                assert!(error.contains("no longer offers this"), "{kind}: {error}");
                assert_eq!(calls, Vec::<String>::new(), "{kind}");
                let last = world.records.last();
                assert!(
                    last.ends_with("ran=false Failed no_longer_offered 0"),
                    "{last}"
                );
            } else {
                answer.unwrap();
                assert_eq!(calls.len(), 1, "{kind}: {calls:?}");
            }
        }
    }
}

async fn ask_for(client: &Running, kind: &str) -> Result<(), String> {
    let peer = client.peer();
    let asked = match kind {
        "prompt" => {
            let params = GetPromptRequestParams::new("fs-greet");
            peer.get_prompt_once(params).await.map(|_| ())
        }
        "resource" => {
            let params = ReadResourceRequestParams::new("memo://one");
            peer.read_resource_once(params).await.map(|_| ())
        }
        _ => {
            let of = match kind {
                "completion" => Reference::for_prompt("fs-greet"),
                _ => Reference::for_resource("memo://one"),
            };
            let argument = ArgumentInfo::new("who", "a");
            let params = CompleteRequestParams::new(of, argument);
            peer.complete(params).await.map(|_| ())
        }
    };
    asked.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_cancelled_before_its_approval_is_not_sent() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Waits).await;
    for number in 1..=10 {
        let request = CallToolRequest::new(params("fs-pay", json!({})));
        let handle = client
            .peer()
            .send_cancellable_request(
                ClientRequest::CallToolRequest(request),
                PeerRequestOptions::default(),
            )
            .await
            .unwrap();
        until("the person is asked", async || {
            client.service().asked.lock().unwrap().len() == number
        })
        .await;
        handle.cancel(None).await.unwrap();
        // The gateway reads in order: once this is answered it knows.
        tools(&client).await;
        client.service().go.notify_one();
        until("the call ends", async || {
            let records = world.records.all();
            records.iter().filter(|it| it.starts_with("end ")).count() == number
        })
        .await;
        assert_eq!(
            world.records.last(),
            "end mcp-fs-pay ran=false Cancelled cancelled 0"
        );
    }
    assert_eq!(world.calls("fs"), Vec::<String>::new());
}
