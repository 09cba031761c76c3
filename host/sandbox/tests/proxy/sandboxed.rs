//! A command in a sandbox of each kind, whose one way out is the proxy.

use std::time::Duration;

use hexgate_enforce::Caller;
use hexgate_sandbox::address::Reach;
use hexgate_sandbox::proxy::Proxy;
use hexgate_sandbox::{Guarantee, Sandbox, SandboxError, Wanted, Workspace};

use crate::fixture::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_confined_command_reaches_what_the_policy_allows_and_nothing_else() {
    let world = World::new().await;
    let alice = Caller::builder("alice").role("agent").build().unwrap();
    let proxy = Proxy::builder(world.enforcer.clone(), alice)
        .reach(Reach::parse(["ok.example"]).unwrap())
        .resolver(world.names.clone())
        .build();
    // The network is what this is about; the rest of a sandbox has tests of its own.
    let any = Guarantee::ALL
        .into_iter()
        .filter(|what| *what != Guarantee::NetworkConfined)
        .fold(Wanted::default(), Wanted::dangerous_without);
    let folder = tempfile::tempdir().unwrap();
    let mut tried = 0;
    for name in ["landlock", "bwrap"] {
        let workspace = Workspace::builder(folder.path()).build().unwrap();
        let sandbox = match Sandbox::backend(name, &workspace, &any) {
            Ok(sandbox) => sandbox,
            Err(unavailable) => {
                hexgate_test_support::skipped(&unavailable.to_string());
                continue;
            }
        };
        let script = world.filled(concat!(
            "curl -sS --max-time 20 http://ok.example:{port}/a; echo\n",
            "curl -sS --max-time 20 http://evil.example:{port}/b; echo\n",
            "curl -sS --max-time 5 --noproxy '*' http://127.0.0.1:{port}/direct && echo ESCAPED\n",
            "env -i curl -sS --max-time 5 http://127.0.0.1:{port}/unset && echo ESCAPED\n",
            "exec 3<>/dev/tcp/127.0.0.1/{port} && echo ESCAPED\n",
        ));
        let finished = match sandbox
            .run_with(&script, Duration::from_secs(60), proxy.network())
            .await
        {
            // It has no way to a proxy, and then it runs nothing.
            Err(SandboxError::Network(_)) => {
                hexgate_test_support::announce(&format!("`{name}` has no way to a proxy"));
                assert!(world.server.seen().is_empty() && world.decisions().is_empty());
                continue;
            }
            finished => finished.unwrap(),
        };
        tried += 1;
        let (out, err) = (&finished.stdout, &finished.stderr);
        assert!(out.starts_with("hello\n"), "{name}: {out} {err}");
        assert!(out.contains("[policy_denied]"), "{name}: {out} {err}");
        assert!(!out.contains("ESCAPED"), "{name}: {out} {err}");
        let seen = world.server.seen();
        assert_eq!(seen.len(), 1, "{name}: {seen:?}");
        let decided = world.decisions();
        assert_eq!(decided.len(), 2, "{name}: {decided:?}");
    }
    if tried == 0 {
        hexgate_test_support::skipped("this machine has no sandbox with a network of its own");
    }
}

/// A program of the command that takes `CONNECT` from others and passes it on: straight ahead if it can, else to the proxy.
/// Says what came of it.
const RELAY: &str = r#"
import os, socket, sys, threading, urllib.parse
way = urllib.parse.urlsplit(os.environ['HTTPS_PROXY'])

def head(stream):
    text = b''
    while not text.endswith(b'\r\n\r\n'):
        more = stream.recv(1)
        if not more: break
        text += more
    return text.decode()

def serve(relay):
    while True:
        stream, _ = relay.accept()
        host, port = head(stream).split()[1].rsplit(':', 1)
        try:
            socket.create_connection((host, int(port)), 3)
            print('ESCAPED', host)
        except OSError:
            pass
        out = socket.create_connection((way.hostname, way.port), 20)
        out.sendall(f'CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n'.encode())
        stream.sendall(head(out).encode())
        stream.close()

relay = socket.create_server(('127.0.0.1', 0))
threading.Thread(target=serve, args=(relay,), daemon=True).start()
for host in sys.argv[1:]:
    stream = socket.create_connection(relay.getsockname(), 20)
    stream.sendall(f'CONNECT {host} HTTP/1.1\r\n\r\n'.encode())
    print(host.split(':')[0], head(stream).split()[1], flush=True)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_in_the_sandbox_reaches_no_more_than_the_policy_allows() {
    let world = World::new().await;
    let alice = Caller::builder("alice").role("agent").build().unwrap();
    let proxy = Proxy::builder(world.enforcer.clone(), alice)
        .reach(Reach::parse(["ok.example"]).unwrap())
        .resolver(world.names.clone())
        .build();
    let any = Guarantee::ALL
        .into_iter()
        .filter(|what| *what != Guarantee::NetworkConfined)
        .fold(Wanted::default(), Wanted::dangerous_without);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("relay.py"), RELAY).unwrap();
    let workspace = Workspace::builder(folder.path())
        .allow_local_binding()
        .build()
        .unwrap();
    let sandbox = match Sandbox::backend("landlock", &workspace, &any) {
        Ok(sandbox) => sandbox,
        Err(unavailable) => {
            return hexgate_test_support::skipped(&unavailable.to_string());
        }
    };
    let script =
        world.filled("python3 relay.py ok.example:{port} evil.example:{port} 127.0.0.1:{port}");
    let finished = sandbox
        .run_with(&script, Duration::from_secs(60), proxy.network())
        .await
        .unwrap();
    if finished.stderr.contains("python3: command not found") {
        return hexgate_test_support::skipped("there is no `python3`");
    }
    assert_eq!(
        finished.stdout, "ok.example 200\nevil.example 403\n127.0.0.1 403\n",
        "{finished:?}"
    );
    let effects: Vec<_> = world
        .decisions()
        .into_iter()
        .map(|(_, name, effect)| (name, effect))
        .collect();
    assert_eq!(effects.len(), 3, "{effects:?}");
    // Nothing but the tunnel that was allowed was opened.
    assert!(world.server.seen().len() <= 1);
}
