//! Names are resolved once, by the proxy, and what was found is what is connected to.

use crate::fixture::{Server, World};

#[tokio::test]
async fn a_name_that_changes_its_address_gains_nothing() {
    let world = World::new().await;
    // Another server at another address of this machine, at the same port.
    let other = Server::new(&format!("127.0.0.2:{}", world.server.address.port())).await;
    let get = "GET http://ok.example:{port}/ HTTP/1.1\r\nHost: ok.example:{port}\r\n\r\n";
    world.names.set(
        "ok.example",
        &[&["127.0.0.1"], &["127.0.0.2"], &["169.254.169.254"]],
    );
    for (reached, expected) in [(1, 200), (0, 200), (0, 403)] {
        assert_eq!(world.ask(get).await.status, expected);
        assert_eq!(world.server.seen().len(), reached);
    }
    assert_eq!(other.seen().len(), 1);
    // Once for each request, by its normal form.
    assert_eq!(
        *world.names.asked.lock().unwrap(),
        ["ok.example", "ok.example", "ok.example"]
    );
}

#[tokio::test]
async fn a_tunnel_is_pinned_too() {
    let world = World::new().await;
    world
        .names
        .set("ok.example", &[&["127.0.0.1"], &["169.254.1.1"]]);
    let _first = world.tunnel("ok.example").await;
    assert_eq!(world.names.asked.lock().unwrap().len(), 1);
    let answer = world
        .ask("CONNECT ok.example:{port} HTTP/1.1\r\nHost: ok.example:{port}\r\n\r\n")
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn addresses_are_tried_in_turn() {
    let world = World::new().await;
    // Nobody listens at the first.
    world
        .names
        .set("ok.example", &[&["127.0.0.3", "127.0.0.1"]]);
    let answer = world
        .ask("GET http://ok.example:{port}/ HTTP/1.1\r\nHost: ok.example:{port}\r\n\r\n")
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn denied_names_and_addresses_are_not_looked_up() {
    let world = World::new().await;
    for host in ["c2VjcmV0.evil.example", "127.0.0.1", "localhost"] {
        let text = format!("GET http://{host}:{{port}}/ HTTP/1.1\r\nHost: {host}:{{port}}\r\n\r\n");
        assert_eq!(world.ask(&text).await.status, 403, "{host}");
    }
    assert!(world.names.asked.lock().unwrap().is_empty());
}
