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
                eprintln!("SKIPPED: {unavailable}");
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
                eprintln!("SKIPPED: `{name}` has no way to a proxy");
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
        eprintln!("SKIPPED: this machine has no sandbox with a network of its own");
    }
}
