//! The programs that are measured, and the files that they need.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::peers::{Client, Server, Words};

const POLICY: &str = "roles:
  default:
    tools:
      mcp-server-refund: { mode: allow, constraints: [args.amount <= 100] }
";

/// Both packages, with a middleware that looks at each call.
const FASTMCP: &str = r#"
import sys
from fastmcp.server import create_proxy
from fastmcp.server.middleware import Middleware

class Gate(Middleware):
    async def on_call_tool(self, context, call_next):
        if context.message.arguments.get("amount", 0) > 100:
            raise PermissionError("too much")
        return await call_next(context)

target, port = sys.argv[1], int(sys.argv[2])
if not port:
    target = {"mcpServers": {"server": {"command": target, "args": ["serve", "streams"]}}}
proxy = create_proxy(target)
proxy.add_middleware(Gate())
if port:
    proxy.run(transport="http", host="127.0.0.1", port=port, show_banner=False, log_level="ERROR")
else:
    proxy.run(show_banner=False)
"#;

/// What a benchmark run has at hand.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    hexgate: PathBuf,
    own: PathBuf,
    python: Option<PathBuf>,
}

/// Programs that listen, until this is dropped.
pub(crate) struct Served {
    children: Vec<Child>,
    /// The name of each path and where it begins.
    pub(crate) urls: Vec<(String, String)>,
    gateway: usize,
}

impl Place {
    pub(crate) fn new() -> Option<Self> {
        let own = std::env::current_exe().ok()?;
        // The benchmark lies in `target/release/deps`.
        let built = || Some(own.parent()?.parent()?.join("hexgate"));
        let named = std::env::var_os("HEXGATE_BIN").map(PathBuf::from);
        let hexgate = named.or_else(built).filter(|path| path.is_file())?;
        let python = std::env::var_os("HEXGATE_BENCH_PYTHON").map(PathBuf::from);
        if python.is_none() {
            eprintln!("skipped: HEXGATE_BENCH_PYTHON names no Python to compare with");
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
        std::fs::write(folder.path().join("fastmcp_gate.py"), FASTMCP).unwrap();
        Some(Self {
            folder,
            hexgate,
            own,
            python,
        })
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// The paths whose client is at the standard streams.
    pub(crate) fn over_streams(&self) -> Vec<(String, Words)> {
        let own = self.own.to_str().unwrap().to_owned();
        let serve = Server::arguments(None);
        let words = |program: &PathBuf, args: Vec<String>| Words {
            program: program.clone(),
            args,
        };
        let wrap = |more: &[&str]| {
            let policy = self.file("policy.yaml");
            let mut args = vec!["mcp", "wrap", "--policy", &policy, "--first-use", "accept"];
            args.extend(more);
            args.extend(["--", &own, &serve[0], &serve[1]]);
            args.into_iter().map(str::to_owned).collect()
        };
        let log = self.file("log");
        let mut paths = vec![
            (
                "stdio: no gateway".to_owned(),
                words(&self.own, serve.to_vec()),
            ),
            (
                "stdio: hexgate mcp wrap".to_owned(),
                words(&self.hexgate, wrap(&[])),
            ),
            (
                "stdio: hexgate mcp wrap --audit".to_owned(),
                words(&self.hexgate, wrap(&["--audit", &log])),
            ),
        ];
        if let Some(python) = &self.python {
            let args = vec![self.file("fastmcp_gate.py"), own.clone(), "0".to_owned()];
            paths.push((
                "stdio: fastmcp, a middleware".to_owned(),
                words(python, args),
            ));
        }
        paths
    }

    /// The paths whose client is at HTTP, all before one server.
    pub(crate) async fn serve(&self) -> Served {
        let server = free();
        let mut command = Command::new(&self.own);
        command.args(Server::arguments(Some(server)));
        let upstream = format!("http://{server}/mcp");
        let mut served = Served {
            children: Vec::new(),
            urls: Vec::new(),
            gateway: 1,
        };
        served.start("http: no gateway", command, &upstream).await;
        let upstream_of_gateway = format!("{{ url: '{upstream}' }}");
        self.start_gateway(&mut served, &upstream_of_gateway, "")
            .await;
        let audit = format!("audit: {}", self.file("log-http"));
        self.start_gateway(&mut served, &upstream_of_gateway, &audit)
            .await;
        if let Some(python) = &self.python {
            let at = free();
            let mut command = Command::new(python);
            command.args([
                &self.file("fastmcp_gate.py"),
                &upstream,
                &at.port().to_string(),
            ]);
            let url = format!("http://{at}/mcp");
            served
                .start("http: fastmcp, a middleware", command, &url)
                .await;
            let at = free();
            let mut command = Command::new(python.with_file_name("mcp-proxy"));
            command.args(["--host", "127.0.0.1", "--port", &at.port().to_string()]);
            command
                .arg("--")
                .arg(&self.own)
                .args(Server::arguments(None));
            let url = format!("http://{at}/mcp");
            served
                .start(
                    "http: mcp-proxy (no gate, server over stdio)",
                    command,
                    &url,
                )
                .await;
        }
        served
    }

    /// The gateway alone, with a server that it starts.
    pub(crate) async fn serve_child(&self) -> Served {
        let mut served = Served {
            children: Vec::new(),
            urls: Vec::new(),
            gateway: 0,
        };
        let own = self.own.to_str().unwrap();
        let [serve, streams] = Server::arguments(None);
        let server = format!("{{ command: '{own}', args: [{serve}, {streams}] }}");
        self.start_gateway(&mut served, &server, "").await;
        served
    }

    async fn start_gateway(&self, served: &mut Served, server: &str, audit: &str) {
        let at = free();
        let config = format!(
            "servers: {{ server: {server} }}
policy: policy.yaml
caller: {{ user: bench }}
names: plain
first_use: accept
listen: {at}
limits: {{ sessions: 2000 }}
{audit}
"
        );
        let file = self.file(&format!("gateway-{}.yaml", at.port()));
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(&self.hexgate);
        command.args(["mcp", "run", "--config", &file]);
        let name = match audit {
            "" => "http: hexgate mcp run",
            _ => "http: hexgate mcp run, with audit",
        };
        served
            .start(name, command, &format!("http://{at}/mcp"))
            .await;
    }
}

impl Served {
    async fn start(&mut self, name: &str, mut command: Command, url: &str) {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.children.push(command.spawn().unwrap());
        let address = url.split('/').nth(2).unwrap();
        let mut tries = 0;
        while std::net::TcpStream::connect(address).is_err() {
            tries += 1;
            assert!(tries < 600, "{name} does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let client = Client::over_http(url).await;
        client.call().await.unwrap();
        client.close().await;
        self.urls.push((name.to_owned(), url.to_owned()));
    }

    pub(crate) fn gateway(&self) -> (&str, &str) {
        let (name, url) = &self.urls[self.gateway];
        (name, url)
    }

    /// Memory of the gateway that is its own.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = format!("/proc/{}/status", self.children[self.gateway].id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Kills the server that the gateway started.
    pub(crate) fn kill_server(&self) {
        let gateway = self.children[self.gateway].id();
        let mut killed = false;
        for tasks in std::fs::read_dir(format!("/proc/{gateway}/task")).unwrap() {
            let children = std::fs::read_to_string(tasks.unwrap().path().join("children"));
            for child in children.unwrap_or_default().split_whitespace() {
                let status = Command::new("kill")
                    .args(["-KILL", child])
                    .status()
                    .unwrap();
                killed |= status.success();
            }
        }
        assert!(killed, "the gateway has no server");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}
