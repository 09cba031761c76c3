//! A proxy between a client and a server on loopback, with names that nobody has to know.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{
    Approvals, Caller, Decision, EndState, Ended, Enforcer, LivePolicy, OnRecordFailure,
    RecordError, Recorder,
};
use hexgate_sandbox::address::{Reach, Resolve, ResolveFuture};
use hexgate_sandbox::proxy::{Limits, Proxy, ProxyBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Allows much, so that what is refused is refused by the proxy; and denies some, so that the policy is seen to decide.
pub(crate) const POLICY: &str = r#"
consts:
  hosts:
    - ok.example
    - other.example
    - xn--bcher-kva.example
    - private.example
    - metadata.example
    - mixed.example
    - nowhere.example
    - closed.example
    - rebind.example
    - localhost
    - x.localhost
    - "127.0.0.1"
    - "0.0.0.0"
    - "10.0.0.1"
    - "100.64.0.1"
    - "169.254.169.254"
    - "224.0.0.1"
    - "::1"
    - "fe80::1"
    - "fd00:ec2::254"
    - "64:ff9b::a9fe:a9fe"
    - "2002:7f00:1::"
roles:
  default: {}
  agent:
    tools:
      net.http_request:
        mode: allow
        message: ask for what is allowed
        constraints:
          - args.host in consts.hosts
          - args.method in ["GET", "HEAD", "POST", "CONNECT"]
          - args.method == "CONNECT" or not startswith(args.path, "/secret")
          - args.port > 1023
      net.tcp_connect:
        mode: allow
        constraints:
          - args.host == "other.example"
          - args.protocol == "tcp"
  asked:
    tools:
      net.http_request: { mode: approval_required }
"#;

/// The engine is compiled once.
fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap()).clone()
}

/// Answers in turn; the last one is repeated.
#[derive(Clone, Default)]
pub(crate) struct Names {
    table: Arc<Mutex<BTreeMap<String, VecDeque<Vec<IpAddr>>>>>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    pub(crate) fn set(&self, name: &str, answers: &[&[&str]]) {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        self.table
            .lock()
            .unwrap()
            .insert(name.to_owned(), answers.iter().map(parse).collect());
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> ResolveFuture<'a> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut table = self.table.lock().unwrap();
        let answer = table.get_mut(name).and_then(|answers| {
            if answers.len() > 1 {
                answers.pop_front()
            } else {
                answers.front().cloned()
            }
        });
        let answer = answer.ok_or_else(|| io::Error::other("no such name"));
        Box::pin(std::future::ready(answer))
    }
}

/// What was decided: tool, arguments, effect.
pub(crate) type Decided = Arc<Mutex<Vec<(String, serde_json::Value, String)>>>;

/// How calls ended.
#[derive(Clone, Default)]
pub(crate) struct Ends(Arc<Mutex<Vec<End>>>);

/// Tool, whether a server was reached, state, kind of failure.
pub(crate) type End = (String, bool, EndState, Option<String>);

impl Recorder for Ends {
    fn record(&self, _: &Decision) -> Result<(), RecordError> {
        Ok(())
    }

    fn ended(&self, ended: &Ended<'_>) -> Result<(), RecordError> {
        let error = ended.error.map(str::to_owned);
        self.0
            .lock()
            .unwrap()
            .push((ended.tool.to_owned(), ended.ran, ended.state, error));
        Ok(())
    }
}

