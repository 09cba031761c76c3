//! Policies that are not of the known engine as decision points, compiled by `hexgate-compile` as users call it and served by runtimes
//! that are not ours: a policy in Rust that means harm, one that tries to remember, and one in Rego.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::{
    binary, fresh,
    guests::{asked, hostile, remembers},
    printed,
    server::{Answer, Server},
};
use hexgate_tests::http::{EVALUATIONS, REST};

const HEAD: &str =
    "POST /v1/data/hexgate/policy/decision HTTP/1.1\r\ncontent-type: application/json";

/// How long a policy that gives no answer is waited for, where nothing ends it.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

fn question(tool: &str, arguments: &Value) -> String {
    json!({"input": {"tool": tool, "args": arguments}}).to_string()
}

fn ask(server: &Server, tool: &str) -> Answer {
    server.post(REST, &question(tool, &json!({})))
}

fn allows(answer: &Answer) -> bool {
    answer.status == 200 && answer.json()["result"]["allow"] == true
}

/// A status of its own with a problem document: never a decision.
fn is_broken(answer: &Answer) -> bool {
    answer.status == 500
        && answer
            .head
            .contains("content-type: application/problem+json")
        && answer.json()["status"] == 500
        && answer.json().get("result").is_none()
}

#[test]
fn wasmtime_answers_whatever_a_policy_does_within_its_limits() {
    let Some(folder) = hostile() else { return };
    let component = folder.join("hostile.http.wasm");
    let options = ["--deadline", "2", "--requests", "2"];
    let Some(server) = Server::wasmtime(&component, &options) else {
        return;
    };
    assert!(allows(&ask(&server, "honest")));
    for (tool, said) in [
        ("trap", "the decision point failed"),
        ("panic", "the decision point failed"),
        ("index", "the decision point failed"),
        ("grow", "the decision point failed"),
        ("recurse", "the decision point failed"),
        ("invalid text", "the decision point failed"),
        (
            "loop",
            "the decision point gave no answer within its deadline",
        ),
        (
            "huge reason",
            "the policy answered with more than 1048576 bytes of text",
        ),
    ] {
        let answer = ask(&server, tool);
        assert!(is_broken(&answer), "{tool}: {answer:?}");
        assert_eq!(answer.json()["detail"], said, "{tool}");
        // The next request has an instance of its own.
        assert!(allows(&ask(&server, "honest")), "after {tool}");
    }
    assert_eq!(ask(&server, "else").json()["result"]["allow"], false);
    // Among several evaluations one that traps takes all with it.
    let one = |tool: &str| {
        json!({"subject": {"type": "user", "id": "ann"}, "action": {"name": "call"},
            "resource": {"type": "tool", "id": tool}})
    };
    let several = json!({"evaluations": [one("honest"), one("panic"), one("honest")]});
    let answer = server.post(EVALUATIONS, &several.to_string());
    assert!(is_broken(&answer), "{answer:?}");

    // While a policy loops others are answered, and when as many loop as may be answered at once, whoever waits is told in time.
    std::thread::scope(|scope| {
        let looping = || ask(&server, "loop");
        let first = scope.spawn(looping);
        assert!(allows(&ask(&server, "honest")));
        assert!(is_broken(&first.join().unwrap()));
        let both = [scope.spawn(looping), scope.spawn(looping)];
        let waiting = ask(&server, "honest");
        assert!(allows(&waiting) || waiting.status == 503, "{waiting:?}");
        for answer in both {
            let answer = answer.join().unwrap();
            assert!(is_broken(&answer) || answer.status == 503, "{answer:?}");
        }
    });
    assert!(allows(&ask(&server, "honest")));
    // Whoever sends no more is not waited for either.
    let half =
        format!("{HEAD}\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 99\r\n\r\n{{");
    let answer = server.raw(half.as_bytes(), Duration::from_secs(60));
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(
        answer.ends_with(r#""detail":"the decision point gave no answer within its deadline"}"#),
        "{answer}"
    );
    // Whoever goes away takes the decision along.
    for _ in 0..8 {
        server.exchange(
            HEAD,
            question("loop", &json!({})).as_bytes(),
            Duration::from_millis(50),
        );
    }
    assert!(allows(&ask(&server, "honest")));
}

/// `jco serve` ends with a trap, and nothing in JavaScript ends a loop: no answer is no permission either. In workers of its own
/// (`--isolate-requests worker`) a trap is an answer, and the next request is answered.
#[test]
fn jco_never_answers_an_allow_for_a_policy_that_misbehaves() {
    let Some(folder) = hostile() else { return };
    let component = folder.join("hostile.http.wasm");
    for tool in ["trap", "panic", "recurse", "loop"] {
        let Some(server) = Server::jco(&component, &["--isolate-requests", "instance"]) else {
            return;
        };
        assert!(allows(&ask(&server, "honest")));
        let body = question(tool, &json!({}));
        let answer = server.exchange(HEAD, body.as_bytes(), LONG_ENOUGH);
        assert!(
            answer.is_empty(),
            "{tool}: {}",
            String::from_utf8_lossy(&answer)
        );
        let after = question("honest", &json!({}));
        let after = server.exchange(HEAD, after.as_bytes(), LONG_ENOUGH);
        assert!(
            after.is_empty(),
            "{tool}: {}",
            String::from_utf8_lossy(&after)
        );
    }
    // What is no trap in JavaScript the handler finds; an instance that answered so is not asked again where each has its own, and
    // refuses where all share one.
    for (options, after) in [
        (&["--isolate-requests", "instance"][..], true),
        (&[][..], false),
    ] {
        for (tool, said) in [
            (
                "huge reason",
                "the policy answered with more than 1048576 bytes of text",
            ),
            ("invalid text", "the policy answered with invalid text"),
        ] {
            let server = Server::jco(&component, options).unwrap();
            let answer = ask(&server, tool);
            assert!(is_broken(&answer), "{tool}: {answer:?}");
            assert_eq!(answer.json()["detail"], said);
            let next = ask(&server, "honest");
            assert_eq!(allows(&next), after, "{tool}: {next:?}");
            assert!(after || is_broken(&next), "{tool}: {next:?}");
        }
    }
    let workers = [
        "--isolate-requests",
        "worker",
        "--isolate-worker-pool-size",
        "2",
    ];
    let server = Server::jco(&component, &workers).unwrap();
    for tool in ["trap", "panic", "recurse"] {
        let body = question(tool, &json!({}));
        let answer = server.exchange(HEAD, body.as_bytes(), LONG_ENOUGH);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 502 "), "{tool}: {answer}");
        assert!(allows(&ask(&server, "honest")), "after {tool}");
    }
}

/// Each request has an instance of its own, so a policy in Rust learns nothing of the one before: the second caller is allowed like
/// the first. Where all share one it does, which is why `docs/edge.md` says how to serve such a policy.
#[test]
fn a_policy_in_rust_remembers_nothing_where_each_request_has_its_own_instance() {
    let Some(folder) = remembers() else {
        return;
    };
    let component = folder.join("remembers.http.wasm");
    let ask = |server: &Server, tool: &str, secret: &str| {
        let answer = server.post(REST, &question(tool, &json!({"secret": secret})));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["result"]["allow"] == true
    };
    let isolated = [
        Server::wasmtime(&component, &[]),
        Server::jco(&component, &["--isolate-requests", "instance"]),
    ];
    for server in isolated.into_iter().flatten() {
        for tool in ["static", "heap", "memory"] {
            assert!(
                ask(&server, tool, "one") && ask(&server, tool, "two"),
                "{tool}"
            );
        }
    }
    if let Some(shared) = Server::jco(&component, &[]) {
        assert!(ask(&shared, "static", "one") && !ask(&shared, "static", "two"));
    }
}

const REGO: &str = r#"package hexgate.policy

default decision := {"allow": false, "requires_approval": false, "violations": ["no rule matches"]}

decision := {"allow": true, "requires_approval": false, "violations": []} if {
	input.role == "billing"
	input.tool == "refund_order"
	input.args.amount <= data.most
}

decision := {"allow": false, "requires_approval": true, "violations": []} if {
	input.role == "billing"
	input.tool == "wire_transfer"
}
"#;

/// A policy in Rego, and the billing policy by way of OPA.
#[test]
fn policies_by_way_of_opa_are_served() {
    let found = hexgate_compiler::opa::Opa::find();
    let absent = |error: &_| matches!(error, hexgate_compiler::opa::OpaError::NotFound);
    let reason = "there is no `opa`; run `cargo xtask setup opa`";
    if hexgate_test_support::tool(found, absent, reason).is_none() {
        return;
    }
    let folder = fresh("edge-rego");
    fs::write(folder.join("own.rego"), REGO).unwrap();
    fs::write(folder.join("data.json"), r#"{"most": 500}"#).unwrap();
    let billing =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies/billing.yaml");
    fs::copy(billing, folder.join("billing.yaml")).unwrap();
    for arguments in [
        &["own.rego", "--data", "data.json"][..],
        &["billing.yaml", "--engine", "rego"],
    ] {
        let mut compile = Command::new(binary("hexgate-compile"));
        compile
            .args(arguments)
            .args(["--target", "http"])
            .current_dir(&folder);
        printed(&mut compile);
        let mut compile = Command::new(binary("hexgate-compile"));
        compile
            .args(arguments)
            .args(["--emit", "js"])
            .current_dir(&folder);
        printed(&mut compile);
    }
    let ask = |server: &Server, role: &str, tool: &str, arguments: &str| {
        let body =
            format!(r#"{{"input": {{"role": "{role}", "tool": "{tool}", "args": {arguments}}}}}"#);
        let answer = server.post(REST, &body);
        match answer.status {
            200 => {
                let result = answer.json()["result"].clone();
                match (&result["allow"], &result["requires_approval"]) {
                    (Value::Bool(true), _) => "allow",
                    (_, Value::Bool(true)) => "needs approval",
                    _ => "deny",
                }
            }
            400 => "refused",
            other => panic!("status {other}"),
        }
    };
    let wire = r#"{"amount": 900, "currency": "USD", "recipient": "ACME"}"#;
    let calls = [
        (
            "billing",
            "refund_order",
            r#"{"amount": 200, "currency": "USD"}"#,
            "allow",
        ),
        (
            "billing",
            "refund_order",
            r#"{"amount": 501, "currency": "USD"}"#,
            "deny",
        ),
        ("billing", "wire_transfer", wire, "needs approval"),
        (
            "nobody",
            "refund_order",
            r#"{"amount": 200, "currency": "USD"}"#,
            "deny",
        ),
        (
            "billing",
            "refund_order",
            r#"{"amount": 1, "amount": 900}"#,
            "refused",
        ),
        ("billing", "refund_order", r#"{"amount": "#, "refused"),
    ];
    for name in ["own", "billing"] {
        for (runtime, server) in Server::all(&folder.join(format!("{name}.http.wasm"))) {
            for (role, tool, arguments, expected) in calls {
                let answer = ask(&server, role, tool, arguments);
                assert_eq!(
                    answer, expected,
                    "{name}, {runtime}: {role} {tool} {arguments}"
                );
            }
        }
        // The same as an ES module, which has names of its own for what comes out.
        for (role, tool, arguments, expected) in calls {
            let Some(report) = asked(
                &folder.join(format!("{name}.js")),
                role,
                &[(tool, arguments)],
            ) else {
                break;
            };
            let expected = expected.replace("refused", "malformed").replace(' ', "-");
            assert_eq!(
                report["outcomes"][0], expected,
                "{name}: {role} {tool} {arguments}"
            );
        }
    }
}
