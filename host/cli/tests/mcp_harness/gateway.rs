//! The real gateway, as a process.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server;

/// Everybody has a place at their own address, and reads and writes below it alone.
const POLICY: &str = r#"roles:
  default: {}
  member:
    tools:
      mcp-desk-add_note:
        mode: allow
        constraints:
          - only(args, ["owner", "text"])
          - args.owner == user.id
      mcp-desk-fetch:
        mode: allow
        constraints:
          - only(args, ["url"])
          - startswith(args.url, "https://people.example/")
      mcp-desk-pay:
        mode: approval_required
        constraints: ['only(args, ["to", "amount"])']
      mcp-desk-write_file:
        mode: approval_required
        constraints: ['only(args, ["path", "content"])']
      mcp-desk-get_weather: { mode: allow, constraints: ['only(args, ["location", "units"])'] }
      mcp-desk-old_report: { mode: allow, constraints: ['only(args, [])'] }
      mcp-desk-retire: { mode: allow, constraints: ['only(args, [])'] }
      mcp-desk.prompt:
        mode: allow
        constraints:
          - only(args, ["name", "arguments"])
          - args.name == "greet"
          - only(args.arguments, ["who"])
      mcp-desk.resource:
        mode: allow
        constraints: ['startswith(args.uri, user.id)']
"#;

/// A folder with a policy, a configuration, and what the server notes.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    /// With these members of the configuration beside those that every gateway here has.
    pub(crate) fn new(more: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = json!({
            "policy": "policy.yaml",
            "pins": "pins.json",
            "first_use": "accept",
            "servers": {"desk": server::command(folder.path())},
            "offer": {"prompts": "pass", "resources": "pass", "elicitation": "pass"},
            "limits": {"request_bytes": 65_536},
            "audit": "audit",
        });
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
        // JSON is YAML.
        fs::write(folder.path().join("gateway.yaml"), config.to_string()).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes the keys of an approver who may answer, and the file that says so.
    pub(crate) fn approver(&self, name: &str) {
        let made = Command::new(HEXGATE)
            .args(["policy", "keygen", "--out", name])
            .current_dir(self.path(""))
            .output()
            .unwrap();
        assert!(made.status.success());
        let key = fs::read_to_string(self.path(&format!("{name}.public"))).unwrap();
        let approvers = json!({"version": 1, "approvers": [{"id": name, "keys": [key.trim()], "roles": ["lead"]}]});
        fs::write(self.path("approvers.json"), approvers.to_string()).unwrap();
    }

    /// The arguments of a gateway at the standard streams.
    pub(crate) fn command(&self) -> String {
        let config = self.path("gateway.yaml");
        format!("{HEXGATE} mcp run --config {}", config.display())
    }

    /// A gateway that listens.
    pub(crate) fn listen(&self) -> Listening {
        let mut child = Command::new(HEXGATE)
            .args(["mcp", "run", "--listen", "127.0.0.1:0", "--config"])
            .arg(self.path("gateway.yaml"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut before = Vec::new();
        let url = loop {
            let line = said
                .next()
                .unwrap_or_else(|| panic!("it does not listen: {before:?}"))
                .unwrap();
            if let Some(url) = line.strip_prefix("[hexgate] listening at ") {
                break url.to_owned();
            }
            before.push(line);
        };
        // It must not wait for somebody who reads what it says.
        std::thread::spawn(move || said.map_while(Result::ok).for_each(drop));
        Listening { child, url }
    }

    /// How often the server ran a tool.
    pub(crate) fn ran(&self, tool: &str) -> usize {
        let lines = fs::read_to_string(self.path("executions.jsonl")).unwrap_or_default();
        let ran = lines.lines().map(|line| {
            let ran: Value = serde_json::from_str(line).unwrap();
            ran["tool"] == tool
        });
        ran.filter(|it| *it).count()
    }
}

pub(crate) const HEXGATE: &str = env!("CARGO_BIN_EXE_hexgate");

/// A gateway that ends when it is dropped.
pub(crate) struct Listening {
    child: Child,
    pub(crate) url: String,
}

impl Listening {
    /// Opens a session of a version that has them, for whoever has this header. Its id.
    pub(crate) fn session(&self, header: &str) -> String {
        let address = self.url.trim_start_matches("http://");
        let (address, path) = address.split_once('/').unwrap();
        let ask = |session: &str, body: &Value| {
            let body = body.to_string();
            let mut stream = TcpStream::connect(address).unwrap();
            write!(
                stream,
                "POST /{path} HTTP/1.1\r\nHost: {address}\r\n{header}\r\n{session}Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        let open = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
        let answer = ask("", &open);
        let session = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("mcp-session-id").then_some(value)
        });
        let session = session.unwrap_or_else(|| panic!("{answer}")).trim();
        let begun = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let answer = ask(&format!("Mcp-Session-Id: {session}\r\n"), &begun);
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
        session.to_owned()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
