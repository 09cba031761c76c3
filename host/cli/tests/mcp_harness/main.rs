//! `agent-security-harness`, the security tests of others, against the real gateway with a policy, pins and callers that tokens name, in
//! front of a real server. `tests/mcp-harness/expected.json` says what each of its tests finds, and why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    reason = "a panic is how a test fails"
)]

mod expected;
mod gateway;
mod issuer;
mod server;

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use gateway::World;
use issuer::{ISSUER, Issuer, RESOURCE};

/// People, by their addresses.
const ALICE: &str = "https://people.example/alice/";
const MALLORY: &str = "https://people.example/mallory/";

/// The interpreter that has the harness. None: it is not installed, and that was said.
fn python() -> Option<PathBuf> {
    let found = std::env::var_os("HEXGATE_MCP_HARNESS");
    if found.is_none() {
        hexgate_test_support::skipped("HEXGATE_MCP_HARNESS names no interpreter with the harness");
    }
    found.map(PathBuf::from)
}

/// A gateway for callers with tokens, and the tokens.
struct Identified {
    world: World,
    alice: String,
    mallory: String,
    /// Of an issuer whom the gateway does not know.
    foreign: String,
    /// For another resource.
    misused: String,
}

impl Identified {
    async fn new(more: Value) -> Self {
        let known = Issuer::new(ISSUER);
        let other = Issuer::new("https://login.other.example");
        let mut config = json!({"identity": {"resource": RESOURCE, "issuers": [{
            "issuer": ISSUER,
            "jwks": known.publish().await,
            "algorithms": ["ES256"],
            "roles": {"claim": "roles"},
            "dangerous_http_on_loopback": true,
        }]}});
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        Self {
            world: World::new(&config),
            alice: known.header(ALICE, RESOURCE),
            mallory: known.header(MALLORY, RESOURCE),
            foreign: other.header(ALICE, RESOURCE),
            misused: known.header(ALICE, "https://other.example/mcp"),
        }
    }
}

/// Runs a suite of the harness, which ends with a report.
fn run(python: &std::path::Path, world: &World, arguments: &[&str]) -> PathBuf {
    let report = world.path("report.json");
    let output = Command::new(python)
        .args(["-m", "protocol_tests.cli", "test"])
        .args(arguments)
        .arg("--report")
        .arg(&report)
        .current_dir(world.path(""))
        // It tells nobody that it ran.
        .env("AGENT_SECURITY_TELEMETRY", "off")
        .output()
        .unwrap();
    assert!(
        report.exists(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    report
}

/// A call as the harness wants it, of a client that can ask its user.
fn call(tool: &str, arguments: &Value) -> String {
    let meta = json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}});
    json!({"method": "tools/call", "params": {"name": tool, "arguments": arguments, "_meta": meta}})
        .to_string()
}

fn with(request: &str, name: &str, value: &str) -> String {
    let mut request: Value = serde_json::from_str(request).unwrap();
    request[name] = json!(value);
    request.to_string()
}

async fn over_http(suite: &str, version: &str) {
    let Some(python) = python() else { return };
    let it = Identified::new(json!({})).await;
    let listening = it.world.listen();
    let pay = call("desk-pay", &json!({"to": "bob", "amount": "5"}));
    let altered = call("desk-pay", &json!({"to": "bob", "amount": "500"}));
    let note = with(
        &call("desk-add_note", &json!({"owner": ALICE, "text": "mine"})),
        "handlePath",
        "result.structuredContent.uri",
    );
    let read = json!({"method": "resources/read", "params": {"uri": "$HANDLE"}}).to_string();
    let list = json!({"method": "tools/list", "params": {}}).to_string();
    let retire = call("desk-retire", &json!({}));
    let yes = json!({"approval": {"action": "accept", "content": {"approve": true}}}).to_string();
    let uri = format!("{ALICE}notes/1");
    let mut arguments = vec!["mcp", "--transport", "http", "--url", &listening.url];
    arguments.extend(["--header", &it.alice]);
    if version != "2025-03-26" {
        arguments.extend(["--protocol-version", version]);
    }
    arguments.extend(["--mrtr-probe", &pay, "--mrtr-altered-probe", &altered]);
    arguments.extend(["--mrtr-input-responses", &yes]);
    arguments.extend(["--mrtr-attacker-header", &it.mallory]);
    arguments.extend(["--handle-create", &note, "--handle-access", &read]);
    arguments.extend(["--handle-attacker-header", &it.mallory]);
    arguments.extend(["--cache-invalidation", &retire, "--cache-verify", &list]);
    arguments.extend(["--cache-forbidden-tool", "desk-old_report"]);
    arguments.extend(["--cache-resource-uri", &uri]);
    arguments.extend(["--issuer-probe", &list]);
    arguments.extend(["--issuer-attacker-header", &it.foreign]);
    arguments.extend(["--audience-attacker-header", &it.misused]);
    let report = run(&python, &it.world, &arguments);
    expected::compare(suite, &report);
    // One continuation was completed, with a yes, and it ran once.
    let completed = usize::from(version == "2026-07-28");
    assert_eq!(it.world.ran("pay"), completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_over_http_with_the_newest_version() {
    over_http("mcp, HTTP, 2026-07-28", "2026-07-28").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_over_http_with_sessions() {
    over_http("mcp, HTTP, 2025-03-26", "2025-03-26").await;
}

#[test]
fn the_gateway_at_the_standard_streams() {
    let Some(python) = python() else { return };
    let world = World::new(&json!({"caller": {"user": ALICE, "roles": ["member"]}}));
    let command = world.command();
    let report = run(
        &python,
        &world,
        &["mcp", "--transport", "stdio", "--command", &command],
    );
    expected::compare("mcp, stdio", &report);
}

#[tokio::test(flavor = "multi_thread")]
async fn legitimate_requests_are_not_refused() {
    let Some(python) = python() else { return };
    let it = Identified::new(json!({"names": "plain"})).await;
    let listening = it.world.listen();
    // It opens no session itself.
    let session = format!("Mcp-Session-Id:{}", listening.session(&it.alice));
    let mut arguments = vec!["over-refusal", "--url", &listening.url];
    arguments.extend(["--header", &it.alice]);
    // "The client MUST include an `Accept` header, listing both" (transports).
    arguments.extend(["--header", "Accept:application/json, text/event-stream"]);
    arguments.extend(["--header", &session]);
    let report = run(&python, &it.world, &arguments);
    expected::compare("over-refusal", &report);
    // They were not only let in.
    assert!(it.world.ran("get_weather") > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_for_one_run_of_one_call() {
    let Some(python) = python() else { return };
    let world = World::new(&json!({
        "caller": {"user": ALICE, "roles": ["member"]},
        "approvals": {"database": "approvals.db", "approvers": "approvers.json", "roles": ["lead"]},
    }));
    world.approver("carol");
    let listening = world.listen();
    let report = world.path("report.json");
    let output = Command::new(python)
        .arg(expected::folder().join("approval_binding.py"))
        .args([&listening.url, gateway::HEXGATE])
        .arg(world.path(""))
        .arg(&report)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    expected::compare("approval-binding", &report);
    // Each of the calls that were to run did: X of the first test, two controls and one of the second, the allowed one of the third.
    assert_eq!(world.ran("write_file"), 5, "{said}");
}
