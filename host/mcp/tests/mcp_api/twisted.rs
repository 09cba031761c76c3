//! Servers over HTTP that lie, flood or answer something else stop nobody but themselves.

use std::time::Duration;

use serde_json::json;

use crate::client::{Over, User, call, connect, tools};
use crate::plain::Plain;
use crate::server::{self, Mode};
use crate::world::{V2, World};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_over_http_is_a_failure_with_a_name() {
    let world = World::new();
    let plain = Plain::start().await;
    let other = server::process(&world.server("other"), &V2, Mode::Good);
    let mut config = world.config(&[("fs", plain.config()), ("other", other)]);
    config.limits.call_time = Duration::from_secs(2);
    config.limits.response_bytes = 1_000_000;
    let gateway = world.gateway(config).await;
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    for (how, name) in [
        ("kind", "protocol"),
        ("type", "protocol"),
        ("other", "timeout"),
        ("batch", "server_died"),
        ("large", "server_died"),
        ("large event", "server_died"),
        ("half", "server_died"),
        ("half an event", "server_died"),
        ("page", "server_died"),
        ("nothing", "server_died"),
        ("broken", "server_died"),
        ("elsewhere", "server_died"),
        ("flood", "server_died"),
        ("flood of events", "timeout"),
        ("silence", "timeout"),
    ] {
        let twisted = call(&client, "fs-echo", json!({"how": how}));
        let elsewhere = call(&client, "other-echo", json!({"a": 1}));
        let ((is_error, text), answer) = tokio::join!(twisted, elsewhere);
        assert!(
            is_error && text.starts_with(&format!("[{name}]")),
            "{how}: {text}"
        );
        // What is said is about the answer, and not about types of this program.
        assert!(!text.contains("::"), "{how}: {text}");
        let end = format!("end mcp-fs-echo ran=true Failed {name} 0");
        assert!(world.records.all().contains(&end), "{how}");
        assert_eq!(answer, (false, r#"{"a":1}"#.to_owned()), "{how}");
        // It is asked once, and goes on.
        let good = call(&client, "fs-echo", json!({})).await;
        assert_eq!(good, (false, "says it".to_owned()), "{how}");
    }
    assert_eq!(plain.arrived("tools/call"), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_over_http_that_names_another_version_stops_no_other() {
    let world = World::new();
    let plain = Plain::start().await;
    plain.shared().version = "2030-01-01";
    let other = server::process(&world.server("other"), &V2, Mode::Good);
    let gateway = world
        .gateway(world.config(&[("fs", plain.config()), ("other", other)]))
        .await;
    let down = gateway.down();
    assert_eq!(down.len(), 1, "{down:?}");
    assert!(
        down[0].0 == "fs" && down[0].1.contains("2030-01-01"),
        "{down:?}"
    );
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    assert!(
        tools(&client)
            .await
            .iter()
            .all(|it| it.starts_with("other-"))
    );
    assert!(!call(&client, "other-echo", json!({})).await.0);
    let (is_error, text) = call(&client, "fs-echo", json!({})).await;
    assert!(is_error && text.starts_with("[policy_denied]"), "{text}");
    assert_eq!(plain.arrived("tools/call"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_from_the_environment_arrives_at_its_server_alone() {
    let world = World::new();
    let (with, without) = (Plain::start().await, Plain::start().await);
    let mut config = with.config();
    let hexgate_mcp::config::Reach::Http { headers, .. } = &mut config.reach else {
        panic!()
    };
    // A variable that every test has.
    headers.insert("X-Key".to_owned(), "CARGO_MANIFEST_DIR".to_owned());
    let gateway = world
        .gateway(world.config(&[("fs", config), ("other", without.config())]))
        .await;
    let client = connect(&gateway, Over::Streams, &V2, User::Absent).await;
    for tool in ["fs-echo", "other-echo"] {
        assert!(!call(&client, tool, json!({})).await.0);
    }
    let value = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let sent = with.shared().headers.get("x-key").cloned();
    assert_eq!(sent.unwrap().to_str().unwrap(), value);
    assert!(!without.shared().headers.contains_key("x-key"));
}
