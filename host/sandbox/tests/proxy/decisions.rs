//! Every request is a call that the enforcer decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hexgate_enforce::{Approvals, Decision};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use hexgate_sandbox::address::{Host, Reach};
use hexgate_sandbox::proxy::Proxy;

use crate::fixture::{World, rest};

const GET: &str = "GET http://ok.example:{port}/a?q=1 HTTP/1.1\r\nHost: ok.example:{port}\r\n\r\n";

#[tokio::test]
async fn the_arguments_of_a_request_are_complete_and_in_normal_form() {
    let world = World::new().await;
    let port = world.server.address.port();
    world.ask("GET http://OK.example.:{port}/%61/../b?Q=%7e%2f HTTP/1.1\r\nHost: ok.EXAMPLE:{port}\r\n\r\n").await;
    world
        .ask("CONNECT OK.example.:{port} HTTP/1.1\r\nHost: ok.EXAMPLE:{port}\r\n\r\n")
        .await;
    let decided = world.decided.lock().unwrap().clone();
    let plain = serde_json::json!({
        "method": "GET", "scheme": "http", "host": "ok.example", "port": port,
        "url": format!("http://ok.example:{port}/b?Q=~%2F"), "path": "/b", "query": "Q=~%2F",
    });
    let tunnel = serde_json::json!({
        "method": "CONNECT", "scheme": "https", "host": "ok.example", "port": port, "url": format!("https://ok.example:{port}/"),
    });
    let allow = "Allow".to_owned();
    assert_eq!(
        decided,
        [
            ("net.http_request".to_owned(), plain, allow.clone()),
            ("net.http_request".to_owned(), tunnel, allow)
        ]
    );
    // What was decided is what was sent.
    let seen = world.server.seen();
    assert!(
        seen[0].starts_with("GET /b?Q=~%2F HTTP/1.1\r\n"),
        "{seen:?}"
    );
    assert!(
        seen[0].contains(&format!("host: ok.example:{port}\r\n")),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_denial_tells_what_a_model_may_read_and_nothing_of_the_policy() {
    let world = World::new().await;
    let answer = world
        .ask("GET http://evil.example:{port}/ HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n")
        .await;
    assert_eq!(answer.status, 403);
    assert!(
        answer
            .head
            .contains("proxy-status: hexgate; error=http_request_denied"),
        "{answer:?}"
    );
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["error"]["type"], "policy_denied");
    let message = body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("[policy_denied]") && message.contains("ask for what is allowed"),
        "{message}"
    );
    assert!(
        !message.contains("consts") && !message.contains("ok.example"),
        "{message}"
    );
    // A denied name is told to nobody.
    assert!(world.names.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn approval_is_asked_for_and_waited_for() {
    for approved in [true, false] {
        let approvals = Approvals::ask_async(move |_| async move {
            sleep(Duration::from_millis(50)).await;
            approved
        });
        let world = World::with("asked", approvals, |builder| builder).await;
        let answer = world.ask(GET).await;
        assert_eq!(
            answer.status,
            if approved { 200 } else { 403 },
            "{answer:?}"
        );
        assert_eq!(world.server.seen().len(), usize::from(approved));
    }
    let world = World::with("asked", Approvals::Nobody, |builder| builder).await;
    let answer = world.ask(GET).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("approval_required"), "{answer:?}");
}

#[tokio::test]
async fn a_client_that_went_away_is_not_asked_about_any_longer() {
    let dropped = Arc::new(AtomicUsize::new(0));
    struct OnDrop(Arc<AtomicUsize>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let noted = Arc::clone(&dropped);
    let approvals = Approvals::ask_async(move |_| {
        let noted = OnDrop(Arc::clone(&noted));
        async move {
            let _noted = noted;
            sleep(Duration::from_secs(3600)).await;
            true
        }
    });
    let world = World::with("asked", approvals, |builder| builder).await;
    let mut stream = world.open().await;
    stream
        .write_all(world.filled(GET).as_bytes())
        .await
        .unwrap();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    drop(stream);
    timeout(Duration::from_secs(5), async {
        while dropped.load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the approver is still asked");
    assert!(world.server.seen().is_empty());
}

#[tokio::test]
async fn a_stopped_agent_gets_nothing_and_loses_its_tunnels() {
    let world = World::new().await;
    // Not TLS, and `other.example` may be connected to as TCP.
    let mut tunnel = world.tunnel("other.example").await;
    tunnel
        .write_all(b"GET /silent HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    sleep(Duration::from_millis(200)).await;
    assert_eq!(world.server.seen().len(), 1);
    world
        .enforcer
        .kill_switch()
        .stop_agent("net-agent", "it went wild");
    let left = timeout(Duration::from_secs(5), rest(&mut tunnel)).await;
    assert_eq!(left.expect("the tunnel stays open"), b"");
    let answer = world.ask(GET).await;
    assert_eq!(answer.status, 403);
}

/// Requests and tunnels that are under way, one of each kind: the server of each has something from the client and says nothing.
async fn under_way(world: &World) -> Vec<(&'static str, TcpStream)> {
    let mut tunnel = world.tunnel("other.example").await;
    let inside = b"GET /silent HTTP/1.1\r\n\r\n";
    tunnel.write_all(inside).await.unwrap();
    let mut all = vec![("tunnel", tunnel)];
    let waiting = GET.replace("/a?q=1", "/silent");
    let sending = "POST http://ok.example:{port}/up HTTP/1.1\r\nHost: ok.example:{port}\r\n\
                   Content-Length: 1000\r\n\r\nbegin";
    let reading = GET.replace("/a?q=1", "/endless");
    for (kind, text) in [
        ("waiting", waiting.as_str()),
        ("sending", sending),
        ("reading", &reading),
    ] {
        let mut stream = world.open().await;
        let text = world.filled(text);
        stream.write_all(text.as_bytes()).await.unwrap();
        all.push((kind, stream));
    }
    timeout(Duration::from_secs(5), async {
        while world.server.connections() < all.len() {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the server is not asked");
    all
}

/// Each one ends soon, and the record says why.
async fn all_end(world: &World, streams: Vec<(&'static str, TcpStream)>) {
    let count = streams.len();
    for (kind, mut stream) in streams {
        let mut bytes = Vec::new();
        let left = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await;
        assert!(left.is_ok(), "{kind}: it goes on");
    }
    for _ in 0..count {
        let (_, ran, state, error) = world.ends.next().await;
        assert_eq!((ran, error.as_deref()), (true, Some("stopped")));
        assert_eq!(state, hexgate_enforce::EndState::Failed);
    }
}

#[tokio::test]
async fn a_stopped_agent_loses_requests_as_well_as_tunnels() {
    let world = World::new().await;
    let streams = under_way(&world).await;
    world.ends.clear();
    let switch = world.enforcer.kill_switch();
    switch.stop_agent("net-agent", "it went wild");
    all_end(&world, streams).await;
}

#[tokio::test]
async fn a_caller_whose_time_is_over_loses_requests_as_well_as_tunnels() {
    let end = std::time::SystemTime::now() + Duration::from_secs(3);
    let world = World::until(end).await;
    let streams = under_way(&world).await;
    world.ends.clear();
    all_end(&world, streams).await;
}

#[tokio::test]
async fn the_hosts_facts_are_added_to_every_call() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let world = World::with("agent", Approvals::Nobody, move |builder| {
        builder.facts(move |call, tool| {
            assert_eq!(tool, "net.http_request");
            let facts = serde_json::value::RawValue::from_string(r#"{"id": "r1"}"#.to_owned());
            let counted = Arc::clone(&counted);
            let decided = move |decision: &Decision| {
                assert!(decision.is_allowed() && decision.facts().unwrap().contains("r1"));
                counted.fetch_add(1, Ordering::SeqCst);
            };
            (call.run(facts.unwrap()), Box::new(decided))
        })
    })
    .await;
    assert_eq!(world.ask(GET).await.status, 200);
    assert_eq!(world.ask(GET).await.status, 200);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    // A host that fails lets nothing through.
    let world = World::with("agent", Approvals::Nobody, |builder| {
        builder.facts(|_, _| panic!("the host fails"))
    })
    .await;
    assert_eq!(world.ask(GET).await.status, 0);
    assert!(world.server.seen().is_empty());
    // Nor does one that asks about another call.
    let world = World::with("agent", Approvals::Nobody, |builder| {
        builder.facts(|_, _| {
            let alice = hexgate_enforce::Caller::builder("alice")
                .role("agent")
                .build()
                .unwrap();
            let other = hexgate_enforce::Call::of(
                &alice,
                "net.tcp_connect",
                r#"{"host": "other.example", "port": 1, "protocol": "tcp"}"#,
            );
            (other, Box::new(|_| {}))
        })
    })
    .await;
    assert_eq!(world.ask(GET).await.status, 500);
    assert!(world.server.seen().is_empty());
}

#[tokio::test]
async fn a_secret_keeps_others_out() {
    let world = World::with("agent", Approvals::Nobody, |builder| {
        builder.secret().unwrap()
    })
    .await;
    for header in [
        "",
        "Proxy-Authorization: Basic aGV4Z2F0ZTpndWVzcw==\r\n",
        "Proxy-Authorization: Basic\r\n",
        "Proxy-Authorization: Bearer x\r\n",
    ] {
        let answer = world
            .ask(&GET.replace("\r\n\r\n", &format!("\r\n{header}\r\n")))
            .await;
        assert_eq!(answer.status, 407, "{header}");
        assert!(
            answer.head.contains("proxy-authenticate: basic"),
            "{answer:?}"
        );
    }
    assert!(world.decisions().is_empty());
    let (_, url) = world
        .environment
        .iter()
        .find(|(name, _)| *name == "HTTPS_PROXY")
        .unwrap();
    assert!(url.starts_with("http://hexgate:"), "{url}");
    let client = reqwest::Client::builder()
        .proxy(reqwest::Proxy::all(url).unwrap())
        .build()
        .unwrap();
    let response = client
        .get(world.filled("http://ok.example:{port}/"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    // The server does not learn it.
    assert!(
        !world.server.seen()[0]
            .to_ascii_lowercase()
            .contains("proxy-authorization")
    );
}

#[tokio::test]
async fn connections_are_forwarded_to_one_host_if_the_policy_allows() {
    for (host, is_allowed) in [("other.example", true), ("ok.example", false)] {
        let world = World::new().await;
        let alice = hexgate_enforce::Caller::builder("alice")
            .role("agent")
            .build()
            .unwrap();
        let proxy = Proxy::builder(world.enforcer.clone(), alice)
            .reach(Reach::parse(["other.example", "ok.example"]).unwrap())
            .resolver(world.names.clone())
            .build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let port = world.server.address.port();
        let target = Host::parse(host).unwrap();
        let serving = tokio::spawn(async move { proxy.forward(listener, target, port).await });
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
        let answer = rest(&mut stream).await;
        assert_eq!(
            answer.ends_with(b"hello"),
            is_allowed,
            "{}",
            String::from_utf8_lossy(&answer)
        );
        let decided = world.decided.lock().unwrap().clone();
        assert_eq!(decided.len(), 1);
        assert_eq!(decided[0].0, "net.tcp_connect");
        assert_eq!(
            decided[0].1,
            serde_json::json!({"host": host, "port": port, "protocol": "tcp"})
        );
        assert_eq!(world.server.seen().len(), usize::from(is_allowed));
        serving.abort();
    }
}

#[tokio::test]
async fn what_a_proxy_accepted_ends_with_it() {
    let world = World::new().await;
    let mut tunnel = world.tunnel("other.example").await;
    tunnel
        .write_all(b"GET /silent HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    drop(world);
    timeout(Duration::from_secs(5), rest(&mut tunnel))
        .await
        .expect("the tunnel stays open");
}

#[tokio::test]
async fn the_end_of_every_permitted_call_is_recorded() {
    use hexgate_enforce::EndState::{Cancelled, Completed, Failed};
    let world = World::new().await;
    let http = "net.http_request".to_owned();
    let failed = |kind: &str| Some(kind.to_owned());
    world.ask(GET).await;
    assert_eq!(
        world.ends.one().await,
        (http.clone(), true, Completed, None)
    );
    for (target, ran, kind) in [
        ("private.example", false, "address_not_public"),
        ("nowhere.example", false, "name_not_found"),
    ] {
        world.ask(&GET.replace("ok.example", target)).await;
        assert_eq!(
            world.ends.one().await,
            (http.clone(), ran, Failed, failed(kind))
        );
    }
    world.ask(&GET.replace("/a?q=1", "/garbage")).await;
    assert_eq!(
        world.ends.one().await,
        (http.clone(), true, Failed, failed("upstream"))
    );
    // A tunnel in which nobody says hello.
    let tunnel = world.tunnel("ok.example").await;
    drop(tunnel);
    assert_eq!(
        world.ends.one().await,
        (http.clone(), true, Failed, failed("broken_off"))
    );
    let mut tunnel = world.tunnel("ok.example").await;
    tunnel.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    rest(&mut tunnel).await;
    assert_eq!(
        world.ends.one().await,
        (http.clone(), true, Failed, failed("not_tls"))
    );
    // A proxy that ends.
    let ends = world.ends.clone();
    world.server.seen();
    let mut stream = world.open().await;
    let silent = world.filled(&GET.replace("/a?q=1", "/silent"));
    stream.write_all(silent.as_bytes()).await.unwrap();
    while world.server.seen().is_empty() {
        sleep(Duration::from_millis(10)).await;
    }
    drop(world);
    assert_eq!(ends.one().await, (http, true, Cancelled, None));
}
