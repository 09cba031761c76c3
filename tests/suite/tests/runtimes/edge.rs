//! A policy as a decision point over HTTP, served by runtimes that are not ours: `jco serve`, and wasmtime with its own `wasi:http`.
//!
//! What the handler answers to what is tested beside it, with a policy in the same process; here are the runtimes, over a socket.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use hexgate_tests::{engines, vectors};
use serde_json::{Value, json};

use crate::{fresh, programs, tool};

/// How long a server may take to listen, and to answer.
const PATIENCE: Duration = Duration::from_secs(120);

const EVALUATION: &str = "/access/v1/evaluation";
const REST: &str = "/v1/data/hexgate/policy/decision";

/// A server, ended with its test.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// The runtimes that are set up, serving a component.
    fn all(component: &Path) -> Vec<(&'static str, Self)> {
        let mut servers = Vec::new();
        if let Some(edge) = tool("HEXGATE_EDGE", "the server of examples/edge") {
            let mut command = Command::new(edge);
            command.arg(component).args(["--address", "127.0.0.1:0"]);
            servers.push(("wasmtime", Self::start(command, None)));
        }
        if let Some(programs) = programs() {
            let port = free_port();
            let mut command = Command::new("node");
            command
                .arg(programs.join("node_modules/@bytecodealliance/jco/dist/jco.js"))
                .arg("serve")
                .arg(component)
                .args(["--host", "127.0.0.1", "--port", &port.to_string()]);
            servers.push(("jco serve", Self::start(command, Some(port))));
        }
        servers
    }

    /// Starts a server that says where it listens, or listens where it was told to.
    fn start(mut command: Command, port: Option<u16>) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self {
            child,
            address: String::new(),
        };
        match port {
            None => {
                let mut line = String::new();
                said.read_line(&mut line).unwrap();
                let address = line.trim().strip_prefix("listening on http://");
                server.address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
            }
            Some(port) => {
                server.address = format!("127.0.0.1:{port}");
                let start = Instant::now();
                while TcpStream::connect(&server.address).is_err() {
                    let ended = server.child.try_wait().unwrap();
                    assert!(ended.is_none(), "{command:?} ended with {ended:?}");
                    assert!(start.elapsed() < PATIENCE, "{command:?} does not listen");
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        server
    }

    /// Sends a request on a connection of its own: head and body as they are.
    fn send(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "{head}\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A server may refuse before it has read everything.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Answer::parse(&answer)
    }

    fn post(&self, path: &str, body: &str) -> Answer {
        let head = format!("POST {path} HTTP/1.1\r\ncontent-type: application/json");
        self.send(&head, body.as_bytes())
    }
}

/// A port that nobody has at the moment.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {text:?}"));
        let head = head.to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let chunked = head.contains("transfer-encoding: chunked");
        let body = if chunked {
            unchunked(body)
        } else {
            body.to_owned()
        };
        Self { status, head, body }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A body in chunks: each behind its length. What is sent here is ASCII.
fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, more)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        body.push_str(&more[..length]);
        rest = more[length..].trim_start_matches("\r\n");
    }
    body
}

/// The policy in a folder, as a decision point.
fn composed(folder: &Path, policy: &str) -> PathBuf {
    let compiled = engines::compile(policy).unwrap();
    let component = folder.join("policy.http.wasm");
    fs::write(
        &component,
        hexgate_compiler::http::compose(&compiled.component).unwrap(),
    )
    .unwrap();
    component
}

const QUESTION: &str = r#"{"subject":{"type":"user","id":"ann","properties":{"roles":["billing"]}},"action":{"name":"call"},"resource":{"type":"tool","id":"refund_order","properties":{"arguments":{"amount": 200, "currency": "USD"}}}}"#;

