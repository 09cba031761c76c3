//! `hexgate serve` and the decision point of a gateway, as enforcement points and approvers meet them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use hexgate_test_support::authzen::{self, Came, POLICY};
use serde_json::{Value, json};

use crate::fixture::Fixture;

/// A program that listens, ended with its test.
struct Program {
    child: Child,
    address: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    fn start(fixture: &Fixture, arguments: &[&str]) -> Self {
        let mut child = fixture
            .hexgate()
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = said.next().expect("it ended").unwrap();
            if let Some((_, address)) = line.split_once("deciding at http://") {
                break address.to_owned();
            }
        };
        // What it says later has to go somewhere.
        std::thread::spawn(move || said.for_each(drop));
        Self { child, address }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Came {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let more: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        });
        Came {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }

    fn ask(&self, path: &str, body: &Value) -> Value {
        let json = [("content-type", "application/json")];
        let came = self.send("POST", path, &json, &body.to_string());
        serde_json::from_str(&came.body).unwrap_or_else(|error| panic!("{error}: {came:?}"))
    }

    fn passes_the_scenario(&self) -> usize {
        let base = format!("https://{}", self.address);
        authzen::passes(&base, |step| {
            let kind = step
                .content_type
                .iter()
                .map(|kind| ("content-type", &**kind));
            let id = step.request_id.iter().map(|id| ("x-request-id", &**id));
            let headers: Vec<_> = kind.chain(id).collect();
            self.send(&step.method, &step.path, &headers, &step.body)
        })
    }

    /// Tells it to end, and gives its exit code.
    fn end(mut self) -> Option<i32> {
        let told = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(told.success());
        self.child.wait().unwrap().code()
    }
}

