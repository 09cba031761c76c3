//! Requests and what they are answered, as data: with a real policy, in this process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hexgate_compiler::{Compiled, Compiler};
use hexgate_contract::{
    ApprovalTerms, Denial, Error, FileScope, Grant, NeededApproval, PathScope, PathStyle, Request,
    Verdict,
};
use hexgate_eval::{Plan, Workspace};
use hexgate_http::{MAX_BODY, Policy, Received, Response, respond};
use serde_json::{Value, json};

const POLICY: &str = r#"
roles:
  default:
    tools:
      "record:read":
        mode: allow
        constraints:
          - args.action.name == "read"
          - args.resource.id == "r-1"
          - args.resource.properties.level < 5
      "record:*": { mode: deny }
  support:
    tools:
      refund:
        mode: allow
        constraints:
          - only(args, ["amount"])
          - args.amount > 0
          - args.amount <= 9007199254740992
      close: { mode: approval_required }
      here: { mode: allow, constraints: ['ctx.place == "here"', 'user.id == "ann"', "user.properties.level > 1"] }
      run: { mode: allow, constraints: ["run.count < 3"] }
      grep: { mode: allow, file_scope: { allowed_paths: ["src/**"], denied_paths: ["*.key"] } }
"#;

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const METADATA: &str = "/.well-known/authzen-configuration";
const REST: &str = "/v1/data/hexgate/policy/decision";

fn compiled() -> Compiled {
    let outcome = Compiler::default().compile_str("p.yaml", POLICY);
    outcome.policy.unwrap()
}

/// The evaluator in this process.
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

fn post(path: &str, body: impl Into<Vec<u8>>) -> Response {
    let compiled = compiled();
    let plan = Plan::open(&compiled.plan).unwrap();
    let received = Received {
        method: "POST",
        path,
        authority: Some("pdp.example.com"),
        content_types: &[b"application/json"],
        encoded: false,
    };
    respond(
        &received,
        || Ok(body.into()),
        &mut Native(plan, Workspace::new()),
    )
}

/// What is answered with status 200.
fn answered(path: &str, body: &str) -> Value {
    let response = post(path, body);
    assert_eq!(
        (response.status, response.content_type),
        (200, "application/json"),
        "{body}: {}",
        response.body
    );
    serde_json::from_str(&response.body).unwrap()
}

/// What is said to a request that is refused, and that it is no decision.
fn refused(path: &str, body: impl Into<Vec<u8>>) -> (u16, String) {
    said(&post(path, body))
}

fn said(response: &Response) -> (u16, String) {
    assert_eq!(response.content_type, "application/problem+json");
    let document: Value = serde_json::from_str(&response.body).unwrap();
    let members: std::collections::BTreeSet<&str> = document
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(
        members
            .into_iter()
            .eq(["detail", "status", "title", "type"])
    );
    assert_eq!(document["status"], response.status);
    (
        response.status,
        document["detail"].as_str().unwrap().to_owned(),
    )
}

fn evaluation(tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"subject":{{"type":"user","id":"ann","properties":{{"roles":["x","support"],"level":2}}}},"action":{{"name":"call"}},"resource":{{"type":"tool","id":"{tool}","properties":{{"arguments":{arguments}}}}},"context":{{"place":"here"}}}}"#
    )
}

