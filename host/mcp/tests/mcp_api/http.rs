//! What is special over HTTP.

use std::io::{Read as _, Write as _};

use hexgate_enforce::Caller;
use hexgate_mcp::front::Http;
use hexgate_mcp::{Gateway, caller::Always};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::client::listen;
use crate::server::{self, Mode};
use crate::world::{V2, World, until};

async fn world() -> (World, Gateway, String) {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    config.limits.request_bytes = 100_000;
    config.origins = vec!["https://app.example.com:443".to_owned()];
    let gateway = world.gateway(config).await;
    let url = listen(&gateway).await;
    (world, gateway, url)
}

async fn post(url: &str, headers: &[(&str, &str)], body: &str) -> (u16, HeaderMap, String) {
    let mut request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.text().await.unwrap())
}

fn call(name: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": {}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "a", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}}}})
}

const NEW: [(&str, &str); 4] = [
    ("authorization", "Bearer alice"),
    ("mcp-protocol-version", "2026-07-28"),
    ("mcp-method", "tools/call"),
    ("mcp-name", "fs-echo"),
];

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_say_something_else_than_the_body_are_refused() {
    let (world, _gateway, url) = world().await;
    let (status, _, body) = post(&url, &NEW, &call("fs-echo").to_string()).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(world.calls("fs").len(), 1);
    for (at, value) in [
        (1, "2025-11-25"),
        (1, "2031-01-01"),
        (2, "tools/list"),
        (3, "fs-drop"),
        (3, ""),
    ] {
        let mut headers = NEW;
        headers[at].1 = value;
        let (status, _, body) = post(&url, &headers, &call("fs-echo").to_string()).await;
        assert_eq!(status, 400, "{value}: {body}");
        assert!(body.contains("\"error\""), "{value}: {body}");
    }
    for missing in 2..4 {
        let mut headers = NEW.to_vec();
        headers.remove(missing);
        let (status, _, body) = post(&url, &headers, &call("fs-echo").to_string()).await;
        assert_eq!(status, 400, "{body}");
    }
    assert_eq!(world.calls("fs").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_caller_is_refused_and_recorded() {
    let (world, _gateway, url) = world().await;
    let (status, headers, body) = post(&url, &NEW[1..], &call("fs-echo").to_string()).await;
    assert_eq!(
        (status, headers["www-authenticate"].to_str().unwrap()),
        (401, "Bearer realm=\"test\"")
    );
    // Why is not for the client.
    assert!(!body.contains("no token"), "{body}");
    assert_eq!(world.records.all(), ["deny mcp-fs-echo token"]);
    assert_eq!(world.calls("fs").len(), 0);
    let status = reqwest::get(&url).await.unwrap().status();
    assert_eq!(status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_hosts_and_origins_are_refused() {
    let (world, _gateway, url) = world().await;
    let body = call("fs-echo").to_string();
    for (name, value, expected) in [
        ("host", "evil.example.com", 403),
        ("origin", "https://evil.example.com", 403),
        ("origin", "null", 403),
        ("origin", "https://app.example.com", 200),
    ] {
        let mut headers = NEW.to_vec();
        headers.push((name, value));
        let (status, _, body) = post(&url, &headers, &body).await;
        assert_eq!(status, expected, "{name} {value}: {body}");
    }
    assert_eq!(world.calls("fs").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_names_where_it_asks_is_served() {
    let (_world, _gateway, url) = world().await;
    let port = url
        .trim_start_matches("http://127.0.0.1:")
        .trim_end_matches("/mcp");
    for (host, origin, expected) in [
        (
            format!("localhost:{port}"),
            format!("http://localhost:{port}"),
            200,
        ),
        (
            format!("127.0.0.1:{port}"),
            format!("http://127.0.0.1:{port}"),
            200,
        ),
        // Another page of this machine, another scheme, and a name that was pointed here.
        (
            format!("localhost:{port}"),
            "http://localhost:1".to_owned(),
            403,
        ),
        (
            format!("localhost:{port}"),
            format!("https://localhost:{port}"),
            403,
        ),
        (
            format!("evil.example:{port}"),
            format!("http://evil.example:{port}"),
            403,
        ),
        (
            format!("localhost.evil.example:{port}"),
            format!("http://localhost.evil.example:{port}"),
            403,
        ),
    ] {
        let mut headers = NEW.to_vec();
        headers.extend([("host", host.as_str()), ("origin", origin.as_str())]);
        let (status, _, body) = post(&url, &headers, &call("fs-echo").to_string()).await;
        assert_eq!(status, expected, "{host} {origin}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_arguments_tell_nothing_of_tools_that_are_not_seen() {
    let world = World::new();
    let (_talker, config) = crate::talker::Talker::start(&V2).await;
    let gateway = world.gateway(world.config(&[("fs", config)])).await;
    let url = listen(&gateway).await;
    for (tool, expected) in [("fs-secret", 400), ("fs-drop", 200), ("fs-none", 200)] {
        let mut body = call(tool);
        body["params"]["arguments"] = json!({"place": "here"});
        let mut headers = NEW.to_vec();
        headers[3].1 = tool;
        headers.push(("mcp-param-place", "elsewhere"));
        let (status, _, answer) = post(&url, &headers, &body.to_string()).await;
        assert_eq!(status, expected, "{tool}: {answer}");
        assert_eq!(
            answer.contains("[policy_denied]"),
            expected == 200,
            "{tool}: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_message_are_refused() {
    let (world, _gateway, url) = world().await;
    let body = call("fs-echo").to_string();
    let twice = body.replace("\"arguments\":{}", "\"arguments\":{\"n\":1,\"n\":20}");
    let inexact = body.replace(
        "\"arguments\":{}",
        "\"arguments\":{\"n\":0.1234567890123456789012}",
    );
    let large = body.replace(
        "\"arguments\":{}",
        &format!("\"arguments\":{{\"a\":\"{}\"}}", "x".repeat(200_000)),
    );
    for (body, status, name) in [
        (format!("[{body},{body}]"), 400, "batch"),
        (
            format!("[{}]", vec![body.as_str(); 1000].join(",")),
            413,
            "too_large",
        ),
        ("{".to_owned(), 400, "not_json"),
        (String::new(), 400, "not_json"),
        (twice, 400, "duplicate_key"),
        (inexact, 400, "inexact_number"),
        (large, 413, "too_large"),
        (body.replace("\"id\":1", "\"id\":null"), 400, "no_id"),
    ] {
        let (found, _, answer) = post(&url, &NEW, &body).await;
        assert_eq!(found, status, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .starts_with(name),
            "{answer}"
        );
    }
    assert_eq!(world.calls("fs").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_much_is_told_so_after_the_last_byte() {
    let (world, _gateway, url) = world().await;
    let address = url.trim_start_matches("http://").trim_end_matches("/mcp");
    let address = address.to_owned();
    let sent = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let body = vec![b'x'; 10 << 20];
        write!(stream, "POST /mcp HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer alice\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).unwrap();
        // It reads nothing before it has sent everything.
        stream.write_all(&body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = sent.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("too_large"), "{answer}");
    assert_eq!(world.calls("fs").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_its_callers_own() {
    let (world, _gateway, url) = world().await;
    let open = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}});
    let (status, headers, _) = post(&url, &NEW[..1], &open.to_string()).await;
    assert_eq!(status, 200);
    let session = headers["mcp-session-id"].to_str().unwrap().to_owned();
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}).to_string();
    let as_user = async |user: &str, session: &str| {
        let headers = [
            ("authorization", user),
            ("mcp-session-id", session),
            ("mcp-protocol-version", "2025-11-25"),
        ];
        post(&url, &headers, &list).await.0
    };
    assert_eq!(as_user("Bearer alice", &session).await, 200);
    assert_eq!(as_user("Bearer bob", &session).await, 404);
    assert_eq!(
        as_user("Bearer alice", "11111111-2222-3333-4444-555555555555").await,
        404
    );
    let stream = reqwest::Client::new()
        .get(&url)
        .header("accept", "text/event-stream")
        .header("authorization", "Bearer bob")
        .header("mcp-session-id", &session);
    assert_eq!(stream.send().await.unwrap().status(), 404);
    assert_eq!(world.calls("fs").len(), 0);
}

/// `Bearer NAME` is a user of the team that another header names.
struct Teams;

#[async_trait::async_trait]
impl hexgate_mcp::CallerOf for Teams {
    async fn caller_of(
        &self,
        incoming: hexgate_mcp::Incoming<'_>,
    ) -> Result<Caller, hexgate_mcp::Unidentified> {
        let team = incoming.headers.unwrap()["x-team"].to_str().unwrap();
        let alice = Caller::builder("alice").role("dev");
        Ok(alice.attribute("team", team).build().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_of_no_caller_with_other_attributes() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world.builder(world.config(&[("fs", server)]));
    let gateway = gateway.caller_of(Teams).build().unwrap();
    gateway.start().await.unwrap();
    let url = listen(&gateway).await;
    let open = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}});
    let (_, headers, _) = post(&url, &[("x-team", "red")], &open.to_string()).await;
    let session = headers["mcp-session-id"].to_str().unwrap();
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}).to_string();
    for (team, expected) in [("red", 200), ("blue", 404)] {
        let headers = [
            ("x-team", team),
            ("mcp-session-id", session),
            ("mcp-protocol-version", "2025-11-25"),
        ];
        assert_eq!(post(&url, &headers, &list).await.0, expected, "{team}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_open_is_not_used_again_in_its_session() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    config.limits.call_time = std::time::Duration::from_secs(2);
    let gateway = world.gateway(config).await;
    let url = listen(&gateway).await;
    let open = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}});
    let begin = async || {
        let (_, headers, _) = post(&url, &NEW[..1], &open.to_string()).await;
        let session = headers["mcp-session-id"].to_str().unwrap().to_owned();
        let began = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(say(&url, &session, &began).await.0, 202);
        session
    };
    let (one, other) = (begin().await, begin().await);
    let call = |id: Value, tool: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": {}}});
    let hanging = call(json!(5), "fs-hang");
    let duplicates = async {
        until("the call is at the server", async || {
            world.calls("fs") == ["hang {}"]
        })
        .await;
        for method in ["tools/call", "tools/list", "ping"] {
            let mut again = call(json!(5), "fs-echo");
            again["method"] = json!(method);
            let (status, body) = say(&url, &one, &again).await;
            assert_eq!(status, 400, "{body}");
            let body: Value = serde_json::from_str(&body).unwrap();
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.starts_with("duplicate_id"), "{body}");
            assert_eq!(body["id"], Value::Null);
        }
        // Another id, a text that looks alike, and another session are free.
        for (session, id) in [(&one, json!(6)), (&one, json!("5")), (&other, json!(5))] {
            let (status, body) = say(&url, session, &call(id.clone(), "fs-echo")).await;
            assert_eq!(status, 200, "{body}");
            assert!(body.contains("\"text\":\"{}\""), "{id}: {body}");
        }
    };
    let ((status, body), ()) = tokio::join!(say(&url, &one, &hanging), duplicates);
    assert_eq!(status, 200);
    assert!(body.contains("[timeout]"), "{body}");
    // Once it has an answer it can be used, and once its request was cancelled.
    let (status, body) = say(&url, &one, &call(json!(5), "fs-echo")).await;
    assert_eq!(status, 200);
    assert!(body.contains("\"text\":\"{}\""), "{body}");
    let cancelling = async {
        until("the call is at the server", async || {
            world.calls("fs").last().is_some_and(|it| it == "hang {}")
        })
        .await;
        let cancelled = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}});
        assert_eq!(say(&url, &one, &cancelled).await.0, 202);
        until("the id is free", async || {
            say(&url, &one, &call(json!(5), "fs-echo")).await.0 == 200
        })
        .await;
    };
    tokio::join!(say(&url, &one, &hanging), cancelling);
}

/// Says something in a session of alice.
async fn say(url: &str, session: &str, message: &Value) -> (u16, String) {
    let headers = [
        NEW[0],
        ("mcp-session-id", session),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    let (status, _, body) = post(url, &headers, &message.to_string()).await;
    (status, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_as_many_sessions_as_are_configured() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    config.limits.sessions = 2;
    let gateway = world.gateway(config).await;
    let url = listen(&gateway).await;
    let open = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}});
    let mut sessions = Vec::new();
    for user in ["Bearer bob", "Bearer alice", "Bearer alice", "Bearer alice"] {
        let (_, headers, _) = post(&url, &[("authorization", user)], &open.to_string()).await;
        let session = headers["mcp-session-id"].to_str().unwrap().to_owned();
        sessions.push((user, session));
    }
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}).to_string();
    let mut found = Vec::new();
    for (user, session) in &sessions {
        let headers = [
            ("authorization", *user),
            ("mcp-session-id", session),
            ("mcp-protocol-version", "2025-11-25"),
        ];
        found.push(post(&url, &headers, &list).await.0);
    }
    assert_eq!(found, [200, 404, 200, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_for_everybody_is_only_for_this_machine() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    config.caller = Some(hexgate_mcp::config::CallerConfig::new("alice", vec![]));
    let enforcer = hexgate_enforce::Enforcer::builder("mcp", &world.live);
    let gateway = Gateway::builder(config.clone(), enforcer).build().unwrap();
    let error = Http::new(&gateway)
        .bind("0.0.0.0:0".parse().unwrap())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("nothing says who calls"),
        "{error}"
    );
    assert!(
        Http::new(&gateway)
            .bind("127.0.0.1:0".parse().unwrap())
            .await
            .is_ok()
    );
    let caller = Caller::builder("bob").build().unwrap();
    let enforcer = hexgate_enforce::Enforcer::builder("mcp", &world.live);
    let told = Gateway::builder(config, enforcer)
        .caller_of(Always(caller))
        .build()
        .unwrap();
    assert!(
        Http::new(&told)
            .bind("0.0.0.0:0".parse().unwrap())
            .await
            .is_ok()
    );
}