#[test]
fn runtimes_serve_a_policy_and_never_an_allow_to_what_is_refused() {
    let folder = fresh("edge");
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies/billing.yaml");
    let component = composed(&folder, &fs::read_to_string(policy).unwrap());
    for (runtime, server) in Server::all(&component) {
        let allowed = server.send(
            "POST /access/v1/evaluation HTTP/1.1\r\ncontent-type: application/json\r\nx-request-id: 7-a",
            QUESTION.as_bytes(),
        );
        assert_eq!(allowed.status, 200, "{runtime}: {allowed:?}");
        assert_eq!(
            allowed.json(),
            json!({"decision": true, "context": {"outcome": "allow", "role": "billing", "scope": null}}),
            "{runtime}"
        );
        for header in [
            "content-type: application/json",
            "cache-control: no-store",
            "x-request-id: 7-a",
        ] {
            assert!(allowed.head.contains(header), "{runtime}: {}", allowed.head);
        }
        for (from, to) in [
            ("200", "9007199254740993"),
            (r#"["billing"]"#, "[]"),
            ("refund_order", "delete_everything"),
        ] {
            let denied = server.post(EVALUATION, &QUESTION.replace(from, to));
            assert_eq!(denied.status, 200, "{runtime}: {denied:?}");
            assert_eq!(denied.json()["decision"], false, "{runtime} {to}");
        }
        let several = QUESTION.replacen(
            '{',
            r#"{"evaluations": [{}, {"action": {"name": "read"}}], "#,
            1,
        );
        let several = server.post("/access/v1/evaluations", &several).json();
        assert_eq!(several["evaluations"][0]["decision"], true, "{runtime}");
        assert_eq!(several["evaluations"][1]["decision"], false, "{runtime}");
        let rest = server.post(
            REST,
            r#"{"input": {"role": "billing", "tool": "wire_transfer", "args": {"amount": 1, "currency": "USD", "recipient": "x"}}}"#,
        );
        assert_eq!(
            rest.json()["result"]["requires_approval"],
            true,
            "{runtime}: {rest:?}"
        );
        assert_eq!(rest.json()["result"]["allow"], false, "{runtime}");

        let large = format!("{QUESTION}{}", " ".repeat(3 << 20));
        for (head, body, status) in [
            (
                "POST /access/v1/evaluation HTTP/1.1\r\ncontent-type: application/json",
                "{",
                400,
            ),
            (
                "POST /access/v1/evaluation HTTP/1.1\r\ncontent-type: application/json",
                "",
                400,
            ),
            (
                "POST /access/v1/evaluation HTTP/1.1\r\ncontent-type: text/plain",
                QUESTION,
                415,
            ),
            ("POST /access/v1/evaluation HTTP/1.1", QUESTION, 415),
            (
                "POST /access/v1/evaluation HTTP/1.1\r\ncontent-type: application/json\r\ncontent-encoding: gzip",
                QUESTION,
                415,
            ),
            (
                "POST /access/v1/evaluation HTTP/1.1\r\ncontent-type: application/json",
                large.as_str(),
                413,
            ),
            (
                "PUT /access/v1/evaluation HTTP/1.1\r\ncontent-type: application/json",
                QUESTION,
                405,
            ),
            (
                "POST /access/v2/evaluation HTTP/1.1\r\ncontent-type: application/json",
                QUESTION,
                404,
            ),
        ] {
            let refused = server.send(head, body.as_bytes());
            assert_eq!(
                refused.status, status,
                "{runtime}: {head}: {}",
                refused.head
            );
            assert!(
                refused
                    .head
                    .contains("content-type: application/problem+json"),
                "{runtime}: {refused:?}"
            );
            assert_eq!(refused.json()["status"], status, "{runtime}");
        }
        // It still serves.
        assert_eq!(
            server.post(EVALUATION, QUESTION).json()["decision"],
            true,
            "{runtime}"
        );
    }
}

/// The calls of the vectors' most frequent policy, through the handler, one after the other.
#[test]
fn runtimes_decide_vectors_over_http() {
    let folder = fresh("edge-vectors");
    let all = vectors::all().unwrap();
    let mut counts = std::collections::BTreeMap::new();
    for vector in &all {
        *counts.entry(vector.case.policy.to_string()).or_insert(0) += 1;
    }
    let (policy, count) = counts.into_iter().max_by_key(|(_, count)| *count).unwrap();
    assert!(count >= 20, "only {count} vectors of one policy");
    let component = composed(&folder, &policy);
    let compiled = engines::compile(&policy).unwrap();
    let mut reference = engines::Reference::open(&compiled).unwrap();
    let calls: Vec<_> = all
        .iter()
        .filter(|vector| {
            vector.case.policy.to_string() == policy && vector.case.call.facts.is_none()
        })
        .map(|vector| (&vector.id, &vector.case.call))
        .collect();
    for (runtime, server) in Server::all(&component) {
        for (id, call) in &calls {
            let body = format!(
                r#"{{"input": {{"roles": {}, "tool": {}, "args": {}}}}}"#,
                json!(call.roles),
                json!(call.tool),
                call.args
            );
            let answer = server.post(REST, &body);
            use hexgate_tests::case::Answer::{
                Allow, Broken, Deny, Exceeded, Malformed, NeedsApproval,
            };
            // The body's own two levels count: what is nested as deeply as a policy accepts is refused here, and not decided.
            let brackets = call.args.matches(['{', '[']).count();
            if brackets > 62 && answer.status == 400 {
                continue;
            }
            match reference.answer(call) {
                Allow(_) => assert_eq!(answer.json()["result"]["allow"], true, "{runtime} {id}"),
                NeedsApproval(_) => {
                    assert_eq!(
                        answer.json()["result"]["requires_approval"],
                        true,
                        "{runtime} {id}"
                    );
                    assert_eq!(answer.json()["result"]["allow"], false, "{runtime} {id}");
                }
                Deny(denial) => {
                    let result = &answer.json()["result"];
                    assert_eq!(result["allow"], false, "{runtime} {id}");
                    assert_eq!(result["requires_approval"], false, "{runtime} {id}");
                    assert_eq!(result["reason"], denial.reason, "{runtime} {id}");
                    assert_eq!(
                        result["violations"],
                        json!(denial.violations),
                        "{runtime} {id}"
                    );
                }
                Malformed(_) | Exceeded(_) => assert_eq!(answer.status, 400, "{runtime} {id}"),
                Broken(what) => panic!("{id}: {what}"),
            }
        }
    }
}