#[test]
fn an_evaluation_says_what_the_policy_says() {
    for (tool, arguments, expected) in [
        (
            "refund",
            r#"{"amount": 12}"#,
            json!({"decision": true, "context": {"outcome": "allow", "role": "support", "scope": null}}),
        ),
        (
            "refund",
            r#"{"amount": 0}"#,
            json!({"decision": false, "context": {
                "outcome": "deny",
                "reason": "Policy denied tool \"refund\": args.amount > 0",
                "violations": ["args.amount > 0"],
                "hint": null,
            }}),
        ),
        (
            "close",
            "{}",
            json!({"decision": false, "context": {
                "outcome": "needs_approval",
                "reason": "Policy requires approval for tool \"close\"",
                "role": "support",
                "scope": null,
            }}),
        ),
        (
            "grep",
            r#"{"path": "src/a"}"#,
            json!({"decision": true, "context": {"outcome": "allow", "role": "support", "scope": {
                "argument": "path",
                "paths": {"allowed": ["src/**"], "denied": ["*.key"]},
                "search": true,
            }}}),
        ),
        (
            "grep",
            r#"{"path": "/etc"}"#,
            json!({"decision": false, "context": {
                "outcome": "deny",
                "reason": "Policy denied tool \"grep\" for the requested path",
                "violations": [],
                "hint": {"allowed": ["src/**"], "denied": ["*.key"]},
            }}),
        ),
    ] {
        assert_eq!(
            answered(EVALUATION, &evaluation(tool, arguments)),
            expected,
            "{tool} {arguments}"
        );
    }
}

