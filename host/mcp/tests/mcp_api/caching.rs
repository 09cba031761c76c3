//! What clients may keep, and for whom.

use std::fs;

use hexgate_mcp::config::Passing;
use rmcp::model::{CacheScope, ReadResourceRequestParams, ReadResourceResponse};
use rmcp::service::ClientCacheConfig;
use serde_json::json;

use crate::client::{Over, User, call, connect, tools};
use crate::server::{self, Mode};
use crate::world::{V1, V2, V3, World, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_of_a_resource_is_for_this_caller_alone() {
    for upstream in [V2, V3] {
        let world = World::new();
        let server = server::process(&world.server("fs"), &upstream, Mode::Good);
        let mut config = world.config(&[("fs", server)]);
        config.offer.resources = Passing::Pass;
        let gateway = world.gateway(config).await;
        for version in [V1, V2, V3] {
            let client = connect(&gateway, Over::Streams, &version, User::Absent).await;
            let params = ReadResourceRequestParams::new("memo://one");
            let read = client.peer().read_resource_once(params).await.unwrap();
            let ReadResourceResponse::Complete(read) = read else {
                panic!("{read:?}")
            };
            // The server says that everybody may have it for a minute. An older one says nothing.
            let kept = if upstream == V3 { 60_000 } else { 0 };
            let expected = (version == V3).then_some((CacheScope::Private, kept));
            assert_eq!(
                read.cache_scope.zip(read.ttl_ms),
                expected,
                "{version} {upstream}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_several_servers_is_kept_as_long_as_each_says_at_least() {
    for (ttls, expected) in [
        (["60000", "5000"], 5000),
        (["5000", "60000"], 5000),
        // One that says nothing says that nothing may be kept.
        (["60000", "0"], 0),
    ] {
        let world = World::new();
        let servers = ["fs", "other"].map(|name| {
            let process = server::process(&world.server(name), &V3, Mode::Good);
            (name, process)
        });
        for ((name, _), ttl) in servers.iter().zip(ttls) {
            fs::write(world.server(name).join("ttl"), ttl).unwrap();
        }
        let gateway = world.gateway(world.config(&servers)).await;
        let client = connect(&gateway, Over::Streams, &V3, User::Absent).await;
        let listed = client.peer().list_tools(None).await.unwrap();
        let servers = ["fs-echo", "other-echo"].map(|name| {
            let mut tools = listed.tools.iter();
            tools.any(|tool| tool.name == name)
        });
        assert_eq!(servers, [true, true]);
        assert_eq!(listed.ttl_ms, Some(expected), "{ttls:?}");
        assert_eq!(listed.cache_scope, Some(CacheScope::Private));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_the_server_said_has_changed_is_asked_for_before_it_is_shown() {
    for (version, upstream) in [(V2, V2), (V3, V2), (V2, V3), (V3, V3)] {
        let world = World::new();
        let folder = world.server("fs");
        fs::write(folder.join("tools"), "retire\nold\n").unwrap();
        let (asks, says) = match upstream.has_initialize() {
            true => ("watch", "tools/list"),
            false => ("listens", "subscriptions/listen"),
        };
        fs::write(folder.join(asks), "").unwrap();
        let mut server = server::process(&folder, &upstream, Mode::Good);
        server.protocol = Some(upstream.clone());
        let gateway = world.gateway(world.config(&[("fs", server)])).await;
        until("the server is heard", async || {
            world.raw("fs").iter().any(|line| line.contains(says))
        })
        .await;
        let client = connect(&gateway, Over::Streams, &version, User::Absent).await;
        let no_cache = ClientCacheConfig::disabled();
        client.peer().set_response_cache_config(no_cache).await;
        for _ in 0..10 {
            fs::write(folder.join("tools"), "retire\nold\n").unwrap();
            fs::write(folder.join("changed"), "").unwrap();
            until("the tool is back", async || tools(&client).await.len() == 2).await;
            assert!(!call(&client, "fs-retire", json!({})).await.0);
            assert_eq!(tools(&client).await, ["fs-retire"], "{version} {upstream}");
        }
    }
}
