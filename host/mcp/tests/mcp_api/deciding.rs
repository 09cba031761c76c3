//! The decision point beside a gateway.

use hexgate_base::Digest;
use hexgate_mcp::config::AuthzenConfig;
use serde_json::{Value, json};

use crate::server::{self, Mode};
use crate::world::{V2, World};

async fn ask(url: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
    let mut request = reqwest::Client::new()
        .post(format!("{url}/access/v1/evaluation"))
        .header("content-type", "application/json")
        .body(body.to_string());
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_decides_by_the_policy_of_the_gateway_for_its_own_clients() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    let clients = world.folder.path().join("clients.json");
    let list =
        json!({"version": 1, "clients": [{"name": "shop", "tokens": [Digest::of(b"secret")]}]});
    std::fs::write(&clients, list.to_string()).unwrap();
    let mut authzen = AuthzenConfig::new("127.0.0.1:0".parse().unwrap());
    authzen.clients = Some(clients);
    config.authzen = Some(authzen);
    let gateway = world.gateway(config).await;
    let (point, address) = gateway.point().unwrap().unwrap();
    let listener = point.bind(address).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { point.serve(listener).await });

    let body = |tool: &str, n: u32| {
        json!({
            "subject": {"type": "user", "id": "zoe", "properties": {"roles": ["dev"]}},
            "action": {"name": "tools/call"},
            "resource": {"type": "mcp-tool", "id": tool, "properties": {"arguments": {"n": n}}},
        })
    };
    for (tool, n, outcome) in [
        ("mcp-fs-echo", 1, "allow"),
        ("mcp-fs-echo", 10, "deny"),
        ("mcp-fs-drop", 1, "deny"),
        ("mcp-fs-pay", 1, "needs_approval"),
        ("fs-echo", 1, "deny"),
    ] {
        let (status, answer) = ask(&url, Some("secret"), &body(tool, n)).await;
        assert_eq!(
            (status, &answer["context"]["outcome"]),
            (200, &json!(outcome)),
            "{tool}: {answer}"
        );
        // There is no database of approvals.
        assert!(
            answer["context"].get("access_request").is_none(),
            "{answer}"
        );
    }
    // A caller of the gateway is no client of the decision point.
    for token in [None, Some("alice"), Some("Secret")] {
        let (status, _) = ask(&url, token, &body("mcp-fs-echo", 1)).await;
        assert_eq!(status, 401, "{token:?}");
    }
    assert_eq!(
        world.records.all(),
        [
            "allow mcp-fs-echo policy",
            "deny mcp-fs-echo policy",
            "deny mcp-fs-drop policy",
            "needs_approval mcp-fs-pay policy",
            "deny fs-echo policy",
        ]
    );
    // Nothing is run, whatever is decided.
    assert!(world.calls("fs").is_empty());
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_clients_it_does_not_listen_to_the_network() {
    let world = World::new();
    let server = server::process(&world.server("fs"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", server)]);
    assert!(
        world
            .gateway(config.clone())
            .await
            .point()
            .unwrap()
            .is_none()
    );
    config.authzen = Some(AuthzenConfig::new("0.0.0.0:0".parse().unwrap()));
    // That the gateway identifies its own callers does not help.
    let (point, address) = world.gateway(config).await.point().unwrap().unwrap();
    assert!(point.bind(address).await.is_err());
}
