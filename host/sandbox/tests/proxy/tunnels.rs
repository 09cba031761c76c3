//! Tunnels: the client speaks to whom it asked for.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::fixture::{World, rest};

/// The alert `access_denied`.
const DENIED: [u8; 7] = [21, 3, 3, 0, 2, 2, 49];

/// What a real client says first to a server.
fn hello(name: &str) -> Vec<u8> {
    let config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn the_hello_of_the_host_is_passed_on_as_it_is() {
    let world = World::new().await;
    let mut tunnel = world.tunnel("ok.example").await;
    let said = hello("OK.example");
    // However it is cut.
    for part in said.chunks(100) {
        tunnel.write_all(part).await.unwrap();
        sleep(Duration::from_millis(2)).await;
    }
    sleep(Duration::from_millis(200)).await;
    let seen = world.server.seen();
    assert_eq!(seen, [String::from_utf8_lossy(&said).into_owned()]);
    assert_eq!(world.decisions().len(), 1);
}

#[tokio::test]
async fn another_server_no_server_and_a_hidden_one_are_refused() {
    let world = World::new().await;
    let mut hidden = hello("ok.example");
    hide(&mut hidden);
    for said in [
        hello("evil.example"),
        hello("other.example"),
        hello("192.0.2.1"),
        hidden,
    ] {
        let mut tunnel = world.tunnel("ok.example").await;
        tunnel.write_all(&said).await.unwrap();
        assert_eq!(rest(&mut tunnel).await, DENIED);
    }
    // Not a byte was passed on.
    assert!(world.server.seen().iter().all(String::is_empty));
}

/// Turns the first extension that the server may ignore into one that hides another name.
fn hide(hello: &mut [u8]) {
    let extended_main_secret = [0, 0x17, 0, 0];
    let place = hello
        .windows(4)
        .position(|window| window == extended_main_secret)
        .unwrap();
    hello[place..place + 2].copy_from_slice(&[0xfe, 0x0d]);
}

#[tokio::test]
async fn a_malformed_hello_is_refused() {
    let world = World::new().await;
    let mut cut = hello("ok.example");
    cut[3..5].copy_from_slice(&[0, 3]);
    cut[6] = 0xff;
    for said in [
        cut,
        vec![22, 3, 1, 0, 4, 2, 0, 0, 0],
        vec![22, 3, 1, 0xff, 0xff],
    ] {
        let mut tunnel = world.tunnel("ok.example").await;
        tunnel.write_all(&said).await.unwrap();
        assert_eq!(rest(&mut tunnel).await, DENIED);
    }
    assert!(world.server.seen().iter().all(String::is_empty));
}

#[tokio::test]
async fn another_protocol_is_another_call() {
    let world = World::new().await;
    for (host, is_allowed) in [("ok.example", false), ("other.example", true)] {
        let mut tunnel = world.tunnel(host).await;
        tunnel
            .write_all(b"GET /secret HTTP/1.1\r\n\r\n")
            .await
            .unwrap();
        let answer = rest(&mut tunnel).await;
        assert_eq!(
            answer.ends_with(b"hello"),
            is_allowed,
            "{}",
            String::from_utf8_lossy(&answer)
        );
        let seen = world.server.seen();
        assert_eq!(
            seen.iter().any(|seen| seen.contains("/secret")),
            is_allowed,
            "{seen:?}"
        );
        let decided = world.decisions();
        assert_eq!(decided.len(), 2);
        assert_eq!(
            decided[1],
            (
                "net.tcp_connect".to_owned(),
                host.to_owned(),
                if is_allowed { "Allow" } else { "Deny" }.to_owned()
            )
        );
    }
}

#[tokio::test]
async fn what_comes_with_the_request_is_the_clients_hello() {
    let world = World::new().await;
    let said = hello("evil.example");
    let head =
        world.filled("CONNECT ok.example:{port} HTTP/1.1\r\nHost: ok.example:{port}\r\n\r\n");
    let answer = world.send(&[head.as_bytes(), &said].concat()).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(&DENIED));
    assert!(world.server.seen().iter().all(String::is_empty));
}

#[tokio::test]
async fn a_client_that_says_nothing_is_closed() {
    let world = World::new().await;
    let mut tunnel = world.tunnel("ok.example").await;
    assert_eq!(rest(&mut tunnel).await, b"");
    // Nor may it say its hello in drops without an end.
    let mut tunnel = world.tunnel("ok.example").await;
    let dropping = async {
        for byte in hello("ok.example").iter().take(60) {
            if tunnel.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    dropping.await;
    timeout(Duration::from_secs(5), rest(&mut tunnel))
        .await
        .expect("the tunnel stays open");
    assert!(world.server.seen().iter().all(String::is_empty));
}

/// A server that asks its first client to say hello again.
async fn asking_again(listener: TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut first = vec![0; 4096];
    let _ = stream.read(&mut first).await.unwrap();
    // A hello of the server with the random bytes of RFC 8446, 4.1.3.
    let random: [u8; 32] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8,
        0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8,
        0x33, 0x9c,
    ];
    let mut body = vec![3, 3];
    body.extend(random);
    body.extend([0, 0x13, 1, 0, 0, 0]);
    let mut record = vec![
        22,
        3,
        3,
        0,
        u8::try_from(body.len() + 4).unwrap(),
        2,
        0,
        0,
        u8::try_from(body.len()).unwrap(),
    ];
    record.extend(body);
    stream.write_all(&record).await.unwrap();
    let mut second = Vec::new();
    let _ = timeout(Duration::from_secs(2), stream.read_to_end(&mut second)).await;
    second
}

#[tokio::test]
async fn a_client_that_says_hello_again_names_the_same_server() {
    for (again, is_passed) in [("ok.example", true), ("evil.example", false)] {
        let world = World::new().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(asking_again(listener));
        let mut stream = TcpStream::connect(world.proxy).await.unwrap();
        let head = format!("CONNECT ok.example:{port} HTTP/1.1\r\nHost: ok.example:{port}\r\n\r\n");
        stream
            .write_all(&[head.as_bytes(), &hello("ok.example")].concat())
            .await
            .unwrap();
        let mut answer = vec![0; 39 + 9 + 40];
        stream.read_exact(&mut answer).await.unwrap();
        // A change of cipher that means nothing, then the hello.
        let second = [&[20, 3, 3, 0, 1, 1][..], &hello(again)].concat();
        stream.write_all(&second).await.unwrap();
        let got = server.await.unwrap();
        assert_eq!(got == second, is_passed, "{again}: {} bytes", got.len());
        if !is_passed {
            assert_eq!(got, b"");
            assert_eq!(rest(&mut stream).await, DENIED);
        }
    }
}
