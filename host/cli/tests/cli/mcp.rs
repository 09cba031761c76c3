//! `hexgate mcp`, as a client of the protocol meets it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::fixture::Fixture;

const POLICY: &str = r#"roles:
  default: {}
  dev:
    tools:
      mcp-server-echo: { mode: allow, constraints: [args.n < 10] }
      mcp-files-echo: { mode: allow }
"#;

/// A server in a few lines of shell. It keeps what it is asked to run.
const SERVER: &str = r#"printf '\033[31mhello\n' >&2
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
  case "$line" in
    *'"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}' ;;
    *'"tools/list"'*) result='{"tools":[{"name":"echo","inputSchema":{"type":"object"}},{"name":"rm","inputSchema":{"type":"object"}}]}' ;;
    *'"tools/call"'*) printf '%s\n' "$line" >> calls; result='{"content":[{"type":"text","text":"done"}]}' ;;
    *'"id"'*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}\n' "$id"; continue ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

fn fixture() -> Fixture {
    Fixture::empty()
        .with("policy.yaml", POLICY)
        .with("server.sh", SERVER)
        .with(
            "gateway.yaml",
            "policy: policy.yaml\ncaller: { user: alice, roles: [dev] }\nservers:\n  files: { command: sh, args: [server.sh] }\naudit: audit\n",
        )
}

struct Client {
    child: Child,
    write: ChildStdin,
    read: BufReader<ChildStdout>,
}

impl Client {
    fn new(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            write: child.stdin.take().unwrap(),
            read: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.write, "{message}").unwrap();
    }

    /// The answer. Whatever the program writes is a message.
    fn ask(&mut self, id: u32, method: &str, params: &Value) -> Value {
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let mut line = String::new();
        self.read.read_line(&mut line).unwrap();
        let answer: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    fn open(&mut self) {
        let answer = self.ask(0, "initialize", &json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}));
        assert_eq!(answer["result"]["serverInfo"]["name"], "hexgate-mcp");
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    }

    /// Closes the client's side. The exit code, and what was written to the standard error.
    fn close(self) -> (Option<i32>, String) {
        drop(self.write);
        let output = self.child.wait_with_output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }
}

#[test]
fn a_wrapped_server_is_called_as_the_policy_says() {
    let fixture = fixture();
    let mut command = fixture.hexgate();
    command.args([
        "mcp",
        "wrap",
        "--policy",
        "policy.yaml",
        "--caller",
        "alice",
        "--role",
        "dev",
        "--",
        "sh",
        "server.sh",
    ]);
    let mut client = Client::new(&mut command);
    client.open();
    let listed = client.ask(1, "tools/list", &json!({}));
    assert_eq!(
        listed["result"]["tools"].as_array().unwrap().len(),
        1,
        "{listed}"
    );
    assert_eq!(listed["result"]["tools"][0]["name"], "echo");
    let done = client.ask(
        2,
        "tools/call",
        &json!({"name": "echo", "arguments": {"n": 3, "a": "x"}}),
    );
    assert_eq!(done["result"]["content"][0]["text"], "done", "{done}");
    for (id, params) in [
        (3, json!({"name": "echo", "arguments": {"n": 30}})),
        (4, json!({"name": "rm", "arguments": {}})),
        (5, json!({"name": "none", "arguments": {}})),
    ] {
        let denied = client.ask(id, "tools/call", &params);
        assert_eq!(denied["result"]["isError"], true, "{denied}");
        let text = denied["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("[policy_denied]"), "{text}");
    }
    let (code, said) = client.close();
    assert_eq!(code, Some(0), "{said}");
    // What a server writes to its log steers no terminal.
    assert!(said.contains("[server] \\u{1b}[31mhello"), "{said}");
    let calls = std::fs::read_to_string(fixture.path("calls")).unwrap();
    assert_eq!(calls.lines().count(), 1, "{calls}");
    assert!(calls.contains(r#""arguments":{"n":3,"a":"x"}"#), "{calls}");
}

#[test]
fn a_wrapped_server_whose_pins_are_not_known_does_not_start_where_the_first_use_is_refused() {
    let fixture = fixture();
    let mut command = fixture.hexgate();
    command
        .env("HEXGATE_LOCAL_POLICY", fixture.path("policy.yaml"))
        .args([
            "mcp",
            "wrap",
            "--first-use",
            "refuse",
            "--",
            "sh",
            "server.sh",
        ])
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && said.contains("`--pins`"),
        "{said}"
    );
}

#[test]
fn a_gateway_listens_records_and_ends_when_told() {
    let fixture = fixture();
    let mut command = fixture.hexgate();
    command.args([
        "mcp",
        "run",
        "--config",
        "gateway.yaml",
        "--listen",
        "127.0.0.1:0",
    ]);
    let mut child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = loop {
        let line = said.next().expect("it ended").unwrap();
        if let Some((_, url)) = line.split_once("listening at http://") {
            break url.trim_end_matches("/mcp").to_owned();
        }
    };
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "files-echo", "arguments": {"n": 1}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}}}})
    .to_string();
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: files-echo\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("done"),
        "{answer}"
    );
    let ended = Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(ended.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
    let record: String = std::fs::read_dir(fixture.path("audit"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap_or_default())
        .collect();
    assert!(
        record.contains("mcp-files-echo") && record.contains("alice"),
        "{record}"
    );
}

#[test]
fn what_is_wrong_with_a_configuration_is_said_with_its_line() {
    let fixture = fixture().with(
        "wrong.yaml",
        "servers:\n  files: { command: sh }\npolcy: policy.yaml\n",
    );
    let mut command = fixture.hexgate();
    let output = command
        .args(["mcp", "run", "--config", "wrong.yaml"])
        .output()
        .unwrap();
    let shown = fixture.shown(&output);
    assert!(
        shown.starts_with("exit 2") && shown.contains("polcy") && shown.contains("line 3"),
        "{shown}"
    );
    // Without a policy there is no gateway.
    let mut command = fixture.hexgate();
    let output = command
        .args(["mcp", "wrap", "--", "sh", "server.sh"])
        .output()
        .unwrap();
    let shown = fixture.shown(&output);
    assert!(
        shown.starts_with("exit 2") && shown.contains("has no policy"),
        "{shown}"
    );
}

#[test]
fn a_login_says_why_there_is_none() {
    let fixture = fixture().with(
        "gateway.yaml",
        "servers:\n  files: { command: sh }\n  lost: { url: \"http://127.0.0.1:1/mcp\", authorization: {} }\n",
    );
    for (server, said) in [
        ("other", "has no server `other`; it has `files`, `lost`"),
        ("files", "`files` is no server that a person logs in at"),
        ("lost", "the login at `lost` cannot begin"),
    ] {
        let mut command = fixture.hexgate();
        let login = command.args(["mcp", "login", server, "--config", "gateway.yaml"]);
        let shown = fixture.shown(&login.output().unwrap());
        assert!(
            shown.starts_with("exit 2") && shown.contains(said),
            "{shown}"
        );
    }
    assert!(!fixture.path("tokens").exists());
}