impl Ends {
    /// Forgets those that have ended.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// The next call that ends, which may take a moment.
    pub(crate) async fn next(&self) -> End {
        for _ in 0..1000 {
            if let Some(ended) = self.first() {
                return ended;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no end was recorded");
    }

    fn first(&self) -> Option<End> {
        let mut ended = self.0.lock().unwrap();
        (!ended.is_empty()).then(|| ended.remove(0))
    }

    /// The one call that ended since it was last asked, which may take a moment.
    pub(crate) async fn one(&self) -> End {
        for _ in 0..1000 {
            let ended = std::mem::take(&mut *self.0.lock().unwrap());
            if let [one] = &ended[..] {
                return one.clone();
            }
            assert!(ended.is_empty(), "{ended:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no end was recorded");
    }
}

pub(crate) struct World {
    pub(crate) proxy: SocketAddr,
    pub(crate) server: Server,
    pub(crate) names: Names,
    pub(crate) decided: Decided,
    pub(crate) ends: Ends,
    pub(crate) enforcer: Enforcer,
    pub(crate) environment: Vec<(&'static str, String)>,
    serving: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("agent", Approvals::Nobody, |builder| builder).await
    }

    /// With a caller whose time ends.
    pub(crate) async fn until(end: std::time::SystemTime) -> Self {
        let alice = Caller::builder("alice").role("agent").expires_at(end);
        let alice = alice.build().unwrap();
        Self::of(alice, Approvals::Nobody, |builder| builder).await
    }

    pub(crate) async fn with(
        role: &str,
        approvals: Approvals,
        change: impl FnOnce(ProxyBuilder) -> ProxyBuilder,
    ) -> Self {
        let alice = Caller::builder("alice").role(role).build().unwrap();
        Self::of(alice, approvals, change).await
    }

    async fn of(
        alice: Caller,
        approvals: Approvals,
        change: impl FnOnce(ProxyBuilder) -> ProxyBuilder,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        std::fs::write(&path, POLICY).unwrap();
        let live = LivePolicy::open(&engine(), PolicyFile::dangerous_unsigned(&path)).unwrap();
        let decided = Decided::default();
        let seen = Arc::clone(&decided);
        let observer = move |decision: &Decision| {
            let arguments = serde_json::from_str(decision.arguments()).unwrap();
            let effect = format!("{:?}", decision.outcome());
            seen.lock()
                .unwrap()
                .push((decision.tool().to_owned(), arguments, effect));
        };
        let ends = Ends::default();
        let enforcer = Enforcer::builder("net-agent", &live)
            .observer(observer)
            .recorder(ends.clone(), OnRecordFailure::Deny)
            .approvals(approvals)
            .build()
            .unwrap();

        let names = Names::default();
        for (name, answer) in [
            ("ok.example", &["127.0.0.1"][..]),
            ("other.example", &["127.0.0.1"]),
            ("xn--bcher-kva.example", &["127.0.0.1"]),
            ("private.example", &["10.0.0.1"]),
            ("metadata.example", &["169.254.169.254"]),
            ("mixed.example", &["1.1.1.1", "10.0.0.1"]),
            ("nowhere.example", &[]),
            ("closed.example", &["127.0.0.1"]),
            ("rebind.example", &["127.0.0.1"]),
        ] {
            names.set(name, &[answer]);
        }
        // Names of the test's own server, and of nothing else, may be on loopback.
        let reach = [
            "ok.example",
            "other.example",
            "xn--bcher-kva.example",
            "metadata.example",
            "closed.example",
        ];
        let limits = Limits {
            head: Duration::from_secs(2),
            hello: Duration::from_secs(2),
            connect: Duration::from_secs(2),
            ..Limits::default()
        };
        let builder = Proxy::builder(enforcer.clone(), alice)
            .reach(Reach::parse(reach).unwrap())
            .resolver(names.clone())
            .limits(limits);
        let proxy = change(builder).build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let environment = proxy.environment(address);
        let serving = tokio::spawn(async move {
            proxy.serve(listener).await;
        });
        Self {
            proxy: address,
            server: Server::new("127.0.0.1:0").await,
            names,
            decided,
            ends,
            enforcer,
            environment,
            serving,
        }
    }

    /// Sends bytes to the proxy, and gives all that comes back until it closes.
    pub(crate) async fn send(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.open().await;
        // The proxy may refuse before it has read everything.
        let _ = stream.write_all(bytes).await;
        rest(&mut stream).await
    }

    /// As [`send`](Self::send), for a text in which `{port}` is the server's, and `{long}`, `{fields}` and `{labels}` are long.
    pub(crate) async fn ask(&self, text: &str) -> Answer {
        Answer::of(&self.send(self.filled(text).as_bytes()).await)
    }

    pub(crate) fn filled(&self, text: &str) -> String {
        text.replace("{port}", &self.server.address.port().to_string())
            .replace("{long}", &"x".repeat(70_000))
            .replace("{fields}", &"X: y\r\n".repeat(200))
            .replace("{labels}", &"a.".repeat(300))
    }

    pub(crate) async fn open(&self) -> TcpStream {
        TcpStream::connect(self.proxy).await.unwrap()
    }

    /// Asks for a tunnel and gives it once it is open.
    pub(crate) async fn tunnel(&self, host: &str) -> TcpStream {
        let mut stream = self.open().await;
        let authority = self.filled(&format!("{host}:{{port}}"));
        let head = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; b"HTTP/1.1 200 Connection established\r\n\r\n".len()];
        stream.read_exact(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(b"HTTP/1.1 200 "),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        stream
    }

    /// What was decided since it was last asked: tool, URL or host, effect.
    pub(crate) fn decisions(&self) -> Vec<(String, String, String)> {
        let decided = std::mem::take(&mut *self.decided.lock().unwrap());
        let name = |arguments: &serde_json::Value| {
            let value = arguments.get("url").or(arguments.get("host")).unwrap();
            value.as_str().unwrap().to_owned()
        };
        decided
            .iter()
            .map(|(tool, arguments, effect)| (tool.clone(), name(arguments), effect.clone()))
            .collect()
    }
}

/// All that comes, for a while.
pub(crate) async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
    read.expect("the connection stays open").ok();
    bytes
}

/// What the proxy answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0: it closed the connection without an answer.
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }
}

