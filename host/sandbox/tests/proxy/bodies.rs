//! Bodies and headers on their way through.

use std::time::Duration;

use hexgate_enforce::Approvals;
use hexgate_sandbox::proxy::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use crate::fixture::World;

#[tokio::test]
async fn headers_for_one_hop_stop_there() {
    let world = World::new().await;
    let answer = world
        .ask(concat!(
            "GET http://ok.example:{port}/hops HTTP/1.1\r\nHost: ok.example:{port}\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\n",
            "Keep-Alive: 5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nProxy-X: 1\r\nTE: trailers\r\nTrailer: x\r\n",
            "X-Kept: 1\r\nAuthorization: Bearer mine\r\n\r\n"
        ))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = world.server.seen().remove(0).to_ascii_lowercase();
    for name in [
        "\r\nconnection",
        "x-mine",
        "keep-alive",
        "proxy-",
        "\r\nte:",
        "trailer",
    ] {
        assert!(!seen.contains(name), "{name}: {seen}");
    }
    assert!(
        seen.contains("x-kept: 1") && seen.contains("authorization: bearer mine"),
        "{seen}"
    );
    assert!(answer.head.contains("x-kept: 1"), "{answer:?}");
    assert!(
        !answer.head.contains("x-hop") && !answer.head.contains("proxy-authenticate"),
        "{answer:?}"
    );
    assert!(answer.head.contains("connection: close"), "{answer:?}");
}

#[tokio::test]
async fn bodies_are_written_anew() {
    let world = World::new().await;
    let answer = world
        .ask("POST http://ok.example:{port}/chunks HTTP/1.1\r\nHost: ok.example:{port}\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n2\r\nde\r\n0\r\nHost: evil.example\r\n\r\n")
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = world.server.seen().remove(0);
    assert!(
        !seen.contains("evil.example") && !seen.contains("x=\"y\""),
        "{seen}"
    );
    assert!(
        !answer.body.to_ascii_lowercase().contains("x-trailer"),
        "{answer:?}"
    );
    assert!(
        answer.body.contains("abc") && answer.body.contains("def"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn large_bodies_are_streamed_both_ways() {
    let world = World::new().await;
    let mut stream = world.open().await;
    let size = 8 * 1024 * 1024;
    let head = world.filled(&format!("POST http://ok.example:{{port}}/ HTTP/1.1\r\nHost: ok.example:{{port}}\r\nContent-Length: {size}\r\n\r\n"));
    stream.write_all(head.as_bytes()).await.unwrap();
    let part = vec![b'x'; 64 * 1024];
    for _ in 0..size / part.len() {
        stream.write_all(&part).await.unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(b"hello"));
    assert!(world.server.seen().remove(0).len() > size);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_taken_for_a_whole_one() {
    let world = World::new().await;
    // The server's answer breaks off: the client sees fewer bytes than it was told.
    let answer = world
        .ask("GET http://ok.example:{port}/breaks HTTP/1.1\r\nHost: ok.example:{port}\r\n\r\n")
        .await;
    assert!(answer.head.contains("content-length: 100"), "{answer:?}");
    assert!(answer.body.len() < 100, "{answer:?}");
    world.server.seen();
    // The client's body breaks off: the server gets no end of it.
    let mut stream = world.open().await;
    let head = world.filled("POST http://ok.example:{port}/ HTTP/1.1\r\nHost: ok.example:{port}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(
        !answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert!(
        world
            .server
            .seen()
            .iter()
            .all(|seen| !seen.ends_with("0\r\n\r\n"))
    );
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_for_its_body_is_asked() {
    let world = World::new().await;
    let mut stream = world.open().await;
    let head = world.filled("POST http://ok.example:{port}/ HTTP/1.1\r\nHost: ok.example:{port}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go = [0; 25];
    stream.read_exact(&mut go).await.unwrap();
    assert_eq!(&go, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
    assert!(
        !world.server.seen()[0]
            .to_ascii_lowercase()
            .contains("expect")
    );
}

#[tokio::test]
async fn what_stands_still_ends() {
    let limits = Limits {
        idle: Duration::from_millis(800),
        answer: Duration::from_millis(800),
        ..Limits::default()
    };
    let world = World::with("agent", Approvals::Nobody, |builder| builder.limits(limits)).await;
    let begin = Instant::now();
    let answer = world
        .ask("GET http://ok.example:{port}/silent HTTP/1.1\r\nHost: ok.example:{port}\r\n\r\n")
        .await;
    assert_eq!(answer.status, 502, "{answer:?}");
    // A body that does not come.
    let answer = world
        .ask("POST http://ok.example:{port}/ HTTP/1.1\r\nHost: ok.example:{port}\r\nContent-Length: 5\r\n\r\nab")
        .await;
    assert_eq!(answer.status, 400, "{answer:?}");
    // A tunnel in which nothing moves.
    let mut tunnel = world.tunnel("other.example").await;
    tunnel
        .write_all(b"GET /silent HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    crate::fixture::rest(&mut tunnel).await;
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn further_connections_wait() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let world = World::with("agent", Approvals::Nobody, |builder| builder.limits(limits)).await;
    let (first, _second) = (world.open().await, world.open().await);
    let mut third = world.open().await;
    let get =
        world.filled("GET http://ok.example:{port}/ HTTP/1.1\r\nHost: ok.example:{port}\r\n\r\n");
    third.write_all(get.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let early = timeout(Duration::from_millis(300), third.read_buf(&mut answer)).await;
    assert!(early.is_err(), "it was served beside two others");
    drop(first);
    third.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
}
