//! A network that only a listener leaves.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hexgate_sandbox::{Network, PROXY_PORT, SandboxError, Workspace};

use crate::{backend, folder, run, wait};

/// A service that answers each connection with one line and counts them.
fn service(count: &Arc<AtomicUsize>) -> Network {
    let count = Arc::clone(count);
    Network::through(move |listener: TcpListener| {
        let accepting = std::thread::spawn(move || {
            while let Ok((mut client, _)) = listener.accept() {
                count.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 512];
                let _ = client.read(&mut request);
                let _ = client.write_all(b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello");
            }
        });
        Ok(Box::new(accepting))
    })
}

const PYTHON: &str = "python3 -c \"
import os,socket
def reach(host, port):
    try:
        socket.create_connection((host, port), 2).close(); return 'reached'
    except OSError: return 'nothing'
s=socket.create_connection(('127.0.0.1', 3128), 2)
s.sendall(b'GET http://example.com/ HTTP/1.0\\r\\n\\r\\n')
print(s.recv(100).split()[1].decode())
print(os.environ['HTTPS_PROXY'], os.environ['http_proxy'])
print(reach('127.0.0.1', int(os.environ['OTHER'])), reach('1.1.1.1', 443), reach('::1', 3128))
\"";

#[test]
fn only_the_listener_is_reached() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_folder, builder) = folder();
    let workspace = builder
        .env("OTHER", other.local_addr().unwrap().port().to_string())
        .build()
        .unwrap();
    let Some(sandbox) = backend("landlock", &workspace) else {
        return;
    };
    let count = Arc::new(AtomicUsize::new(0));
    let finished =
        wait(sandbox.run_with(PYTHON, Duration::from_secs(20), service(&count))).unwrap();
    let proxy = format!("http://127.0.0.1:{PROXY_PORT}");
    assert_eq!(
        finished.stdout,
        format!("200\n{proxy} {proxy}\nnothing nothing nothing\n"),
        "{}",
        finished.stderr
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
    // Without it there is not even that.
    let alone = run(&sandbox, "exec 3<>/dev/tcp/127.0.0.1/3128");
    assert_ne!(alone.exit_code, 0);
}

#[test]
fn commands_do_not_share_a_network() {
    let (_folder, builder) = folder();
    let Some(sandbox) = backend("landlock", &builder.build().unwrap()) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut runs = Vec::new();
        for _ in 0..8 {
            let count = Arc::new(AtomicUsize::new(0));
            let (sandbox, network) = (sandbox.clone(), service(&count));
            runs.push((
                count,
                tokio::spawn(async move {
                    let script = "for i in 1 2 3; do exec 3<>/dev/tcp/127.0.0.1/3128; echo x >&3; cat <&3 > /dev/null; done";
                    sandbox.run_with(script, Duration::from_secs(20), network).await.unwrap()
                }),
            ));
        }
        for (count, run) in runs {
            let finished = run.await.unwrap();
            assert_eq!(finished.exit_code, 0, "{}", finished.stderr);
            assert_eq!(count.load(Ordering::SeqCst), 3);
        }
    });
}

#[test]
fn a_service_that_fails_is_an_error_and_nothing_runs_on() {
    let (_folder, builder) = folder();
    let Some(sandbox) = backend("landlock", &builder.build().unwrap()) else {
        return;
    };
    let network = Network::through(|_| Err(std::io::Error::other("no proxy today")));
    let error = wait(sandbox.run_with("sleep 60", Duration::from_secs(20), network)).unwrap_err();
    assert!(error.to_string().contains("no proxy today"), "{error}");
}

#[test]
fn a_backend_without_such_a_network_refuses() {
    let (_folder, builder) = folder();
    let Some(sandbox) = backend("bwrap", &builder.build().unwrap()) else {
        return;
    };
    let count = Arc::new(AtomicUsize::new(0));
    let error =
        wait(sandbox.run_with("true", Duration::from_secs(20), service(&count))).unwrap_err();
    assert!(matches!(error, SandboxError::Network("bwrap")), "{error}");
}

#[test]
fn a_socket_is_reached_by_the_name_that_was_given() {
    let (outer, _) = folder();
    let path = |name: &str| outer.path().join(name);
    fs::create_dir(path("work")).unwrap();
    let _there = UnixListener::bind(path("there")).unwrap();
    std::os::unix::fs::symlink("there", path("link")).unwrap();
    let script = "python3 -c \"
import os,socket
s=socket.socket(socket.AF_UNIX)
s.connect(os.environ['SOCKET'])
print('reached')\"";
    let workspace = |named: &Path| {
        Workspace::builder(path("work"))
            .allow_unix_socket(named)
            .env("SOCKET", path("link"))
            .build()
            .unwrap()
    };
    let Some(sandbox) = backend("landlock", &workspace(&path("link"))) else {
        return;
    };
    let finished = run(&sandbox, script);
    if finished.stderr.contains("python3: command not found") {
        return hexgate_test_support::skipped("there is no `python3`");
    }
    assert_eq!(finished.stdout, "reached\n", "{}", finished.stderr);
    // Whose folder it counts from would be a guess.
    let said = hexgate_sandbox::Sandbox::backend(
        "landlock",
        &workspace(Path::new("../there")),
        &hexgate_sandbox::Wanted::default(),
    );
    assert!(said.is_err(), "{said:?}");
}