#[test]
fn a_decision_point_passes_the_certification_scenario_and_records_it() {
    let fixture = Fixture::empty().with("policy.yaml", POLICY);
    let program = Program::start(
        &fixture,
        &[
            "serve",
            "--policy",
            "policy.yaml",
            "--listen",
            "127.0.0.1:0",
            "--audit",
            "audit",
        ],
    );
    assert_eq!(program.passes_the_scenario(), 53);
    assert_eq!(program.end(), Some(0));
    let record: String = std::fs::read_dir(fixture.path("audit"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap_or_default())
        .collect();
    assert!(
        record.contains("record:delete") && record.contains("alice"),
        "{record}"
    );
}

/// The same at the decision point of a gateway, whose policy decides about both.
#[test]
fn the_decision_point_of_a_gateway_passes_it_too() {
    let policy =
        format!("{POLICY}      mcp-files-echo: {{ mode: allow, constraints: [args.n < 10] }}\n");
    let fixture = Fixture::empty().with("policy.yaml", policy).with(
        "gateway.yaml",
        "policy: policy.yaml\ncaller: { user: alice }\nlisten: 127.0.0.1:0\nauthzen: { listen: 127.0.0.1:0 }\nservers:\n  files: { command: sh, args: [-c, exit] }\n",
    );
    let program = Program::start(&fixture, &["mcp", "run", "--config", "gateway.yaml"]);
    assert_eq!(program.passes_the_scenario(), 53);
    for (n, expected) in [(9, true), (10, false)] {
        let body = json!({
            "subject": {"type": "user", "id": "zoe"},
            "action": {"name": "tools/call"},
            "resource": {"type": "mcp-tool", "id": "mcp-files-echo", "properties": {"arguments": {"n": n}}},
        });
        let answer = program.ask("/access/v1/evaluation", &body);
        assert_eq!(answer["decision"], expected, "{answer}");
    }
    assert_eq!(program.end(), Some(0));
}

#[test]
fn a_denial_is_requested_approved_at_a_terminal_and_allowed_once() {
    let fixture = Fixture::empty().with(
        "policy.yaml",
        r#"roles:
  default: {}
  clerk:
    tools:
      "invoice:pay": { mode: approval_required, approval: { roles: [finance] } }
"#,
    );
    fixture.quiet("keygen --out carol");
    let key = std::fs::read_to_string(fixture.path("carol.public")).unwrap();
    let approvers = json!({"version": 1, "approvers": [{"id": "carol", "keys": [key.trim()], "roles": ["finance"]}]});
    let fixture = fixture.with("approvers.json", approvers.to_string());
    let program = Program::start(
        &fixture,
        &[
            "serve",
            "--policy",
            "policy.yaml",
            "--listen",
            "127.0.0.1:0",
            "--approvals",
            "approvals.db",
            "--approvers",
            "approvers.json",
            "--approver-role",
            "finance",
        ],
    );
    let evaluation = "/access/v1/evaluation";
    let mut body = json!({
        "subject": {"type": "user", "id": "ann", "properties": {"roles": ["clerk"]}},
        "action": {"name": "pay", "properties": {"amount": 700}},
        "resource": {"type": "invoice", "id": "i-7"},
    });
    let denied = program.ask(evaluation, &body);
    let request = &denied["context"]["access_request"];
    let mut submission = body.clone();
    submission["denial"] =
        json!({"binding_token": request["binding_token"], "expires_at": request["expires_at"]});
    let task = program.ask("/access/v1/requests", &submission)["task"].clone();
    assert_eq!(task["status"], "pending", "{task}");
    let id = task["id"].as_str().unwrap();

    // The approver sees what is asked, and by whom.
    let approvals = |arguments: &[&str]| {
        let mut command = fixture.hexgate();
        command.arg("approvals").args(arguments);
        command.args(["--db", "approvals.db", "--approvers", "approvers.json"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", fixture.shown(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = approvals(&["show", id]);
    for part in ["invoice:pay", "ann", "i-7", "700", "local"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    approvals(&[
        "approve",
        id,
        "--key",
        "carol.private",
        "--reason",
        "as agreed",
    ]);
    let came = program.send("GET", &format!("/access/v1/requests/{id}"), &[], "");
    let came: Value = serde_json::from_str(&came.body).unwrap();
    assert_eq!(came["task"]["status"], "approved", "{came}");

    body["context"] = json!({"approval": came["result"]["approval"]});
    let mut other = body.clone();
    other["action"]["properties"]["amount"] = json!(7000);
    assert_eq!(program.ask(evaluation, &other)["decision"], false);
    assert_eq!(program.ask(evaluation, &body)["decision"], true);
    assert_eq!(program.ask(evaluation, &body)["decision"], false);
    assert_eq!(program.end(), Some(0));
}

#[test]
fn what_would_be_open_to_everybody_or_is_incomplete_does_not_start() {
    let fixture = Fixture::empty()
        .with("policy.yaml", "roles: {default: {}}")
        .with("clients.json", r#"{"version": 1, "clients": []}"#);
    for (arguments, said) in [
        (
            &["--policy", "policy.yaml", "--listen", "0.0.0.0:0"][..],
            "can be reached from other machines",
        ),
        (
            &["--policy", "policy.yaml", "--clients", "clients.json"][..],
            "names no client",
        ),
        (
            &["--policy", "policy.yaml", "--url", "http://pdp.example.com"][..],
            "`http` is for loopback alone",
        ),
        (
            &["--policy", "policy.yaml", "--approvals", "a.db"][..],
            "--approvers",
        ),
        (
            &["--policy", "policy.yaml", "--approvers", "a.json"][..],
            "--approvals",
        ),
        (&["--policy", "missing.yaml"][..], "missing.yaml"),
        (&[][..], "has no policy"),
    ] {
        let output = fixture
            .hexgate()
            .arg("serve")
            .args(arguments)
            .output()
            .unwrap();
        let shown = fixture.shown(&output);
        assert!(
            shown.starts_with("exit 2") && shown.contains(said),
            "{arguments:?}: {shown}"
        );
    }
}
