//! A policy as a decision point over HTTP, served by runtimes that are not ours: `jco serve`, and wasmtime with its own `wasi:http`.
//!
//! What the handler answers to what is tested beside it, with a policy in the same process; here are the runtimes, over a socket.

use std::{
    fs,
    path::{Path, PathBuf},
};

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
