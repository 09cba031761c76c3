//! Messages that are none, at the standard streams.

use std::time::Duration;

use hexgate_mcp::config::Passing;
use serde_json::json;

use crate::client::Raw;
use crate::server::{self, Mode};
use crate::world::{V2, World};

const CALL: &str = r#"{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":"fs-echo","arguments":ARGS}}"#;

fn line(id: &str, arguments: &str) -> String {
    CALL.replace("ID", id).replace("ARGS", arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_a_name_and_none_is_an_allow() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    config.limits.request_bytes = 10_000;
    let gateway = world.gateway(config).await;
    let mut raw = Raw::open(&gateway).await;
    let batch = format!("[{},{}]", line("1", "{}"), line("2", "{}"));
    let many = format!("[{}]", vec![line("1", "{}"); 50].join(","));
    for (line, code, name) in [
        (batch.as_str(), -32600, "batch"),
        (&many, -32600, "batch"),
        ("{\"jsonrpc\":\"2.0\",\"id\":3,", -32700, "not_json"),
        ("\u{feff}{}", -32700, "not_json"),
        ("7", -32600, "not_an_object"),
        (&line("4", r#"{"n":1,"n":20}"#), -32600, "duplicate_key"),
        (
            &line("5", r#"{"n":1.00000000000000000001}"#),
            -32600,
            "inexact_number",
        ),
        (
            &line("6", r#"{"n":123456789012345678901234567890}"#),
            -32600,
            "inexact_number",
        ),
        (
            &line("7", &format!("{{\"a\":\"{}\"}}", "x".repeat(20_000))),
            -32600,
            "too_large",
        ),
        (r#"{"jsonrpc":"2.0","id":8}"#, -32600, "not_a_message"),
        (
            r#"{"jsonrpc":"1.0","id":8,"method":"tools/list"}"#,
            -32600,
            "not_a_message",
        ),
        (r#"{"id":8,"method":"tools/list"}"#, -32600, "not_a_message"),
        (&line("null", "{}"), -32600, "no_id"),
        (&line("9", "{}").replace(r#""id":9,"#, ""), -32600, "no_id"),
        (r#"{"jsonrpc":"2.0","method":""}"#, -32600, "no_id"),
        (
            r#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"fs-echo","arguments":[1]}}"#,
            0,
            "",
        ),
        (
            r#"{"jsonrpc":"2.0","id":9,"method":"tools/run","params":{"name":"fs-echo","arguments":{}}}"#,
            -32601,
            "tools/run",
        ),
        (
            r#"{"jsonrpc":"2.0","id":10,"method":"prompts/list"}"#,
            -32601,
            "",
        ),
        (
            r#"{"jsonrpc":"2.0","id":11,"method":"resources/read","params":{"uri":"memo://one"}}"#,
            -32601,
            "",
        ),
        (
            r#"{"jsonrpc":"2.0","id":12,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"a","value":"b"}}}"#,
            -32601,
            "",
        ),
        (
            r#"{"jsonrpc":"2.0","id":13,"method":"resources/subscribe","params":{"uri":"memo://one"}}"#,
            -32601,
            "",
        ),
        (
            r#"{"jsonrpc":"2.0","id":14,"method":"tasks/get","params":{"taskId":"1"}}"#,
            -32601,
            "",
        ),
        (
            r#"{"jsonrpc":"2.0","id":18,"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}"#,
            -32601,
            "",
        ),
        (
            r#"{"jsonrpc":"2.0","id":15,"method":"tools/list","params":{"cursor":"of another list"}}"#,
            -32602,
            "unknown_cursor",
        ),
        (
            r#"{"jsonrpc":"2.0","id":16,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2031-01-01","io.modelcontextprotocol/clientInfo":{"name":"a","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#,
            0,
            "2031-01-01",
        ),
        (
            r#"{"jsonrpc":"2.0","id":17,"method":"logging/setLevel","params":{"level":"debug"}}"#,
            -32601,
            "",
        ),
    ] {
        let answer = raw.ask(line).await;
        let error = &answer["error"];
        assert!(error.is_object(), "{line:.200}: {answer}");
        if code != 0 {
            assert_eq!(error["code"], code, "{line:.200}: {answer}");
        }
        assert!(answer.to_string().contains(name), "{line:.200}: {answer}");
    }
    assert_eq!(world.calls("fs"), Vec::<String>::new());
    // It goes on after all of them.
    let answer = raw.ask(&line("99", r#"{"n":1}"#)).await;
    assert_eq!(answer["id"], 99);
    assert_eq!(answer["result"]["content"][0]["text"], r#"{"n":1}"#);
    assert_eq!(world.calls("fs"), [r#"echo {"n":1}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_list_opens_none() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    config.offer.prompts = Passing::Pass;
    config.offer.resources = Passing::Pass;
    let gateway = world.gateway(config).await;
    let mut raw = Raw::open(&gateway).await;
    for list in [
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ] {
        for cursor in ["of another list", "", "2"] {
            let ask =
                json!({"jsonrpc": "2.0", "id": 1, "method": list, "params": {"cursor": cursor}});
            let answer = raw.ask(&ask.to_string()).await;
            assert_eq!(answer["error"]["code"], -32602, "{list}: {answer}");
            let said = answer["error"]["message"].as_str().unwrap();
            assert!(said.starts_with("unknown_cursor"), "{list}: {answer}");
        }
        let ask = json!({"jsonrpc": "2.0", "id": 1, "method": list});
        let answer = raw.ask(&ask.to_string()).await;
        assert!(answer["result"].is_object(), "{list}: {answer}");
        assert_eq!(answer["result"].get("nextCursor"), None, "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_open_is_not_used_again() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    config.limits.call_time = Duration::from_secs(2);
    let gateway = world.gateway(config).await;
    let mut raw = Raw::open(&gateway).await;
    raw.say(&line("5", "{}").replace("fs-echo", "fs-hang"))
        .await;
    let answer = raw.ask(&line("5", "{}")).await;
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("duplicate_id"),
        "{answer}"
    );
    assert!(answer.get("id").is_none(), "{answer}");
    let answer = raw.hear().await;
    assert_eq!(answer["id"], 5);
    assert!(
        answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("[timeout]"),
        "{answer}"
    );
    // Once it has an answer it can be used.
    assert_eq!(
        raw.ask(&line("5", "{}")).await["result"]["content"][0]["text"],
        "{}"
    );
    assert_eq!(world.calls("fs"), ["hang {}", "echo {}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_are_not_spoken_are_answered_with_one_that_is() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let ask = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}});
    let answer = Raw::new(&gateway).ask(&ask.to_string()).await;
    assert_eq!(
        answer["result"]["protocolVersion"], "2025-11-25",
        "{answer}"
    );
    // The server's own words to the model are not passed on.
    assert_eq!(answer["result"].get("instructions"), None);
    // Nothing is done before the protocol has begun.
    let mut raw = Raw::new(&gateway);
    let answer = raw.ask(&line("1", "{}")).await;
    assert!(answer["error"].is_object(), "{answer}");
    let discover = json!({"jsonrpc": "2.0", "id": 2, "method": "server/discover", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "a", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}}}});
    let answer = raw.ask(&discover.to_string()).await;
    assert_eq!(
        answer["result"]["supportedVersions"],
        json!(["2025-06-18", "2025-11-25", "2026-07-28"]),
        "{answer}"
    );
    assert_eq!(world.calls("fs"), Vec::<String>::new());
}
