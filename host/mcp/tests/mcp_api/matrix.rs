//! Every version of the protocol to every other, over streams and HTTP on both sides.

use serde_json::json;

use crate::client::{Over, User, call, connect, tools};
use crate::server::{self, Mode};
use crate::world::{V1, V2, V3, World};

#[tokio::test(flavor = "multi_thread")]
async fn every_client_reaches_every_server_as_the_policy_says() {
    let mut met = 0;
    for server_version in [V1, V2, V3] {
        for server_over in [Over::Streams, Over::Http] {
            let world = World::new();
            let server = match server_over {
                Over::Streams => server::process(&world.server("fs"), &server_version, Mode::Good),
                Over::Http => server::http(&world.server("fs"), &server_version).await,
            };
            let gateway = world.gateway(world.config(&[("fs", server)])).await;
            assert_eq!(gateway.down(), []);
            for client_version in [V1, V2, V3] {
                for client_over in [Over::Streams, Over::Http] {
                    let which = format!(
                        "{client_version} {client_over:?} -> {server_version} {server_over:?}"
                    );
                    let client =
                        connect(&gateway, client_over, &client_version, User::Absent).await;
                    // The list has what the caller may ever call, and nothing else.
                    let listed = client.peer().list_tools(None).await.unwrap();
                    let names: Vec<&str> = listed.tools.iter().map(|it| &*it.name).collect();
                    assert!(names.contains(&"fs-echo"), "{which} {names:?}");
                    assert!(names.contains(&"fs-pay"), "{which} {names:?}");
                    assert!(!names.contains(&"fs-drop"), "{which} {names:?}");
                    assert_eq!(names.len(), server::TOOLS.len() - 1, "{which}");
                    if client_version == V3 {
                        let scope = serde_json::to_value(listed.cache_scope).unwrap();
                        assert_eq!(scope, "private", "{which}");
                        assert_eq!(listed.ttl_ms, Some(60_000), "{which}");
                    } else {
                        assert_eq!(listed.cache_scope, None, "{which}");
                    }

                    // An allowed call arrives once, with the same bytes.
                    let before = world.calls("fs").len();
                    let arguments = json!({"z": 1.5, "a": [1, "é\u{1}", null], "n": 7, "id": format!("{which}")});
                    let sent = arguments.to_string();
                    assert_eq!(
                        call(&client, "fs-echo", arguments).await,
                        (false, sent.clone())
                    );
                    assert_eq!(
                        world.calls("fs")[before..],
                        [format!("echo {sent}")],
                        "{which}"
                    );
                    let raw = world.raw("fs");
                    let exact = format!("\"arguments\":{sent}");
                    let found = raw.iter().filter(|line| line.contains(&exact)).count();
                    assert_eq!(found, 1, "{which}: {raw:#?}");
                    // The client's token is nobody else's.
                    assert!(!raw.iter().any(|line| line.contains("LEAKED")), "{which}");

                    // A denied call, a hidden tool and one that does not exist never arrive.
                    for (tool, arguments) in [
                        ("fs-echo", json!({"n": 10})),
                        ("fs-drop", json!({})),
                        ("fs-none", json!({})),
                        ("echo", json!({})),
                        ("mcp-fs-echo", json!({})),
                        ("fs-pay", json!({"amount": 3})),
                    ] {
                        let (is_error, text) = call(&client, tool, arguments).await;
                        assert!(is_error, "{which} {tool}: {text}");
                        let marker = if tool == "fs-pay" {
                            "[approval_required]"
                        } else {
                            "[policy_denied]"
                        };
                        assert!(text.starts_with(marker), "{which} {tool}: {text}");
                    }
                    assert_eq!(world.calls("fs").len(), before + 1, "{which}");
                    assert_eq!(tools(&client).await.len(), names.len());
                    met += 1;
                }
            }
            assert!(
                world
                    .records
                    .last()
                    .starts_with("needs_approval mcp-fs-pay"),
                "{:?}",
                world.records.last()
            );
        }
    }
    assert_eq!(met, 36);
}
