//! What is recorded, what is taken out of results, and what is offered beside tools.

use hexgate_enforce::audit::{DigestKey, Entry};
use hexgate_enforce::{AuditRecorder, EndState, Enforcer, OnRecordFailure};
use hexgate_mcp::Gateway;
use hexgate_mcp::config::Passing;
use rmcp::model::{GetPromptRequestParams, ReadResourceRequestParams};
use serde_json::json;

use crate::client::{Over, Raw, User, call, connect, params};
use crate::server::{self, Mode};
use crate::world::{Bearer, V1, V2, V3, World, until};

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_and_every_end_is_recorded() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    assert!(!call(&client, "fs-echo", json!({"a": 1})).await.0);
    let (is_error, text) = call(&client, "fs-fail", json!({})).await;
    assert!(
        is_error && text.contains("the tool does not like it"),
        "{text}"
    );
    assert!(call(&client, "fs-drop", json!({})).await.0);
    assert!(call(&client, "nothing", json!({})).await.0);
    let records = world.records.all();
    let result = records[1]
        .rsplit(' ')
        .next()
        .unwrap()
        .parse::<usize>()
        .unwrap();
    assert!(result > r#"{"a":1}"#.len(), "{records:?}");
    assert_eq!(
        [&records[..1], &records[2..]].concat(),
        [
            "allow mcp-fs-echo policy",
            "allow mcp-fs-fail policy",
            "end mcp-fs-fail ran=true Failed server_error 0",
            "deny mcp-fs-drop policy",
            "deny mcp-nothing runtime",
        ]
    );
    assert!(
        records[1].starts_with("end mcp-fs-echo ran=true Completed - "),
        "{records:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_keeps_a_digest_of_a_result_and_not_the_result() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let folder = world.folder.path().join("audit");
    let recorder = AuditRecorder::in_folder(&folder).unwrap();
    let enforcer = Enforcer::builder("mcp", &world.live).recorder(recorder, OnRecordFailure::Deny);
    let gateway = Gateway::builder(world.config(&[("fs", server)]), enforcer)
        .caller_of(Bearer)
        .build()
        .unwrap();
    gateway.start().await.unwrap();
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    let answered = client
        .peer()
        .call_tool(params("fs-leak", json!({})))
        .await
        .unwrap();
    let result = serde_json::to_string(&answered).unwrap();
    let mut text = String::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        text += &std::fs::read_to_string(file.unwrap().path()).unwrap_or_default();
    }
    assert!(
        result.contains("keep it") && !text.contains("keep it"),
        "{text}"
    );
    let mut ends = text
        .lines()
        .filter_map(|line| match Entry::parse(line.as_bytes()) {
            Ok(Entry::Ended(end)) => Some(end),
            _ => None,
        });
    let end = ends.next().unwrap();
    assert!(end.ran && end.state == EndState::Completed && ends.next().is_none());
    let key = DigestKey::from_file(world.folder.path().join("audit.key")).unwrap();
    assert_eq!(end.result_digest, Some(key.of_result(&result)));
    assert_eq!(end.result_bytes, Some(result.len() as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_taken_out_of_results_if_asked() {
    for scrub in [false, true] {
        let world = World::new();
        let server = server::process(&world.server("fs"), &V2, Mode::Good);
        let mut config = world.config(&[("fs", server)]);
        config.scrub_secrets = scrub;
        let gateway = world.gateway(config).await;
        let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
        let (is_error, text) = call(&client, "fs-leak", json!({})).await;
        assert!(!is_error);
        assert_eq!(text.contains("AKIAQYLPMN5HFIQR7BCA"), !scrub, "{text}");
        assert!(text.ends_with(", keep it"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_and_resources_have_names_of_their_own() {
    for version in [V1, V2, V3] {
        let world = World::new();
        let server = server::process(&world.server("fs"), &version, Mode::Good);
        let mut config = world.config(&[("fs", server)]);
        config.offer.prompts = Passing::Pass;
        config.offer.resources = Passing::Pass;
        let gateway = world.gateway(config).await;
        let client = connect(&gateway, Over::Streams, &version, User::Absent).await;
        let prompts = client.peer().list_prompts(None).await.unwrap().prompts;
        assert_eq!(prompts[0].name, "fs-greet");
        let resources = client.peer().list_resources(None).await.unwrap().resources;
        assert_eq!(resources[0].uri, "memo://one");
        assert_eq!(
            client
                .peer()
                .list_resource_templates(None)
                .await
                .unwrap()
                .resource_templates
                .len(),
            1
        );
        client
            .peer()
            .get_prompt_once(GetPromptRequestParams::new("fs-greet"))
            .await
            .unwrap();
        client
            .peer()
            .read_resource_once(ReadResourceRequestParams::new("memo://one"))
            .await
            .unwrap();
        // The policy allows no other scheme, and what no server listed is nobody's.
        for uri in ["file:///etc/passwd", "memo://two"] {
            let refused = client
                .peer()
                .read_resource_once(ReadResourceRequestParams::new(uri))
                .await;
            assert!(refused.is_err(), "{uri}");
        }
        assert!(
            client
                .peer()
                .get_prompt_once(GetPromptRequestParams::new("fs-other"))
                .await
                .is_err()
        );
        assert_eq!(
            world.calls("fs"),
            ["prompt:greet {}", "resource:memo://one"]
        );
        let records = world.records.all();
        for expected in [
            "allow mcp-fs.prompt policy",
            "allow mcp-fs.resource policy",
            "deny mcp-fs.resource policy",
        ] {
            assert!(records.contains(&expected.to_owned()), "{records:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_client_cancels_is_cancelled_at_the_server_and_recorded() {
    for version in [V2, V3] {
        let world = World::new();
        let server = server::process(&world.server("fs"), &version, Mode::Good);
        let gateway = world.gateway(world.config(&[("fs", server)])).await;
        let mut raw = Raw::open(&gateway).await;
        raw.say(r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"fs-hang","arguments":{}}}"#)
            .await;
        until("the server is asked", async || {
            !world.calls("fs").is_empty()
        })
        .await;
        raw.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#)
            .await;
        let ended = "end mcp-fs-hang ran=true Cancelled cancelled 0".to_owned();
        until("the end is recorded", async || {
            world.records.all().contains(&ended)
        })
        .await;
        until("the server is told", async || {
            let raw = world.raw("fs");
            raw.iter()
                .any(|line| line.contains("notifications/cancelled"))
        })
        .await;
        // The client goes on.
        let answer = raw
            .ask(r#"{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"fs-echo","arguments":{}}}"#)
            .await;
        assert_eq!(answer["id"], 6, "{answer}");
    }
}
