//! Servers over HTTP that become others while the gateway holds a connection to them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use hexgate_mcp::config::Config;
use hexgate_mcp::pins::{FirstUse, Pins};
use hexgate_mcp::trusted::Trusted;
use hexgate_mcp::{Gateway, inspect};
use serde_json::json;

use crate::client::{Over, Running, User, call, connect};
use crate::plain::Plain;
use crate::server;
use crate::world::{V2, V3, World, until};

fn pins(world: &World) -> PathBuf {
    world.folder.path().join("pins.json")
}

/// A gateway that offers what its servers have at first, and a client.
async fn pinned(world: &World, config: Config) -> (Gateway, Running) {
    let trusted = Trusted::new(Pins::open(pins(world)).unwrap(), FirstUse::Accept);
    let gateway = world.builder(config).catalogue(trusted).build().unwrap();
    gateway.start().await.unwrap();
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    (gateway, client)
}

/// Accepts what the server has now.
async fn accept(world: &World, config: &Config) {
    let server = config.servers.get("fs").unwrap();
    let tools = inspect::tools("fs", server, config.limits).await.unwrap();
    Pins::open(pins(world))
        .unwrap()
        .accept("fs", &tools)
        .unwrap();
}

/// What a call comes to, once it is neither lost with a connection nor waits for one.
async fn settled(client: &Running) -> (bool, String) {
    let mut answer = (true, String::new());
    until("the server is there", async || {
        answer = call(client, "fs-echo", json!({})).await;
        let passing = ["[server_died]", "[server_down]", "[lists_unread]"];
        !passing.iter().any(|name| answer.1.starts_with(name))
    })
    .await;
    answer
}

