//! What clients may keep, and for whom.

use std::fs;

use hexgate_mcp::config::Passing;
use rmcp::model::{CacheScope, ReadResourceRequestParams, ReadResourceResponse};
use rmcp::service::ClientCacheConfig;
use serde_json::json;

use crate::client::{Over, User, call, connect, tools};
use crate::server::{self, Mode};
use crate::world::{V1, V2, V3, World};

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
async fn a_list_that_the_server_said_has_changed_is_asked_for_before_it_is_shown() {
    for version in [V2, V3] {
        let world = World::new();
        let folder = world.server("fs");
        fs::write(folder.join("tools"), "retire\nold\n").unwrap();
        fs::write(folder.join("watch"), "").unwrap();
        let mut server = server::process(&folder, &V2, Mode::Good);
        server.protocol = Some(V2);
        let gateway = world.gateway(world.config(&[("fs", server)])).await;
        let client = connect(&gateway, Over::Streams, &version, User::Absent).await;
        let no_cache = ClientCacheConfig::disabled();
        client.peer().set_response_cache_config(no_cache).await;
        for _ in 0..10 {
            fs::write(folder.join("tools"), "retire\nold\n").unwrap();
            fs::write(folder.join("changed"), "").unwrap();
            crate::world::until("the tool is back", async || tools(&client).await.len() == 2).await;
            assert!(!call(&client, "fs-retire", json!({})).await.0);
            assert_eq!(tools(&client).await, ["fs-retire"], "{version}");
        }
    }
}
