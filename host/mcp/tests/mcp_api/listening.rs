//! Servers of 2026-07-28 that say when their lists change.

use std::fs;
use std::sync::atomic::Ordering;

use hexgate_mcp::config::ServerConfig;
use serde_json::json;

use crate::client::{Over, User, call, connect, tools};
use crate::server::{self, Mode};
use crate::world::{V2, V3, World, until};

/// A server of 2026-07-28 in the folder `fs` that offers `echo` and `old`, and says what changes.
async fn listens(world: &World, over: Over) -> ServerConfig {
    let folder = world.server("fs");
    fs::write(folder.join("listens"), "").unwrap();
    fs::write(folder.join("tools"), "echo\nold\n").unwrap();
    match over {
        Over::Streams => server::process(&folder, &V3, Mode::Good),
        Over::Http => server::http(&folder, &V3).await,
    }
}

/// How often the server was listened to.
fn times(world: &World) -> usize {
    let text = fs::read_to_string(world.server("fs").join("listening"));
    text.map_or(0, |text| text.lines().count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_a_newer_server_says_counts_for_calls_and_is_told_to_clients() {
    for over in [Over::Streams, Over::Http] {
        let world = World::new();
        let server = listens(&world, over).await;
        let folder = world.server("fs");
        let gateway = world.gateway(world.config(&[("fs", server)])).await;
        let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
        assert_eq!(tools(&client).await, ["fs-echo", "fs-old"]);
        until("the server is listened to", async || times(&world) == 1).await;
        fs::write(folder.join("tools"), "echo\nnew\n").unwrap();
        fs::write(folder.join("changed"), "").unwrap();
        // Nobody asks for a list.
        until("the client is told", async || {
            client.service().changes.load(Ordering::SeqCst) > 0
        })
        .await;
        assert!(!call(&client, "fs-new", json!({})).await.0, "{over:?}");
        let (is_error, text) = call(&client, "fs-old", json!({})).await;
        assert!(is_error && text.starts_with("[policy_denied]"), "{text}");
        assert_eq!(tools(&client).await, ["fs-echo", "fs-new"]);
        assert_eq!(world.calls("fs"), ["new {}"], "{over:?}");
        assert_eq!(times(&world), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_the_listening_is_broken_is_read_when_it_is_not() {
    for over in [Over::Streams, Over::Http] {
        let world = World::new();
        let server = listens(&world, over).await;
        let folder = world.server("fs");
        let gateway = world.gateway(world.config(&[("fs", server)])).await;
        let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
        until("the server is listened to", async || times(&world) == 1).await;
        let listed = || {
            let raw = world.raw("fs");
            raw.iter().filter(|it| it.contains("tools/list")).count()
        };
        let before = listed();
        fs::write(folder.join("hangs_up"), "").unwrap();
        until("the lists are read again", async || listed() > before).await;
        // The server says this to nobody.
        fs::write(folder.join("tools"), "echo\nnew\n").unwrap();
        until("the server is listened to again", async || {
            times(&world) == 2
        })
        .await;
        until("the client is told", async || {
            client.service().changes.load(Ordering::SeqCst) > 0
        })
        .await;
        assert!(!call(&client, "fs-new", json!({})).await.0, "{over:?}");
        assert!(call(&client, "fs-old", json!({})).await.0, "{over:?}");
        // What it says from then on is heard.
        fs::write(folder.join("tools"), "echo\n").unwrap();
        fs::write(folder.join("changed"), "").unwrap();
        until("the list changes", async || {
            call(&client, "fs-new", json!({})).await.0
        })
        .await;
        assert_eq!(world.starts("fs"), usize::from(over == Over::Streams));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_lost_is_not_called_as_what_it_was() {
    let world = World::new();
    let folder = world.server("fs");
    fs::write(folder.join("listens"), "").unwrap();
    let free = "127.0.0.1:0".parse().unwrap();
    let up = server::Apart::new(&folder, &V3, free).await;
    let (address, config) = (up.address, up.config());
    let gateway = world.gateway(world.config(&[("fs", config)])).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    until("the server is listened to", async || times(&world) == 1).await;
    assert!(!call(&client, "fs-echo", json!({})).await.0);
    drop(up);
    fs::write(folder.join("tools"), "other\n").unwrap();
    let _up = server::Apart::new(&folder, &V3, address).await;
    // Its stream broke, and its lists are read for a long time yet.
    until("it is looked at", async || {
        let (is_error, text) = call(&client, "fs-echo", json!({})).await;
        assert!(is_error, "{text}");
        text.starts_with("[policy_denied]")
    })
    .await;
    assert!(!call(&client, "fs-other", json!({})).await.0);
    assert_eq!(world.calls("fs"), ["echo {}", "other {}"]);
}