fn is_refused((is_error, text): &(bool, String)) -> bool {
    *is_error && (text.starts_with("[policy_denied]") || text.starts_with("[tool_withheld]"))
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_at_the_same_port_is_looked_at_before_it_is_called() {
    for version in [V2, V3] {
        let world = World::new();
        let folder = world.server("fs");
        let free = "127.0.0.1:0".parse().unwrap();
        let up = server::Apart::new(&folder, &version, free).await;
        let address = up.address;
        let mut config = world.config(&[("fs", up.config())]);
        // A server of 2026-07-28 that does not say what changes is looked at that often.
        config.limits.relist_time = Duration::from_millis(200);
        let (_gateway, client) = pinned(&world, config.clone()).await;
        assert!(!call(&client, "fs-echo", json!({})).await.0);
        drop(up);
        fs::write(folder.join("described"), "sends everything elsewhere").unwrap();
        let _up = server::Apart::new(&folder, &version, address).await;
        if version == V3 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let answer = settled(&client).await;
        assert!(is_refused(&answer), "{version}: {answer:?}");
        assert_eq!(world.calls("fs"), ["echo {}"], "{version}");
        accept(&world, &config).await;
        until("what was accepted is called", async || {
            !call(&client, "fs-echo", json!({})).await.0
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_session_is_over_arrives_once_and_the_next_one_in_a_new_session() {
    let world = World::new();
    let plain = Plain::start().await;
    plain.shared().has_sessions = true;
    let (_gateway, client) = pinned(&world, world.config(&[("fs", plain.config())])).await;
    let (is_error, text) = call(&client, "fs-echo", json!({"how": "forget"})).await;
    assert!(is_error && text.starts_with("[server_died]"), "{text}");
    assert!(text.contains("no longer knows the session"), "{text}");
    assert_eq!(plain.arrived("tools/call"), 1);
    assert_eq!(
        world.records.all(),
        [
            "allow mcp-fs-echo policy",
            "end mcp-fs-echo ran=true Failed server_died 0"
        ]
    );
    // It waits for the new connection.
    let answer = call(&client, "fs-echo", json!({})).await;
    assert_eq!(answer, (false, "says it".to_owned()));
    assert_eq!(plain.arrived("tools/call"), 2);
    assert_eq!(plain.arrived("initialize"), 2);
    let arrived = plain.shared().arrived.clone();
    let last = |method: &str| arrived.iter().rposition(|it| it == method);
    // Its lists were read in the new session before.
    let from = last("initialize").unwrap();
    let listed = arrived[from..].iter().position(|it| it == "tools/list");
    assert!(
        listed.is_some_and(|listed| Some(from + listed) < last("tools/call")),
        "{arrived:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_noticed_by_the_next_call_or_by_the_stream_that_breaks() {
    for waits in [false, true] {
        let world = World::new();
        let plain = Plain::start().await;
        plain.shared().has_sessions = true;
        plain.shared().announces = true;
        let config = world.config(&[("fs", plain.config())]);
        let (_gateway, client) = pinned(&world, config.clone()).await;
        assert!(!call(&client, "fs-echo", json!({})).await.0);
        plain.deploy("sends everything elsewhere");
        if waits {
            // Nobody calls.
            until("the server is opened again", async || {
                plain.arrived("initialize") == 2
            })
            .await;
        }
        let answer = settled(&client).await;
        assert!(is_refused(&answer), "{answer:?}");
        let sent = plain.arrived("tools/call");
        // One that the server did not know the session of may be among them.
        assert!(sent == 1 || sent == 2 && !waits, "{sent}");
        accept(&world, &config).await;
        until("what was accepted is called", async || {
            !call(&client, "fs-echo", json!({})).await.0
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_say_what_changes_is_looked_at_again() {
    for announces in [false, true] {
        let world = World::new();
        // It has no session, and so no stream on which it could say what it announces.
        let plain = Plain::start().await;
        plain.shared().announces = announces;
        let mut config = world.config(&[("fs", plain.config())]);
        config.limits.relist_time = Duration::from_millis(300);
        let (_gateway, client) = pinned(&world, config).await;
        assert!(!call(&client, "fs-echo", json!({})).await.0);
        plain.deploy("sends everything elsewhere");
        let listed = plain.arrived("tools/list");
        until("it is looked at", async || {
            plain.arrived("tools/list") > listed + 1
        })
        .await;
        let answer = call(&client, "fs-echo", json!({})).await;
        assert!(is_refused(&answer), "{answer:?}");
        assert_eq!(plain.arrived("tools/call"), 1);
        assert_eq!(plain.arrived("initialize"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_what_changes_is_not_asked_again_and_again() {
    let world = World::new();
    let plain = Plain::start().await;
    plain.shared().has_sessions = true;
    plain.shared().announces = true;
    let mut config = world.config(&[("fs", plain.config())]);
    config.limits.relist_time = Duration::from_millis(100);
    let (_gateway, client) = pinned(&world, config).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let listed = plain.arrived("tools/list");
    // Once at the start, and once more when it is heard.
    assert!(listed <= 2, "{listed}");
    // A stream that broke is opened again, and nobody knows what was said meanwhile.
    plain.hang_up();
    until("it is looked at again and again", async || {
        plain.arrived("tools/list") > listed + 3
    })
    .await;
    assert_eq!(plain.arrived("initialize"), 1);
    assert!(!call(&client, "fs-echo", json!({})).await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_looked_at_is_not_called() {
    let world = World::new();
    let plain = Plain::start().await;
    let mut config = world.config(&[("fs", plain.config())]);
    config.limits.relist_time = Duration::from_millis(100);
    let (_gateway, client) = pinned(&world, config).await;
    assert!(!call(&client, "fs-echo", json!({})).await.0);
    plain.shared().lists = false;
    until("its lists are too old", async || {
        let (is_error, text) = call(&client, "fs-echo", json!({})).await;
        is_error && text.starts_with("[lists_unread]")
    })
    .await;
    let sent = plain.arrived("tools/call");
    let (is_error, text) = call(&client, "fs-echo", json!({})).await;
    assert!(is_error && text.starts_with("[lists_unread]"), "{text}");
    assert_eq!(plain.arrived("tools/call"), sent);
    assert_eq!(
        world.records.last(),
        "end mcp-fs-echo ran=false Failed lists_unread 0"
    );
    plain.shared().lists = true;
    assert!(!call(&client, "fs-echo", json!({})).await.0);
}
