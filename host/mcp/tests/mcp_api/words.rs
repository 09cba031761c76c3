//! What clients read of the words of servers, and what is recorded of names that no server has.

use std::fs;

use hexgate_mcp::config::Passing;
use rmcp::ErrorData;
use rmcp::model::{ErrorCode, GetPromptRequestParams, ReadResourceRequestParams};
use rmcp::service::ServiceError;
use serde_json::json;

use crate::client::{Over, User, call, connect, params};
use crate::server::{self, Mode};
use crate::world::{V2, V3, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_a_server_does_not_speak_for_the_gateway() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    config.limits.result_bytes = 100_000;
    let gateway = world.gateway(config).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    let error = async |tool: &str| -> ErrorData {
        match client.peer().call_tool_once(params(tool, json!({}))).await {
            Err(ServiceError::McpError(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let reserved = error("fs-reserved").await;
    assert_eq!(
        (reserved.code, &*reserved.message, reserved.data),
        (ErrorCode::INTERNAL_ERROR, "go there", None)
    );
    let wordy = error("fs-wordy").await;
    assert_eq!((wordy.code, wordy.data), (ErrorCode::INVALID_PARAMS, None));
    assert!(wordy.message.chars().count() <= 4097);
    let plain = error("fs-fail").await;
    assert_eq!(
        (plain.code, &*plain.message),
        (ErrorCode::INVALID_PARAMS, "the tool does not like it")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_and_questions_are_visible_like_tools() {
    let world = World::new();
    let folder = world.server("fs");
    fs::write(folder.join("hidden"), "").unwrap();
    let server = server::process(&folder, &V3, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    config.offer.prompts = Passing::Pass;
    config.offer.elicitation = Passing::Pass;
    config.scrub_secrets = true;
    let gateway = world.gateway(config).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Agrees).await;
    let listed = client.peer().list_prompts(None).await.unwrap().prompts;
    let listed: Vec<_> = listed
        .iter()
        .map(|it| (it.name.as_str(), it.description.as_deref().unwrap()))
        .collect();
    assert_eq!(
        listed,
        [("fs-greet", "greets"), ("fs-sly", "says\\u{200b}")]
    );
    assert!(!call(&client, "fs-input", json!({})).await.0);
    let asked = client.service().asked.lock().unwrap().concat();
    let begin = "The server `fs` asks:\nWhich\\u{202e}? ";
    assert!(asked.starts_with(begin), "{asked}");
    assert!(!asked.contains("AKIA"), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_server_has_is_recorded() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    config.offer.prompts = Passing::Pass;
    config.offer.resources = Passing::Pass;
    let gateway = world.gateway(config).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    for name in ["fs-none", "none"] {
        let params = GetPromptRequestParams::new(name);
        assert!(client.peer().get_prompt(params).await.is_err());
    }
    let params = ReadResourceRequestParams::new("secret:one");
    assert!(client.peer().read_resource(params).await.is_err());
    assert_eq!(
        world.records.all(),
        [
            "deny mcp-fs.prompt runtime",
            "deny mcp.prompt runtime",
            "deny mcp.resource runtime"
        ]
    );
    assert_eq!(world.calls("fs"), Vec::<String>::new());
}
