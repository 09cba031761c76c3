//! Clients are told when what they can see changes.

use std::fs;
use std::sync::atomic::Ordering;

use rmcp::model::{ServerNotification, SubscriptionFilter};
use serde_json::json;

use crate::client::{Over, User, call, connect, tools};
use crate::server::{self, Mode};
use crate::world::{POLICY, V1, V2, V3, World, until};

#[tokio::test(flavor = "multi_thread")]
async fn another_policy_and_a_ban_change_the_list_and_say_so() {
    for (version, over) in [
        (V1, Over::Streams),
        (V2, Over::Streams),
        (V2, Over::Http),
        (V3, Over::Streams),
        (V3, Over::Http),
    ] {
        let which = format!("{version} {over:?}");
        let world = World::new();
        let server = server::process(&world.server("fs"), &V2, Mode::Good);
        let gateway = world.gateway(world.config(&[("fs", server)])).await;
        let client = connect(&gateway, over, &version, User::Absent).await;
        let mut subscription = if version == V3 {
            let mut filter = SubscriptionFilter::new();
            filter.tools_list_changed = Some(true);
            Some(client.peer().listen(filter).await.unwrap())
        } else {
            None
        };
        let mut told = 0;
        let mut is_told = async || match &mut subscription {
            Some(subscription) => {
                let next =
                    tokio::time::timeout(std::time::Duration::from_secs(20), subscription.next());
                let next = next.await.unwrap().unwrap();
                assert!(
                    matches!(
                        next,
                        Some(ServerNotification::ToolListChangedNotification(_))
                    ),
                    "{next:?}"
                );
            }
            None => {
                let changes = &client.service().changes;
                until("the client is told", async || {
                    changes.load(Ordering::SeqCst) > told
                })
                .await;
                told = changes.load(Ordering::SeqCst);
            }
        };
        assert!(
            tools(&client).await.contains(&"fs-hang".to_owned()),
            "{which}"
        );
        fs::write(
            world.policy(),
            POLICY.replace("mcp-fs-*: { mode: allow }", "mcp-fs-*: { mode: deny }"),
        )
        .unwrap();
        is_told().await;
        assert_eq!(tools(&client).await, ["fs-echo", "fs-pay"], "{which}");

        gateway
            .enforcer()
            .kill_switch()
            .stop_user("alice", "it is a test");
        is_told().await;
        assert_eq!(tools(&client).await, Vec::<String>::new(), "{which}");
        let (is_error, text) = call(&client, "fs-echo", json!({})).await;
        assert!(
            is_error && text.starts_with("[policy_denied]"),
            "{which} {text}"
        );
        assert_eq!(world.calls("fs").len(), 0);
    }
}
