//! A server on loopback that answers as it is told, and permits for calls.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use hexgate_agent::tool::{Progress, Tool, ToolError};
use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{Call, Caller, Enforcer, LivePolicy, Permit};
use hexgate_sandbox::address::{Reach, Resolve, ResolveFuture};
use hexgate_tools::fetch::{Fetch, FetchBuilder, FetchLimits, Retries};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A permit for a call that a policy allows.
pub(crate) fn permit(tool: &str, arguments: &Value) -> Permit {
    static ENFORCER: OnceLock<Enforcer> = OnceLock::new();
    let enforcer = ENFORCER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        let policy =
            "tools: {fetch: {mode: allow}, web_search: {mode: allow}, refund_order: {mode: allow}}";
        std::fs::write(&path, policy).unwrap();
        let live = LivePolicy::open(
            &Engine::new().unwrap(),
            PolicyFile::dangerous_unsigned(&path),
        )
        .unwrap();
        Enforcer::builder("reader", &live).build().unwrap()
    });
    let alice = Caller::builder("alice").build().unwrap();
    enforcer
        .authorize(Call::of(&alice, tool, arguments))
        .unwrap()
}

pub(crate) async fn call(tool: &dyn Tool, arguments: Value) -> Result<Value, ToolError> {
    let permit = permit(&tool.spec().name, &arguments);
    tool.call(permit, &Progress::default())
        .await
        .map(|output| output.value)
}

/// What a server got: the head of a request in lower case, and its body.
pub(crate) type Seen = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A server on loopback.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Seen,
    serving: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Server {
    /// Answers each request, by its number and path, with bytes.
    pub(crate) async fn new(
        answer: impl Fn(usize, &str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Seen::default();
        let noted = Arc::clone(&seen);
        let answer = Arc::new(answer);
        let serving = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    let (head, body) = loop {
                        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                            return;
                        }
                        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n")
                        else {
                            continue;
                        };
                        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                        let lower = head.to_ascii_lowercase();
                        let length = lower
                            .lines()
                            .find_map(|line| line.strip_prefix("content-length: "));
                        let length: usize = length.map_or(0, |length| length.parse().unwrap());
                        if bytes.len() >= end + 4 + length {
                            break (head, bytes[end + 4..].to_vec());
                        }
                    };
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    let number = {
                        let mut noted = noted.lock().unwrap();
                        noted.push((head, body));
                        noted.len() - 1
                    };
                    let bytes = answer(number, &path);
                    if bytes.is_empty() {
                        tokio::time::sleep(Duration::from_secs(3600)).await;
                    }
                    let _ = stream.write_all(&bytes).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self {
            address,
            seen,
            serving,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://site.example:{}{path}", self.address.port())
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

/// An answer of HTTP.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn html(body: &str) -> Vec<u8> {
    answer("200 OK", "Content-Type: text/html; charset=utf-8\r\n", body)
}

/// Names and their addresses, and how often they were asked for.
#[derive(Clone, Default)]
pub(crate) struct Names {
    pub(crate) table: Arc<Mutex<BTreeMap<String, Vec<IpAddr>>>>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    pub(crate) fn set(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect();
        self.table
            .lock()
            .unwrap()
            .insert(name.to_owned(), addresses);
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> ResolveFuture<'a> {
        self.asked.lock().unwrap().push(name.to_owned());
        let found = self.table.lock().unwrap().get(name).cloned();
        Box::pin(std::future::ready(
            found.ok_or_else(|| io::Error::other("no such name")),
        ))
    }
}

/// The tool, with `site.example` and `other.example` on loopback, and little patience.
pub(crate) fn builder() -> (FetchBuilder, Names) {
    let names = Names::default();
    for (name, address) in [
        ("site.example", "127.0.0.1"),
        ("other.example", "127.0.0.1"),
        ("private.example", "10.0.0.1"),
        ("metadata.example", "169.254.169.254"),
    ] {
        names.set(name, &[address]);
    }
    let limits = FetchLimits {
        retries: quick(),
        ..FetchLimits::default()
    };
    let reach = Reach::parse(["site.example", "other.example", "metadata.example"]).unwrap();
    let builder = Fetch::builder()
        .reach(reach)
        .resolver(names.clone())
        .limits(limits);
    (builder, names)
}

pub(crate) fn quick() -> Retries {
    Retries::default()
        .attempts(3)
        .first_wait(Duration::from_millis(10))
        .longest_wait(Duration::from_secs(10))
}

pub(crate) fn fetch() -> Fetch {
    builder().0.build().unwrap()
}
