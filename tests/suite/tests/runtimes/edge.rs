//! A policy as a decision point over HTTP, served by runtimes that are not ours: `jco serve`, and wasmtime with its own `wasi:http`.
//!
//! What the handler answers to what is tested beside it, with a policy in the same process; here are the runtimes, over a socket.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use hexgate_test_support::authzen;
use hexgate_tests::{
    engines,
    http::{EVALUATION, REST},
};
use serde_json::json;

use crate::{fresh, server::Server};

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
                400,
            ),
            ("POST /access/v1/evaluation HTTP/1.1", QUESTION, 400),
            (
                "POST /v1/data/hexgate/policy/decision HTTP/1.1",
                QUESTION,
                415,
            ),
            (
                "POST /access/v1/evaluation HTTP/1.1\r\ncontent-type: application/json\r\ncontent-encoding: gzip",
                QUESTION,
                400,
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

/// AuthZEN's certification scenario, at every runtime.
#[test]
fn the_certification_scenario_passes() {
    let folder = fresh("edge-scenario");
    let component = composed(&folder, authzen::POLICY);
    for (runtime, server) in Server::all(&component) {
        let base = format!("https://{}", server.address());
        let passed = authzen::passes(&base, |step| {
            let mut head = format!("{} {} HTTP/1.1", step.method, step.path);
            for (name, value) in [
                ("content-type", &step.content_type),
                ("x-request-id", &step.request_id),
            ] {
                if let Some(value) = value {
                    head.push_str(&format!("\r\n{name}: {value}"));
                }
            }
            let answer = server.send(&head, step.body.as_bytes());
            let headers = answer.head.lines().filter_map(|line| line.split_once(": "));
            authzen::Came {
                status: answer.status,
                headers: headers
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
                body: answer.body,
            }
        });
        assert_eq!(passed, 53, "{runtime}");
    }
}

/// Bytes that are no request, or more than one, or not the one that they seem to be. How often each is answered with an allow: as
/// often as the question stands there whole, and alone in its body.
#[test]
fn framing_makes_no_allow_of_what_is_none() {
    let folder = fresh("edge-framing");
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies/billing.yaml");
    let component = composed(&folder, &fs::read_to_string(policy).unwrap());
    let length = QUESTION.len();
    let head = |more: &str| {
        format!(
            "POST {EVALUATION} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{more}\r\n"
        )
    };
    let closing = "connection: close\r\n";
    let of = |length: usize| format!("{closing}content-length: {length}\r\n");
    let chunked = format!("{closing}transfer-encoding: chunked\r\n");
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let (first, second) = QUESTION.split_at(length / 2);
    let denied = QUESTION.replace("200", "900");
    let whole = head(&of(length)) + QUESTION;
    let other_head = |from: &str, to: &str| whole.replacen(from, to, 1);
    #[rustfmt::skip]
    let cases = [
        ("whole", whole.clone(), 1),
        ("in chunks", head(&chunked) + &chunk(first) + &chunk(second) + "0\r\n\r\n", 1),
        ("with a trailer", head(&chunked) + &chunk(QUESTION) + "0\r\nx-more: {}\r\n\r\n", 1),
        ("two, one behind the other", head(&format!("content-length: {length}\r\n")) + QUESTION + &whole, 2),
        ("an allow behind a denial", head(&format!("content-length: {length}\r\n")) + &denied + &whole, 1),
        ("chunks without an end", head(&chunked) + &chunk(QUESTION), 0),
        ("half of the chunks", head(&chunked) + &chunk(first) + "0\r\n\r\n", 0),
        ("a chunk that is shorter than it says", head(&chunked) + &format!("{:x}\r\n{first}", length), 0),
        ("a chunk of no length", head(&chunked) + &format!("x\r\n{QUESTION}\r\n0\r\n\r\n"), 0),
        ("twice in one body", head(&of(2 * length)) + QUESTION + QUESTION, 0),
        ("twice in chunks", head(&chunked) + &chunk(QUESTION) + &chunk(QUESTION) + "0\r\n\r\n", 0),
        ("bytes behind it", head(&of(length + 1)) + QUESTION + "x", 0),
        ("shorter than said", head(&of(length + 1)) + QUESTION, 0),
        ("cut off by its length", head(&of(length - 1)) + QUESTION, 0),
        ("two lengths", head(&format!("{closing}content-length: {length}\r\ncontent-length: {}\r\n", length - 1)) + QUESTION, 0),
        ("a length that is none", head(&format!("{closing}content-length: +{length}\r\n")) + QUESTION, 0),
        ("a member twice", head(&of(length + 13)) + &QUESTION.replacen('{', r#"{"action":{},"#, 1), 0),
        ("UTF-16", head(&of(2 * length)) + &QUESTION.chars().flat_map(|c| [c, '\0']).collect::<String>(), 0),
        ("a byte-order mark", head(&of(length + 3)) + "\u{feff}" + QUESTION, 0),
        ("another charset", other_head("application/json", "application/json; charset=utf-16"), 0),
        ("two types", other_head("application/json", "application/json\r\ncontent-type: text/plain"), 0),
        ("a list of types", other_head("application/json", "application/json, text/plain"), 0),
        ("an encoding", other_head("application/json", "application/json\r\ncontent-encoding: identity"), 0),
        ("another method", other_head("POST", "GET").replacen("host", "x-http-method-override: POST\r\nhost", 1), 0),
        ("a folder up", other_head("/access", "/x/../access"), 0),
        ("two slashes", other_head("/access", "//access"), 0),
        ("an escape", other_head("/access", "/%61ccess"), 0),
    ];
    for (runtime, server) in Server::all(&component) {
        for (name, bytes, expected) in &cases {
            let answer = server.raw(bytes.as_bytes(), Duration::from_millis(1500));
            let answer = String::from_utf8_lossy(&answer);
            let allows = answer.matches(r#""decision":true"#).count();
            assert_eq!(allows, *expected, "{runtime}: {name}: {answer}");
        }
    }
}
