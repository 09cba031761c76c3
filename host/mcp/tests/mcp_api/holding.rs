//! What a server or a client may hold up: itself.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hexgate_mcp::{Catalogue, Review};
use rmcp::model::Tool;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::asking::{again, answered, question, refused};
use crate::client::{Over, Raw, User, call, connect, listen, tools, transport};
use crate::server::{self, Mode};
use crate::world::{POLICY, V2, V3, World, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_read_is_started_again() {
    let world = World::new();
    let mut server = server::process(&world.server("fs"), &V2, Mode::Deaf);
    server.protocol = Some(V2);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    let begin = Instant::now();
    // More than a pipe holds.
    let large = json!({"a": "x".repeat(300_000)});
    let (is_error, text) = call(&client, "fs-echo", large).await;
    assert!(
        is_error && text.starts_with("[server_died]") && text.contains("does not read"),
        "{text}"
    );
    assert!(begin.elapsed() < Duration::from_secs(30));
    until("it is started again", async || world.starts("fs") > 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_is_started_again_though_its_child_holds_the_pipe() {
    let world = World::new();
    let mut server = server::process(&world.server("fs"), &V2, Mode::Survived);
    server.protocol = Some(V2);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    let (is_error, text) = call(&client, "fs-die", json!({})).await;
    assert!(is_error && text.starts_with("[server_died]"), "{text}");
    until("it answers again", async || {
        !call(&client, "fs-echo", json!({})).await.0
    })
    .await;
}

/// Offers everything, under the version that the test says.
struct Versioned(Arc<AtomicU64>);

impl Catalogue for Versioned {
    fn review(&self, _: &str, tools: &[Tool]) -> Vec<Review> {
        let all = tools.iter().cloned();
        all.map(|tool| Review::Offer(Box::new(tool))).collect()
    }

    fn version(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_read_again_is_what_the_server_says_then() {
    let world = World::new();
    let folder = world.server("fs");
    fs::write(folder.join("tools"), "echo\n").unwrap();
    // Its list may be kept for a minute.
    let server = server::process(&folder, &V3, Mode::Good);
    let version = Arc::new(AtomicU64::new(1));
    let gateway = world
        .builder(world.config(&[("fs", server)]))
        .catalogue(Versioned(Arc::clone(&version)))
        .build()
        .unwrap();
    gateway.start().await.unwrap();
    let client = connect(&gateway, Over::Streams, &V3, User::Absent).await;
    fs::write(folder.join("tools"), "echo\nnew\n").unwrap();
    version.store(2, Ordering::SeqCst);
    until("the list is read again", async || {
        // Not the client's own cached one.
        !call(&client, "fs-new", json!({})).await.0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_slow_is_read_once_and_holds_nobody_up() {
    let world = World::new();
    let folder = world.server("fs");
    fs::write(folder.join("ttl"), "1").unwrap();
    let server = server::process(&folder, &V3, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let one = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    let two = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    let lists = || {
        let raw = world.raw("fs");
        raw.iter().filter(|it| it.contains("tools/list")).count()
    };
    let before = lists();
    fs::write(folder.join("slow"), "").unwrap();
    let begin = Instant::now();
    let (a, b) = tokio::join!(tools(&one), tools(&two));
    assert!(begin.elapsed() < Duration::from_secs(10));
    // The last list.
    assert!(a == b && a.contains(&"fs-echo".to_owned()), "{a:?}");
    assert_eq!(lists(), before + 1);
    fs::remove_file(folder.join("slow")).unwrap();
    fs::write(folder.join("tools"), "echo\n").unwrap();
    until("the list is read again", async || {
        tools(&one).await == ["fs-echo"]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_told_once_of_a_change_however_often_it_began() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let mut raw = Raw::open(&gateway).await;
    for _ in 0..5 {
        raw.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .await;
    }
    let ping = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
    assert_eq!(raw.ask(ping).await["id"], 7);
    fs::write(world.policy(), POLICY.replace("second look", "third look")).unwrap();
    assert_eq!(
        raw.hear().await["method"],
        "notifications/tools/list_changed"
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    let next = raw.ask(ping).await;
    assert_eq!(next["id"], 7, "{next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_fills_no_place_of_others() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let url = listen(&gateway).await;
    let client = connect(&gateway, Over::Streams, &V3, User::Agrees).await;
    let bob = rmcp::service::ClientServiceExt::serve_with_lifecycle(
        client.service().clone(),
        transport(&url, "bob"),
        rmcp::service::ClientLifecycleMode::Discover {
            preferred_versions: vec![V3],
        },
    )
    .await
    .unwrap();
    let yes = || json!({"action": "accept", "content": {"approve": true}});
    let of_bob = question(&bob, json!({})).await.request_state;
    let mut states = Vec::new();
    for number in 0..=100 {
        let sent = json!({"amount": number});
        states.push((sent.clone(), question(&client, sent).await.request_state));
    }
    // The oldest made room, and nobody else's.
    for (at, is_over) in [(0, true), (1, false), (100, false)] {
        let (sent, state) = states[at].clone();
        let params = answered(sent, state, yes());
        if is_over {
            refused("made room", &client, params).await;
        } else {
            let (is_error, text) = again(&client, params).await;
            assert!(!is_error, "{at}: {text}");
        }
    }
    let (is_error, text) = again(&bob, answered(json!({}), of_bob, yes())).await;
    assert!(!is_error, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_a_caller_that_is_not_used_ends_for_a_newer_one() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let url = listen(&gateway).await;
    let http = reqwest::Client::new();
    let post = async |user: &str, session: Option<&str>, body: serde_json::Value| {
        let mut request = http
            .post(&url)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {user}"))
            .body(body.to_string());
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        request.send().await.unwrap()
    };
    let open = async |user: &str| {
        let opened = post(
            user,
            None,
            json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}}),
        )
        .await;
        let session = opened.headers()["mcp-session-id"].to_str().unwrap();
        let session = session.to_owned();
        let began = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(post(user, Some(&session), began).await.status(), 202);
        session
    };
    let ping = async |user: &str, session: &str| {
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        post(user, Some(session), ping).await.status().as_u16()
    };
    let of_bob = open("bob").await;
    let first = open("alice").await;
    let second = open("alice").await;
    for _ in 0..98 {
        open("alice").await;
    }
    assert_eq!(ping("alice", &first).await, 200);
    open("alice").await;
    assert_eq!(ping("alice", &first).await, 200);
    assert_eq!(ping("alice", &second).await, 404);
    assert_eq!(ping("bob", &of_bob).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_does_not_come_whole_is_not_waited_for() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let url = listen(&gateway).await;
    let address = url
        .trim_start_matches("http://")
        .trim_end_matches("/mcp")
        .to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!("POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-length: 100\r\n\r\n{{");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let reading = stream.read_exact(&mut answer);
    tokio::time::timeout(Duration::from_secs(30), reading)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_open_no_longer_than_the_policy_says() {
    let asks = "mcp-fs-pay: { mode: approval_required, approval: { expires: \"1s\" }, ";
    let world = World::with(&POLICY.replace("mcp-fs-pay: { mode: approval_required, ", asks));
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let gateway = world.gateway(world.config(&[("fs", server)])).await;
    let client = connect(&gateway, Over::Streams, &V3, User::Agrees).await;
    let state = question(&client, json!({})).await.request_state;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let yes = json!({"action": "accept", "content": {"approve": true}});
    refused("too late", &client, answered(json!({}), state, yes)).await;
    assert_eq!(world.calls("fs"), Vec::<String>::new());
}
