//! The decision point of a host answers what the component for edge runtimes answers, byte for byte.

use std::fs;
use std::path::Path;

use hexgate_compiler::Compiler;
use hexgate_contract::{ApprovalTerms, Error, FileScope, Request, Verdict};
use hexgate_eval::{Plan, Workspace};
use hexgate_http::{Policy, Received, respond};

use crate::world::{Served, World};

/// The evaluator in this process, asked as the component asks it.
struct Native<'p>(Plan<'p>, Workspace);

impl Policy for Native<'_> {
    fn decide(&mut self, request: &Request<'_>) -> Result<Verdict, Error> {
        self.1
            .decide(&self.0, request)
            .map_err(|error| error.map(str::to_owned))
    }

    fn scope(&mut self, id: u32) -> Option<FileScope> {
        self.0.scope(id).ok()?
    }

    fn terms(&mut self, id: u32) -> Option<ApprovalTerms> {
        self.0.terms(id).ok()?
    }
}

const POLICY: &str = r#"
roles:
  default: { tools: { "record:read": { mode: allow, constraints: [args.resource.properties.level < 5] } } }
  support:
    tools:
      refund:
        mode: allow
        message: Ask your lead about larger refunds.
        constraints: ['only(args, ["amount"])', args.amount > 0, args.amount <= 9007199254740992, 'ctx.place == "here"']
      close: { mode: approval_required, approval: { roles: [lead], approvers: 2, reason: required, expires: "1h" } }
      grep: { mode: allow, file_scope: { allowed_paths: ["src/**"], denied_paths: ["*.key"] } }
"#;

fn bodies() -> Vec<String> {
    let call = |tool: &str, arguments: &str| {
        format!(
            r#"{{"subject":{{"type":"user","id":"ann","properties":{{"roles":["x","support"]}}}},"action":{{"name":"call"}},"resource":{{"type":"tool","id":"{tool}","properties":{{"arguments":{arguments}}}}},"context":{{"place":"here", "n": 1.50}}}}"#
        )
    };
    let record = |properties: &str| {
        format!(
            r#"{{"subject":{{"id":"bob","type":"user"}},"action":{{"name":"read"}},"resource":{{"id":"r","type":"record","properties":{properties}}}}}"#
        )
    };
    let mut bodies = vec![
        call("refund", r#"{"amount": 12}"#),
        call("refund", r#"{"amount": 9007199254740993}"#),
        call("refund", r#"{"amount": 1e2, "more": {"}": "\""}}"#),
        call("refund", r#"{"amount": 12, "amount": 13}"#),
        call("refund", r#"{"a": "\ud800"}"#),
        call("refund", r#"{"amount": "12"}"#),
        call("refund", "12"),
        call("close", "{}"),
        call("grep", r#"{"path": "src/a"}"#),
        call("grep", r#"{"path": "/etc"}"#),
        call("unknown", "{}"),
        call("a\\nb", "{}"),
        call(&"n".repeat(300), "{}"),
        record(r#"{"level": 4.99999999999999999999}"#),
        record(r#"{"level": 5.00000000000000000001}"#),
        record("{}"),
        record("[]"),
        String::new(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"subject":{"type":"user","id":7},"action":{"name":"call"},"resource":{"type":"tool","id":"x"}}"#
            .to_owned(),
    ];
    let many: Vec<String> = (0..33).map(|number| format!("\"r{number}\"")).collect();
    bodies.push(call("close", "{}").replace(r#""x","support""#, &many.join(",")));
    let all: Vec<&str> = bodies.iter().take(11).map(String::as_str).collect();
    bodies.push(format!(r#"{{"evaluations":[{}]}}"#, all.join(",")));
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_answers_as_the_component_does() {
    let world = World::with(POLICY);
    let served = Served::start(world.point().build().unwrap()).await;
    let outcome = Compiler::default().compile_str("p.yaml", POLICY);
    let compiled = outcome.policy.unwrap();
    let mut statuses = std::collections::BTreeMap::new();
    for body in bodies() {
        for path in ["/access/v1/evaluation", "/access/v1/evaluations"] {
            let received = Received {
                method: "POST",
                path,
                authority: None,
                content_types: &[b"application/json"],
                encoded: false,
            };
            let mut native = Native(Plan::open(&compiled.plan).unwrap(), Workspace::new());
            let expected = respond(&received, || Ok(body.clone().into_bytes()), &mut native);
            let came = served.post(path, &body).await;
            // A host refuses too many roles before the policy does, in its own words.
            if body.contains("r32") {
                assert_eq!((came.status, expected.status), (400, 400), "{came:?}");
                continue;
            }
            assert_eq!(
                (came.status, came.text.as_str()),
                (expected.status, expected.body.as_str()),
                "{body}"
            );
            assert_eq!(came.headers["content-type"], expected.content_type);
            assert_eq!(came.headers["cache-control"], "no-store");
            *statuses.entry(came.status).or_insert(0) += 1;
        }
    }
    // Nothing was compared if this is not so.
    assert!(statuses[&200] > 20 && statuses[&400] > 10, "{statuses:?}");
}

/// The policies of the examples, and a call that each one knows.
#[tokio::test(flavor = "multi_thread")]
async fn examples_are_answered_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies");
    let text = fs::read_to_string(folder.join("billing.yaml")).unwrap();
    let world = World::with(&text);
    let served = Served::start(world.point().build().unwrap()).await;
    let body = serde_json::json!({
        "subject": {"type": "user", "id": "ann", "properties": {"roles": ["billing"]}},
        "action": {"name": "tools/call"},
        "resource": {"type": "mcp-tool", "id": "refund_order",
            "properties": {"arguments": {"amount": 200, "currency": "USD"}}},
    });
    let answer = served.evaluate(&body).await;
    assert_eq!(
        answer,
        serde_json::json!({"decision": true, "context": {"outcome": "allow", "role": "billing", "scope": null}})
    );
}