/// A server that notes what it gets, byte by byte, and answers by the path.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    serving: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Server {
    pub(crate) async fn new(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, Arc::clone(&noted)));
            }
        });
        Self {
            address,
            seen,
            serving,
        }
    }

    /// How many connections have brought something since `seen` was last asked.
    pub(crate) fn connections(&self) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|bytes| !bytes.is_empty()).count()
    }

    /// What came on each connection since it was last asked.
    pub(crate) fn seen(&self) -> Vec<String> {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        seen.iter()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .collect()
    }
}

async fn answer(mut stream: TcpStream, noted: Arc<Mutex<Vec<Vec<u8>>>>) {
    let place = {
        let mut noted = noted.lock().unwrap();
        noted.push(Vec::new());
        noted.len() - 1
    };
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(slot) = noted.lock().unwrap().get_mut(place) {
            slot.clone_from(&bytes);
        }
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        let is_whole = if head.contains("transfer-encoding: chunked") {
            body.ends_with("0\r\n\r\n")
        } else {
            body.len() >= length
        };
        if is_whole {
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let path = text.split(' ').nth(1).unwrap_or("");
    let answer = match path {
        "/redirect" => "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254:8080/latest\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "/hops" => "HTTP/1.1 200 OK\r\nConnection: close, x-hop\r\nX-Hop: 1\r\nProxy-Authenticate: Basic\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        "/garbage" => "SSH-2.0-OpenSSH\r\n\r\n".to_owned(),
        "/101" => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nsecret".to_owned(),
        "/long-head" => format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(200_000)),
        "/silent" => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            return;
        }
        "/endless" => {
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let mut sent = stream.write_all(head).await;
            while sent.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
                sent = stream.write_all(b"1\r\nx\r\n").await;
            }
            return;
        }
        "/chunks" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nX-Trailer: 1\r\n\r\n".to_owned(),
        "/breaks" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_owned(),
        _ => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
    };
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}