#[test]
fn the_subject_and_the_context_are_facts() {
    let body = evaluation("here", "{}");
    assert_eq!(answered(EVALUATION, &body)["decision"], true);
    for (from, to) in [
        (r#""place":"here""#, r#""place":"there""#),
        (r#","context":{"place":"here"}"#, ""),
        (r#""id":"ann""#, r#""id":"bob""#),
        (r#""level":2"#, r#""level":1"#),
        (r#","level":2"#, ""),
        (r#""roles":["x","support"],"#, ""),
        (r#"["x","support"]"#, "[]"),
    ] {
        assert!(body.contains(from), "{from}");
        let other = body.replace(from, to);
        assert_eq!(answered(EVALUATION, &other)["decision"], false, "{other}");
    }
}

/// Arguments are decided as they were sent: a reader that makes floating-point numbers of numbers would see the limit here, and one
/// that takes the last of two members would see the second.
#[test]
fn arguments_are_decided_byte_for_byte() {
    for (arguments, expected) in [
        (r#"{"amount": 9007199254740992}"#, true),
        (r#"{"amount": 9007199254740993}"#, false),
        (r#"{"amount": 0.00000000000000000000000001}"#, true),
        (r#"{ "\u0061mount" : 1e2 }"#, true),
        (r#"{"amount": "12"}"#, false),
        (r#"{"amount": 12, "more": {"}": "\""}}"#, false),
    ] {
        let answer = answered(EVALUATION, &evaluation("refund", arguments));
        assert_eq!(answer["decision"], expected, "{arguments}");
        let rest =
            format!(r#"{{"input": {{"role": "support", "tool": "refund", "args": {arguments}}}}}"#);
        assert_eq!(answered(REST, &rest)["result"]["allow"], expected, "{rest}");
    }
    for arguments in [
        r#"{"amount": 12, "amount": 0}"#,
        r#"{"amount": 12, "\u0061mount": 12}"#,
        r#"{"a": {"b": 1, "b": 2}}"#,
        r#"{"a": "\ud800"}"#,
        r#"{"a": 1e1001}"#,
        r#"{"a": 01}"#,
        "{'a': 1}",
    ] {
        assert_eq!(
            refused(EVALUATION, evaluation("refund", arguments)).0,
            400,
            "{arguments}"
        );
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let body = evaluation("refund", r#"{"amount": 12}"#);
    for (from, to, detail) in [
        (r#""type":"user","#, "", "`subject.type` is missing"),
        (r#""id":"ann","#, "", "`subject.id` is missing"),
        (
            r#""id":"ann""#,
            r#""id":7"#,
            "`subject.id` must be a string",
        ),
        (
            r#"["x","support"]"#,
            r#""support""#,
            "`subject.properties.roles` must be a list of strings",
        ),
        (
            r#"["x","support"]"#,
            r#"["x",null]"#,
            "`subject.properties.roles` must be a list of strings",
        ),
        (
            r#"["x","support"]"#,
            "null",
            "`subject.properties.roles` must be a list of strings",
        ),
        (r#""action":{"name":"call"},"#, "", "`action` is missing"),
        (
            r#"{"name":"call"}"#,
            r#""call""#,
            "`action` must be an object",
        ),
        (
            r#""name":"call""#,
            r#""name":"read""#,
            "`action.name` must be `call` or `tools/call` for a tool",
        ),
        (
            r#""name":"call""#,
            r#""name":"call","properties":{"amount":1}"#,
            "a tool has no `action.properties`: its arguments are `resource.properties.arguments`",
        ),
        (
            r#""type":"tool""#,
            r#""type":"a:b""#,
            "`resource.type` must be a text without `:`, and not empty",
        ),
        (
            r#""type":"tool""#,
            r#""type":"""#,
            "`resource.type` must be a text without `:`, and not empty",
        ),
        (
            r#""name":"call""#,
            r#""name":"call","properties":[]"#,
            "`action.properties` must be an object",
        ),
        (
            r#""arguments":"#,
            r#""args":"#,
            "`resource.properties` has a member that is not understood; known are `arguments`",
        ),
        (
            r#"{"amount": 12}"#,
            "12",
            "`resource.properties.arguments` must be an object",
        ),
        (
            r#"{"amount": 12}"#,
            r#""{\"amount\": 12}""#,
            "`resource.properties.arguments` must be an object",
        ),
        (
            r#""place":"here""#,
            r#""place":"here"},"evaluations":[{"a":1}],"x":{"a":1"#,
            "the body has `evaluations`, which belongs to `/access/v1/evaluations`",
        ),
        (
            r#""context":{"place":"here"}"#,
            r#""context":null"#,
            "`context` must be an object",
        ),
        (
            r#""id":"refund""#,
            r#""id":"a\nb""#,
            "malformed tool at 0: a control character",
        ),
    ] {
        assert!(body.contains(from), "{from}");
        let other = body.replacen(from, to, 1);
        let (status, said) = refused(EVALUATION, other.clone());
        assert_eq!(status, 400, "{other}");
        assert!(said.starts_with(detail), "{detail}: {said}");
    }
    for body in ["", "null", "[]", "{", "{}x", "\u{feff}{}", "{\"a\":1}"] {
        for path in [EVALUATION, EVALUATIONS, REST] {
            assert_eq!(refused(path, body).0, 400, "{path} {body}");
        }
    }
    assert_eq!(refused(REST, b"{\"input\": \"\xff\"}".to_vec()).0, 400);
    let deep = format!("{}{}{}", "{\"a\":".repeat(70), "1", "}".repeat(70));
    assert_eq!(refused(REST, deep).0, 400);
}

#[test]
fn method_path_and_content_type_have_statuses_of_their_own() {
    let compiled = compiled();
    let ask = |method: &str, path: &str, content_types: &[&[u8]], encoded: bool| {
        let plan = Plan::open(&compiled.plan).unwrap();
        let received = Received {
            method,
            path,
            authority: None,
            content_types,
            encoded,
        };
        let body = evaluation("refund", r#"{"amount": 12}"#).into_bytes();
        respond(&received, || Ok(body), &mut Native(plan, Workspace::new()))
    };
    const JSON: &[&[u8]] = &[b"application/json"];
    for (method, path, content_types, encoded, status) in [
        ("POST", EVALUATION, JSON, false, 200),
        ("POST", "/access/v1/evaluation?trace=1", JSON, false, 200),
        (
            "POST",
            EVALUATION,
            &[b"Application/JSON; charset=UTF-8".as_slice()][..],
            false,
            200,
        ),
        ("GET", EVALUATION, JSON, false, 405),
        ("PUT", REST, JSON, false, 405),
        ("POST", "/", JSON, false, 404),
        ("GET", "/nowhere", JSON, false, 404),
        ("POST", "/access/v1/evaluation/", JSON, false, 404),
        ("POST", "/ACCESS/v1/evaluation", JSON, false, 404),
        ("POST", "", JSON, false, 404),
        ("POST", EVALUATION, &[], false, 400),
        (
            "POST",
            EVALUATION,
            &[b"text/plain".as_slice()][..],
            false,
            400,
        ),
        (
            "POST",
            EVALUATION,
            &[b"application/json; charset=latin1".as_slice()][..],
            false,
            400,
        ),
        (
            "POST",
            EVALUATION,
            &[
                b"application/json".as_slice(),
                b"application/json".as_slice(),
            ][..],
            false,
            400,
        ),
        ("POST", EVALUATION, &[b"\xff".as_slice()][..], false, 400),
        ("POST", EVALUATION, JSON, true, 400),
        ("POST", REST, &[b"text/plain".as_slice()][..], false, 415),
        ("POST", METADATA, JSON, false, 405),
    ] {
        let response = ask(method, path, content_types, encoded);
        assert_eq!(response.status, status, "{method} {path} {content_types:?}");
        assert_eq!(response.allow.is_some(), status == 405);
        if status != 200 {
            said(&response);
        }
    }
}

#[test]
fn a_body_that_is_too_large_or_cut_off_is_refused() {
    let compiled = compiled();
    let received = Received {
        method: "POST",
        path: REST,
        authority: Some("pdp.example.com"),
        content_types: &[b"application/json"],
        encoded: false,
    };
    for status in [413, 400] {
        let plan = Plan::open(&compiled.plan).unwrap();
        let response = respond(
            &received,
            || Err(status),
            &mut Native(plan, Workspace::new()),
        );
        assert_eq!(said(&response).0, status);
    }
    let padded = |length: usize| {
        let input = r#"{"input": {"role": "support", "tool": "close"}}"#;
        format!("{input}{}", " ".repeat(length - input.len()))
    };
    assert_eq!(
        answered(REST, &padded(MAX_BODY))["result"]["requires_approval"],
        true
    );
}

#[test]
fn several_evaluations_share_defaults_and_end_as_asked() {
    let subject =
        r#""subject": {"type": "user", "id": "ann", "properties": {"roles": ["support"]}}"#;
    let other = r#""subject": {"type": "user", "id": "bob"}"#;
    let call = r#""action": {"name": "tools/call"}"#;
    let resource = |tool: &str, amount: &str| {
        format!(
            r#""resource": {{"type": "mcp-tool", "id": "{tool}", "properties": {{"arguments": {{"amount": {amount}}}}}}}"#
        )
    };
    let (good, bad) = (resource("refund", "1"), resource("refund", "-1"));
    let batch = |evaluations: &[&str], semantic: &str| {
        let options = if semantic.is_empty() {
            String::new()
        } else {
            format!(r#", "options": {{"evaluations_semantic": "{semantic}"}}"#)
        };
        let evaluations: Vec<String> = evaluations.iter().map(|it| format!("{{{it}}}")).collect();
        format!(
            r#"{{{subject}, {call}, {good}, "evaluations": [{}]{options}}}"#,
            evaluations.join(",")
        )
    };
    let decisions = |evaluations: &[&str], semantic: &str| -> Vec<bool> {
        let answer = answered(EVALUATIONS, &batch(evaluations, semantic));
        let answers = answer["evaluations"].as_array().unwrap();
        answers
            .iter()
            .map(|it| it["decision"].as_bool().unwrap())
            .collect()
    };
    // A default stands in for what is absent, and a member of an evaluation replaces the default whole.
    assert_eq!(decisions(&["", &bad, other], ""), [true, false, false]);
    let all = [good.as_str(), bad.as_str(), good.as_str()];
    assert_eq!(decisions(&all, "execute_all"), [true, false, true]);
    assert_eq!(decisions(&all, "deny_on_first_deny"), [true, false]);
    assert_eq!(decisions(&all, "permit_on_first_permit"), [true]);
    assert_eq!(
        decisions(&[&bad, &good, &bad], "permit_on_first_permit"),
        [false, true]
    );
    // Approval is no permission.
    let close = r#""resource": {"type": "tool", "id": "close"}"#;
    assert_eq!(decisions(&[close, &good], "deny_on_first_deny"), [false]);
    // One that is refused is a denial with an error, and the others are answered.
    let wrong = r#""action": {"name": "read"}"#;
    assert_eq!(
        answered(EVALUATIONS, &batch(&[wrong, ""], ""))["evaluations"][0],
        json!({"decision": false, "context": {"error": {
            "status": 400, "message": "`action.name` must be `call` or `tools/call` for a tool",
        }}})
    );
    assert_eq!(decisions(&[wrong, ""], ""), [false, true]);
    assert_eq!(decisions(&[wrong, ""], "deny_on_first_deny"), [false]);
    // None at all: the request is an evaluation itself.
    assert_eq!(answered(EVALUATIONS, &batch(&[], ""))["decision"], true);
    assert_eq!(
        answered(EVALUATIONS, &format!("{{{subject}, {call}, {bad}}}"))["decision"],
        false
    );
    for (body, status) in [
        (batch(&[""], "first_wins"), 400),
        // A name that the standard does not know is ignored: this is an evaluation of one, and answered as one.
        (
            batch(&[""], "").replace("\"evaluations\"", "\"evaluation\""),
            200,
        ),
        (batch(&[r#""evaluations": []"#], ""), 200),
        (batch(&vec![""; 256], ""), 200),
        (batch(&vec![""; 257], ""), 413),
        (batch(&[], "").replace("[]", "{}"), 400),
        (batch(&[], "").replace("[]", "[7]"), 400),
    ] {
        assert_eq!(post(EVALUATIONS, body.clone()).status, status, "{body}");
    }
    // An evaluation of one has no others beside it.
    assert_eq!(refused(EVALUATION, batch(&[], "")).0, 400);
}

#[test]
fn the_rest_api_answers_as_policies_in_rego_do() {
    for (input, expected) in [
        (
            r#"{"roles": ["x", "support"], "tool": "refund", "args": {"amount": 1}}"#,
            json!({"allow": true, "requires_approval": false, "violations": [], "reason": "", "role": 1, "scope": null, "hint": null}),
        ),
        (
            r#"{"role": "support", "tool": "close"}"#,
            json!({"allow": false, "requires_approval": true, "violations": [], "reason": "Policy requires approval for tool \"close\"", "role": 0, "scope": null, "hint": null}),
        ),
        (
            r#"{"role": null, "tool": "refund", "args": {"amount": 1}}"#,
            json!({"allow": false, "requires_approval": false, "violations": [], "reason": "Policy denied tool \"refund\" (no allow rule matched for role \"default\")", "role": null, "scope": null, "hint": null}),
        ),
        (
            r#"{"role": "support", "tool": "run", "args": {}, "run": {"count": 2}}"#,
            json!({"allow": true, "requires_approval": false, "violations": [], "reason": "", "role": 0, "scope": null, "hint": null}),
        ),
        (
            r#"{"role": "support", "tool": "run", "args": {}, "ctx": {"count": 2}}"#,
            json!({"allow": false, "requires_approval": false, "violations": ["run.count < 3"], "reason": "Policy denied tool \"run\": run.count < 3", "role": null, "scope": null, "hint": null}),
        ),
    ] {
        let body = format!(r#"{{"input": {input}}}"#);
        assert_eq!(
            answered(REST, &body),
            json!({"result": expected}),
            "{input}"
        );
    }
    for (body, detail) in [
        ("{}", "`input` is missing"),
        (r#"{"input": null}"#, "`input` must be an object"),
        (r#"{"input": {}}"#, "`input.tool` is missing"),
        (r#"{"input": {"tool": 7}}"#, "`input.tool` must be a string"),
        (
            r#"{"input": {"tool": "t", "role": "a", "roles": ["b"]}}"#,
            "`input` has both `roles` and `role`",
        ),
        (
            r#"{"input": {"tool": "t", "roles": "a"}}"#,
            "`input.roles` must be a list of strings",
        ),
        (
            r#"{"input": {"tool": "t", "arguments": {}}}"#,
            "`input` has a member that is not understood",
        ),
        (
            r#"{"input": {"tool": "t", "args": []}}"#,
            "`input.args` must be an object",
        ),
        (
            r#"{"input": {"tool": "t"}, "unknown": 1}"#,
            "the body has a member that is not understood",
        ),
    ] {
        let (status, said) = refused(REST, body);
        assert!(status == 400 && said.starts_with(detail), "{body}: {said}");
    }
}

/// A policy that grants by what is not there, or says that it is damaged.
struct Broken(Result<Verdict, Error>);

impl Policy for Broken {
    fn decide(&mut self, _: &Request<'_>) -> Result<Verdict, Error> {
        self.0.clone()
    }

    fn scope(&mut self, _: u32) -> Option<FileScope> {
        None
    }

    fn terms(&mut self, id: u32) -> Option<ApprovalTerms> {
        (id == 0).then(|| ApprovalTerms {
            approvers: Some(9),
            ..ApprovalTerms::default()
        })
    }
}

#[test]
fn a_policy_that_breaks_the_contract_is_an_error_and_never_an_allow() {
    let grant = |role, scope| Grant { role, scope };
    let one = evaluation("refund", "{}");
    let several = one.replacen('{', "{\"evaluations\": [{}, {}], ", 1);
    let denial = |reason: &str, violations: usize, hint: usize| {
        Ok(Verdict::Deny(Denial {
            reason: reason.to_owned(),
            violations: vec![reason.to_owned(); violations],
            hint: Some(PathScope {
                allowed: vec![],
                denied: vec![reason.to_owned(); hint],
                except: vec![],
            }),
            message: None,
        }))
    };
    let needed = |terms, message: Option<&str>| {
        Ok(Verdict::NeedsApproval(NeededApproval {
            grant: grant(None, None),
            terms,
            message: message.map(str::to_owned),
        }))
    };
    let told = |message: &str| {
        let mut denial = Denial::because("no".to_owned());
        denial.message = Some(message.to_owned());
        Ok(Verdict::Deny(denial))
    };
    let long = "x".repeat(1 << 10);
    // As much as is accepted, and then a little more, wherever it stands.
    let received = Received {
        method: "POST",
        path: EVALUATION,
        authority: Some("pdp.example.com"),
        content_types: &[b"application/json"],
        encoded: false,
    };
    let most = Broken(denial(&long, 1 << 9, (1 << 9) - 1));
    let response = respond(&received, || Ok(one.clone().into_bytes()), &mut { most });
    assert_eq!(response.status, 200, "{}", response.body);
    for answer in [
        denial(&long, 1 << 10, 0),
        denial(&long, 0, 1 << 10),
        denial(&"x".repeat((1 << 20) + 1), 0, 0),
        Ok(Verdict::Allow(grant(Some(2), None))),
        Ok(Verdict::Allow(grant(None, Some(0)))),
        Ok(Verdict::NeedsApproval(grant(Some(u32::MAX), None).into())),
        needed(Some(1), None),
        needed(Some(0), None),
        needed(None, Some("two\nlines")),
        told(&"x".repeat(501)),
        told("\u{1b}[0m"),
        Err(Error::Internal("damaged".to_owned())),
    ] {
        for (path, body) in [(EVALUATION, &one), (EVALUATIONS, &several)] {
            let received = Received {
                method: "POST",
                path,
                authority: None,
                content_types: &[b"application/json"],
                encoded: false,
            };
            let body = body.clone().into_bytes();
            let response = respond(&received, || Ok(body), &mut Broken(answer.clone()));
            assert_eq!(said(&response).0, 500, "{answer:?}");
        }
    }
}

/// Says one thing of every call, and has the scope and the terms that it names.
struct Says(Verdict);

impl Policy for Says {
    fn decide(&mut self, _: &Request<'_>) -> Result<Verdict, Error> {
        Ok(self.0.clone())
    }

    fn scope(&mut self, _: u32) -> Option<FileScope> {
        let lists = |denied: &str| PathScope {
            allowed: vec![],
            denied: vec![denied.to_owned()],
            except: vec![".env.example".to_owned()],
        };
        Some(FileScope {
            arguments: vec!["source".to_owned(), "destination".to_owned()],
            search: true,
            paths: lists(".env*"),
            style: PathStyle::Windows,
            exclusions: vec![hexgate_contract::Exclusion {
                paths: lists("*.key"),
                style: PathStyle::Posix,
            }],
        })
    }

    fn terms(&mut self, _: u32) -> Option<ApprovalTerms> {
        Some(ApprovalTerms {
            roles: vec!["lead".to_owned()],
            expires: Some(3600),
            approvers: Some(2),
            reason_required: Some(true),
        })
    }
}

#[test]
fn an_answer_tells_the_message_and_who_has_to_agree() {
    let grant = Grant {
        role: None,
        scope: Some(3),
    };
    let needed = Verdict::NeedsApproval(NeededApproval {
        grant,
        terms: Some(1),
        message: Some("A lead is asked.".to_owned()),
    });
    let mut denial = Denial::because("no".to_owned());
    denial.message = Some("Ask \"us\".".to_owned());
    denial.hint = Some(PathScope {
        except: vec!["a".to_owned()],
        ..PathScope::default()
    });
    let ask = |path: &str, body: &str, verdict: &Verdict| -> Value {
        let received = Received {
            method: "POST",
            path,
            authority: None,
            content_types: &[b"application/json"],
            encoded: false,
        };
        let body = body.as_bytes().to_vec();
        let response = respond(&received, || Ok(body), &mut Says(verdict.clone()));
        assert_eq!(response.status, 200, "{}", response.body);
        serde_json::from_str(&response.body).unwrap()
    };
    let approval = json!({"roles": ["lead"], "expires_seconds": 3600, "approvers": 2, "reason_required": true});
    let evaluation = evaluation("close", "{}");
    assert_eq!(
        ask(EVALUATION, &evaluation, &needed),
        json!({"decision": false, "context": {
            "outcome": "needs_approval",
            "reason": "Policy requires approval for tool \"close\"",
            "role": null,
            "scope": {
                "arguments": ["source", "destination"],
                "search": true,
                "style": "windows",
                "paths": {"allowed": [], "denied": [".env*"], "except": [".env.example"]},
                "exclusions": [{"allowed": [], "denied": ["*.key"], "except": [".env.example"]}],
            },
            "message": "A lead is asked.",
            "approval": approval,
        }})
    );
    let denied = Verdict::Deny(denial);
    assert_eq!(
        ask(EVALUATION, &evaluation, &denied)["context"],
        json!({
            "outcome": "deny",
            "reason": "no",
            "violations": [],
            "hint": {"allowed": [], "denied": [], "except": ["a"]},
            "message": "Ask \"us\".",
        })
    );
    let input =
        r#"{"input": {"tool": "close", "said": {"emails": []}, "usage": {}, "user_usage": {}}}"#;
    let result = &ask(REST, input, &needed)["result"];
    assert_eq!(result["message"], "A lead is asked.");
    assert_eq!(result["approval"], approval);
    assert_eq!(
        ask(REST, input, &denied)["result"]["message"],
        "Ask \"us\"."
    );
}

/// What the standard does not know is ignored, as it demands; what it knows is refused where it does not belong.
#[test]
fn unknown_members_are_ignored() {
    let body = evaluation("refund", r#"{"amount": 12}"#);
    for (from, to) in [
        (
            r#""context":{"#,
            r#""foo":"bar","later":{"a":[1]},"context":{"#,
        ),
        (r#""name":"call""#, r#""name":"call","later":1"#),
        (r#""type":"tool""#, r#""type":"tool","later":{}"#),
    ] {
        assert!(body.contains(from), "{from}");
        let other = body.replacen(from, to, 1);
        assert_eq!(answered(EVALUATION, &other)["decision"], true, "{other}");
        let several = format!(r#"{{"options":{{"later":true}},"evaluations":[{other}]}}"#);
        let several = answered(EVALUATIONS, &several);
        assert_eq!(several["evaluations"][0]["decision"], true, "{several}");
    }
    for known in ["options", "evaluations"] {
        let other = body.replacen('{', &format!(r#"{{"{known}":{{}},"#), 1);
        assert_eq!(refused(EVALUATION, other.clone()).0, 400, "{other}");
        let several = answered(EVALUATIONS, &format!(r#"{{"evaluations":[{other}]}}"#));
        assert_eq!(several["evaluations"][0]["decision"], false, "{several}");
    }
}

/// An action on a resource is a tool of its own, and no two of them have one name.
#[test]
fn an_action_on_a_resource_is_decided_by_its_name() {
    let body = |kind: &str, action: &str, properties: &str| {
        format!(
            r#"{{"subject":{{"type":"user","id":"ann"}},"action":{{"name":"{action}"}},"resource":{{"type":"{kind}","id":"r-1","properties":{properties}}}}}"#
        )
    };
    for (kind, action, properties, expected) in [
        ("record", "read", r#"{"level":1}"#, true),
        ("record", "read", r#"{"level":9007199254740993}"#, false),
        ("record", "read", "{}", false),
        ("record", "write", r#"{"level":1}"#, false),
        ("Record", "read", r#"{"level":1}"#, false),
        ("record", "Read", r#"{"level":1}"#, false),
        ("record ", "read", r#"{"level":1}"#, false),
        ("unknown", "call", r#"{"level":1}"#, false),
        // A tool's name is none of a type.
        ("tool", "call", "{}", false),
    ] {
        let answer = answered(EVALUATION, &body(kind, action, properties));
        assert_eq!(answer["decision"], expected, "{kind} {action} {properties}");
    }
    assert_eq!(refused(EVALUATION, body("record:read", "x", "{}")).0, 400);
    assert_eq!(refused(EVALUATION, body("record", "", "{}")).0, 400);
    assert_eq!(refused(EVALUATION, body("record", "read", "[]")).0, 400);
    let twice = body("record", "read", r#"{"level":1,"level":2}"#);
    assert_eq!(refused(EVALUATION, twice).0, 400);
}

#[test]
fn the_metadata_names_the_host_that_was_asked_for() {
    let compiled = compiled();
    let ask = |path: &str, authority: Option<&str>| {
        let received = Received {
            method: "GET",
            path,
            authority,
            content_types: &[],
            encoded: false,
        };
        let plan = Plan::open(&compiled.plan).unwrap();
        respond(
            &received,
            || panic!("there is no body"),
            &mut Native(plan, Workspace::new()),
        )
    };
    let response = ask(METADATA, Some("pdp.example.com:8443"));
    assert_eq!(
        (response.status, response.content_type),
        (200, "application/json")
    );
    let found: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(
        found,
        json!({
            "policy_decision_point": "https://pdp.example.com:8443",
            "access_evaluation_endpoint": "https://pdp.example.com:8443/access/v1/evaluation",
            "access_evaluations_endpoint": "https://pdp.example.com:8443/access/v1/evaluations",
        })
    );
    let headers = response.headers(&[b"7-a"]);
    assert!(headers.contains(&("cache-control", b"no-store".to_vec())));
    assert!(headers.contains(&("x-request-id", b"7-a".to_vec())));
    assert!(
        !response
            .headers(&[b"1", b"2"])
            .iter()
            .any(|(name, _)| *name == "x-request-id")
    );
    for name in [
        None,
        Some(""),
        Some("a/b"),
        Some("a?b"),
        Some("a@b"),
        Some("a b"),
        Some("a\"b"),
        Some("é"),
        Some(&*"a".repeat(256)),
    ] {
        assert_eq!(said(&ask(METADATA, name)).0, 400, "{name:?}");
    }
    assert_eq!(
        said(&ask("/.well-known/authzen-configuration/tenant", None)).0,
        404
    );
    assert_eq!(said(&ask(EVALUATION, None)).0, 405);
}
