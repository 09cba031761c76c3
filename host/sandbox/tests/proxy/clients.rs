//! Real clients, as agents' programs use them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::fixture::World;

/// Runs a program with the proxy's variables. None: it is not there.
async fn run(world: &World, program: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(world.environment.iter().cloned())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = match timeout(Duration::from_secs(60), command.output())
        .await
        .unwrap()
    {
        Ok(output) => output,
        Err(_) => {
            eprintln!("SKIPPED: there is no `{program}`");
            return None;
        }
    };
    let text = [output.stdout, output.stderr].concat();
    Some((
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_a_client_with_a_pool_is_decided() {
    let world = World::new().await;
    let (_, url) = world
        .environment
        .iter()
        .find(|(name, _)| *name == "HTTP_PROXY")
        .unwrap();
    let client = reqwest::Client::builder()
        .proxy(reqwest::Proxy::all(url).unwrap())
        .build()
        .unwrap();
    for (path, status) in [("/", 200), ("/secret", 403), ("/", 200)] {
        let response = client
            .get(world.filled(&format!("http://ok.example:{{port}}{path}")))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{path}");
        response.bytes().await.unwrap();
    }
    assert_eq!(world.decisions().len(), 3);
    assert_eq!(world.server.seen().len(), 2);
    // A redirection is a request of its own, and its address is not public.
    let response = client
        .get(world.filled("http://ok.example:{port}/redirect"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 403);
    let decided = world.decisions();
    assert_eq!(decided.len(), 2);
    assert_eq!(decided[1].1, "http://169.254.169.254:8080/latest");
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_reads_answers_and_denials() {
    let world = World::new().await;
    let get = world.filled("http://ok.example:{port}/");
    let Some((is_good, text)) = run(&world, "curl", &["-sS", "--max-time", "20", &get]).await
    else {
        return;
    };
    assert!(is_good && text == "hello", "{text}");
    let denied = world.filled("http://evil.example:{port}/");
    let (_, text) = run(&world, "curl", &["-sS", "--max-time", "20", &denied])
        .await
        .unwrap();
    assert!(text.contains("[policy_denied]"), "{text}");
    // A tunnel is denied before anything is said in it.
    let denied = world.filled("https://evil.example:{port}/");
    let (is_good, text) = run(&world, "curl", &["-sS", "--max-time", "20", &denied])
        .await
        .unwrap();
    assert!(!is_good && text.contains("403"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn python_finds_the_proxy_by_its_variables() {
    let world = World::new().await;
    let script = world.filled(concat!(
        "import urllib.request, urllib.error\n",
        "print(urllib.request.urlopen('http://ok.example:{port}/').read())\n",
        "try:\n urllib.request.urlopen('http://evil.example:{port}/')\nexcept urllib.error.HTTPError as e:\n print(e.code, e.read())\n",
    ));
    let Some((is_good, text)) = run(&world, "python3", &["-c", &script]).await else {
        return;
    };
    assert!(
        is_good && text.contains("hello") && text.contains("403") && text.contains("policy_denied"),
        "{text}"
    );
}

/// TLS from end to end: a certificate, a server and a client of OpenSSL, the proxy between them.
#[tokio::test(flavor = "multi_thread")]
async fn tls_passes_from_end_to_end_and_fronting_does_not() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = (
        folder.path().join("key.pem"),
        folder.path().join("cert.pem"),
    );
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (key, certificate) = (path(&key), path(&certificate));
    let make = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=ok.example",
        "-addext",
        "subjectAltName=DNS:ok.example",
        "-keyout",
        &key,
        "-out",
        &certificate,
    ];
    let Some((is_good, text)) = run(&world, "openssl", &make).await else {
        return;
    };
    assert!(is_good, "{text}");
    // A free port for a server that cannot say which one it got.
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    // Of a group that the client does not offer first, so that the server asks it to say hello again.
    let mut server = Command::new("openssl");
    server
        .args([
            "s_server",
            "-accept",
            &format!("127.0.0.1:{port}"),
            "-key",
            &key,
            "-cert",
            &certificate,
            "-www",
            "-groups",
            "P-384",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let _server = server.spawn().unwrap();
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_ok()
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let url = format!("https://ok.example:{port}/");
    let Some((is_good, text)) = run(
        &world,
        "curl",
        &["-sS", "--max-time", "20", "--cacert", &certificate, &url],
    )
    .await
    else {
        return;
    };
    assert!(is_good && text.contains("s_server"), "{text}");
    // The tunnel is for one host and the hello for another.
    let fronted = [
        "-sS",
        "--max-time",
        "20",
        "-k",
        "--connect-to",
        &format!("evil.example:{port}:ok.example:{port}"),
        &format!("https://evil.example:{port}/"),
    ];
    let (is_good, text) = run(&world, "curl", &fronted).await.unwrap();
    assert!(!is_good && !text.contains("s_server"), "{text}");
    let decided = world.decisions();
    assert!(
        decided.iter().all(|(_, target, _)| *target == url),
        "{decided:?}"
    );
}
