//! Policies as Rego: golden texts, names that try to break out, what OPA itself says of the form, and what it decides.
//!
//! Each `golden/rego/NAME.yaml` is printed as `NAME.rego`. `HEXGATE_BLESS=1` writes what came.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use hexgate_compiler::{
    Artifact, Compiled, Compiler, Engine, RegoOptions,
    model::{Numbering, Pattern},
    opa::{Opa, OpaError},
    rego::Refusal,
};
use hexgate_contract::{PathScope, Request, Verdict};
use serde_json::{Value, json};

/// The real one. Without any, says so loudly, or fails where tools are required.
fn opa() -> Option<Opa> {
    hexgate_test_support::tool(
        Opa::find(),
        |error| matches!(error, OpaError::NotFound),
        "there is no `opa`; run `cargo xtask setup opa`",
    )
}

fn policies(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new("tests/golden").join(folder);
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn compile(path: &Path) -> Compiled {
    let outcome = Compiler::default().compile_path(path).unwrap();
    let diagnostics = outcome.diagnostics;
    outcome
        .policy
        .unwrap_or_else(|| panic!("{}: {diagnostics:?}", path.display()))
}

#[test]
fn the_text_is_as_expected() {
    let mut failures = Vec::new();
    for path in policies("rego") {
        let policy = compile(&path);
        let expected_path = path.with_extension("rego");
        if std::env::var_os("HEXGATE_BLESS").is_some() {
            fs::write(&expected_path, policy.rego().unwrap()).unwrap();
        } else if fs::read_to_string(&expected_path).unwrap_or_default() != policy.rego().unwrap() {
            failures.push(path);
        }
    }
    assert!(
        failures.is_empty(),
        "printed otherwise than expected, see what changed by HEXGATE_BLESS=1: {failures:?}"
    );
}

#[test]
fn texts_of_a_policy_stand_in_literals_only() {
    let policy = compile(Path::new("tests/golden/rego/hostile.yaml"));
    let mut seen = 0;
    for line in policy.rego().unwrap().lines() {
        // Between quotes, and nothing else opens a text that could hold a quote.
        let (mut quoted, mut escaped) = (false, false);
        for (at, c) in line.char_indices() {
            if line[at..].starts_with("EVIL") {
                assert!(quoted && !line.trim_start().starts_with('#'), "{line}");
                seen += 1;
            }
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ => {}
            }
        }
        assert!(!quoted || line.contains('`'), "{line}");
    }
    assert!(seen >= 15, "the policy has {seen} hostile texts");
}

/// The numbers of scopes in the answer are those in the component's description.
#[test]
fn scopes_have_the_numbers_of_the_plan() {
    let policy = compile(Path::new("tests/golden/rego/scopes.yaml"));
    let plan = hexgate_eval::Plan::open(&policy.plan).unwrap();
    let scopes = Numbering::of(&policy.model).unwrap().scopes;
    assert_eq!(scopes.len(), 4);
    for (id, bounds) in (0..).zip(scopes) {
        let paths = plan.scope(id).unwrap().unwrap().paths;
        let scope = bounds.scope.unwrap();
        let sources = |patterns: &[Pattern]| -> Vec<String> {
            patterns.iter().map(|one| one.source.clone()).collect()
        };
        assert_eq!(paths.allowed, sources(&scope.allowed));
        assert_eq!(paths.denied, sources(&scope.denied));
    }
}

#[test]
fn opa_accepts_what_is_printed_and_would_format_it_alike() {
    let Some(opa) = opa() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for path in policies("rego").into_iter().chain(policies("ok")) {
        // One file at a time: all have the same package.
        let file = folder.path().join("policy.rego");
        let policy = compile(&path);
        let text = match policy.rego() {
            Err(Refusal::Inexact { .. }) => continue,
            text => text.unwrap(),
        };
        fs::write(&file, text).unwrap();
        for arguments in [&["check", "--strict"][..], &["fmt", "--list"]] {
            let output = Command::new(opa.path())
                .args(arguments)
                .arg(&file)
                .output()
                .unwrap();
            let said = [output.stdout, output.stderr].concat();
            assert!(
                output.status.success() && said.is_empty(),
                "opa {arguments:?} on {}: {}",
                path.display(),
                String::from_utf8_lossy(&said)
            );
        }
        count += 1;
    }
    assert!(count > 10);
}

/// A call: the caller's roles, the tool, its arguments, and further facts.
type Call = (
    &'static [&'static str],
    &'static str,
    &'static str,
    &'static str,
);

/// A call without roles and facts.
const fn plain(tool: &'static str, args: &'static str) -> Call {
    (&[], tool, args, "{}")
}

/// What OPA decides by the text that is printed, and what the evaluator decides, in the members that both have.
#[track_caller]
fn agree(opa: &Opa, policy: &Compiled, calls: &[Call]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("policy.rego", policy.rego().unwrap());
    write(
        "cases.rego",
        "package cases\n\nanswers := [answers |\n\tsome asked in input\n\tanswers := [answer | answer := data.hexgate.policy.decision with input as asked]\n]\n",
    );
    let inputs = calls.iter().map(|(roles, tool, args, facts)| {
        let mut input: Value = serde_json::from_str(facts).unwrap();
        input["roles"] = json!(roles);
        input["tool"] = json!(tool);
        input["args"] = serde_json::from_str(args).unwrap();
        input
    });
    write("input.json", &Value::from_iter(inputs).to_string());
    let output = Command::new(opa.path())
        .current_dir(folder.path())
        .args([
            "eval",
            "--format",
            "raw",
            "--data",
            "policy.rego",
            "--data",
            "cases.rego",
        ])
        .args(["--input", "input.json", "data.cases.answers"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let answers: Vec<[Value; 1]> = serde_json::from_slice(&output.stdout).unwrap();
    let plan = hexgate_eval::Plan::open(&policy.plan).unwrap();
    let mut workspace = hexgate_eval::Workspace::new();
    let decided = calls.iter().zip(answers).map(|(call, [mut answer])| {
        let (roles, tool, args, facts) = call;
        let request = Request::new(tool, args).roles(roles).facts(facts);
        let verdict = workspace.decide(&plan, &request).unwrap();
        // Of a denial by each role only the texts are known there.
        answer.as_object_mut().unwrap().remove("denials");
        for optional in ["terms", "message"] {
            let object = answer.as_object_mut().unwrap();
            object.entry(optional).or_insert(Value::Null);
        }
        if let Some(hint) = answer["hint"].as_object_mut() {
            hint.entry("except").or_insert(json!([]));
        }
        assert_eq!(answer, expected(verdict), "{call:?}");
        answer
    });
    decided.collect()
}

fn expected(verdict: Verdict) -> Value {
    let hint = |hint: PathScope| json!({"allowed": hint.allowed, "denied": hint.denied, "except": hint.except});
    let (allow, asks) = (verdict.is_allowed(), verdict.needs_approval());
    let (grant, terms, message, violations, hint) = match verdict {
        Verdict::Allow(grant) => (Some(grant), None, None, Vec::new(), None),
        Verdict::NeedsApproval(needed) => (
            Some(needed.grant),
            needed.terms,
            needed.message,
            Vec::new(),
            None,
        ),
        Verdict::Deny(denial) => (
            None,
            None,
            denial.message,
            denial.violations,
            denial.hint.map(hint),
        ),
    };
    json!({
        "allow": allow,
        "requires_approval": asks,
        "role": grant.and_then(|grant| grant.role),
        "scope": grant.and_then(|grant| grant.scope),
        "terms": terms,
        "message": message,
        "violations": violations,
        "hint": hint,
    })
}

/// Calls, and what comes of each: `allow`, `ask`, or the violations and the message of a denial.
#[track_caller]
fn decides(name: &str, cases: &[(Call, &str)]) {
    let Some(opa) = opa() else { return };
    let policy = compile(&Path::new("tests/golden/rego").join(name));
    let calls: Vec<Call> = cases.iter().map(|(call, _)| *call).collect();
    for ((call, expected), answer) in cases.iter().zip(agree(&opa, &policy, &calls)) {
        let outcome = match (&answer["allow"], &answer["requires_approval"]) {
            (Value::Bool(true), _) => "allow".to_owned(),
            (_, Value::Bool(true)) => "ask".to_owned(),
            _ => {
                let texts: Vec<&str> = answer["violations"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .chain([&answer["message"]])
                    .filter_map(Value::as_str)
                    .collect();
                texts.join("; ")
            }
        };
        assert_eq!(outcome, *expected, "{call:?}");
    }
}

#[test]
fn rules_patterns_and_forbids_decide() {
    const SUPPORT: &[&str] = &["support"];
    const BOTH: &[&str] = &["reader", "support"];
    let open = "{\"ctx\": {\"frozen\": false, \"new_customer\": false}}";
    decides(
        "rules.yaml",
        &[
            ((SUPPORT, "refund", r#"{"amount": 50}"#, open), "allow"),
            ((SUPPORT, "refund", r#"{"amount": 51}"#, open), "ask"),
            (
                (
                    SUPPORT,
                    "refund",
                    r#"{"amount": 401}"#,
                    r#"{"ctx": {"frozen": false}}"#,
                ),
                "args.amount > 400 and ctx.new_customer == true; Ask the customer to call us.",
            ),
            (
                (SUPPORT, "refund", r#"{"amount": 600, "x": 1}"#, open),
                "only(args, [\"amount\"]); args.amount <= 50; args.amount <= 500; Somebody is asked.",
            ),
            // The role forbids, and so does what is undefined of it.
            (
                (SUPPORT, "refund", r#"{"amount": 1001}"#, open),
                "args.amount > 1000; role == \"support\"; Never more than 1,000.",
            ),
            (
                (SUPPORT, "pay_out", r#"{"amount": "much"}"#, open),
                "args.amount > 1000; role == \"support\"; Never more than 1,000.",
            ),
            // Of another role its condition is false.
            ((BOTH, "pay_out", r#"{"amount": 1001}"#, open), "allow"),
            // No role can lift what is forbidden beside them, whether it is known or not.
            (
                (SUPPORT, "get_a", r#"{"file_path": "a"}"#, "{}"),
                "ctx.frozen == true; Nothing is done now.",
            ),
            (
                (&["nobody"], "x", "{}", r#"{"ctx": {"frozen": true}}"#),
                "ctx.frozen == true; Nothing is done now.",
            ),
            ((SUPPORT, "get_a", r#"{"file_path": "a/b.PEM"}"#, open), ""),
            (
                (SUPPORT, "get_a", r#"{"file_path": ["a", "../b"]}"#, open),
                "",
            ),
            (
                (SUPPORT, "get_a", r#"{"file_path": ["a", "b"]}"#, open),
                "allow",
            ),
            ((SUPPORT, "get_secret_x", r#"{"file_path": "a"}"#, open), ""),
            (
                (SUPPORT, "read_file", r#"{"file_path": "docs/a"}"#, open),
                "ask",
            ),
            (
                (SUPPORT, "read_file", r#"{"file_path": "docs/a.key"}"#, open),
                "",
            ),
            ((SUPPORT, "read_file", r#"{"file_path": "a"}"#, open), ""),
            ((SUPPORT, "never", r#"{"a": 2}"#, open), "Never."),
            ((SUPPORT, "mute", "{}", open), "Say nothing."),
            ((SUPPORT, "a_b_x", "{}", open), "ask"),
            ((SUPPORT, "skill:a", "{}", open), "allow"),
            ((SUPPORT, "agent.a_b_x", "{}", "{}"), ""),
            ((SUPPORT, "other", r#"{"a": 1}"#, open), "allow"),
            (
                (SUPPORT, "other", r#"{"a": 1, "b": 2, "c": 3}"#, open),
                "count(args) < 3; Not known, and too much.",
            ),
        ],
    );
}

#[test]
fn grown_conditions_are_true_false_or_neither() {
    let said = r#"{"said": {"emails": ["a@x", null]}}"#;
    decides(
        "grown.yaml",
        &[
            (
                plain(
                    "element",
                    r#"{"command": ["ls"], "pairs": [[1, 2], [0.1, 0.2]]}"#,
                ),
                "allow",
            ),
            (
                plain("element", r#"{"command": {"0": "ls"}, "pairs": [[1]]}"#),
                r#"args.command[0] in ["ls", "cat"]; every(args.pairs, .[1] > .[0])"#,
            ),
            (
                (
                    &[],
                    "texts",
                    r#"{"path": "a/b", "prefix": "a/", "text": "ÄB", "host": "x.b.example"}"#,
                    r#"{"ctx": {"word": "ä"}}"#,
                ),
                "allow",
            ),
            (
                (
                    &[],
                    "texts",
                    r#"{"path": "a/b", "prefix": "", "text": "XaBx", "host": "b"}"#,
                    r#"{"ctx": {"word": "AB"}}"#,
                ),
                r#"startswith(args.path, args.prefix); not contains(lower(args.text), lower(ctx.word)); any(consts.domains, endswith(args.host, .))"#,
            ),
            (plain("types", r#"{"a": [], "b": 1}"#), "allow"),
            (
                plain("types", r#"{"a": {}, "b": null}"#),
                r#"type(args.a) in ["text", "list"]; lower(type(args.b)) != "null""#,
            ),
            (
                plain(
                    "members",
                    r#"{"headers": {"x-a": "", "x-b": "b"}, "allowed": ["b", ""]}"#,
                ),
                "allow",
            ),
            (
                plain("members", r#"{"headers": {}, "allowed": 1}"#),
                "allow",
            ),
            (
                plain(
                    "members",
                    r#"{"headers": {"x-a": "default", "y": 2}, "allowed": [2, ""]}"#,
                ),
                r#"every_member(args.headers, startswith(.name, "x-") and .value in args.allowed); not any_member(args.headers, .value == role)"#,
            ),
            (
                plain("members", r#"{"headers": [], "allowed": []}"#),
                r#"every_member(args.headers, startswith(.name, "x-") and .value in args.allowed); not any_member(args.headers, .value == role)"#,
            ),
            (
                (
                    &[],
                    "anywhere",
                    r#"{"body": {"a": [1, {"ok": null}]}}"#,
                    "{}",
                ),
                "allow",
            ),
            (
                (
                    &[],
                    "anywhere",
                    r#"{"body": "w", "x": {"sk-a": 1}}"#,
                    r#"{"ctx": {"word": "w"}}"#,
                ),
                r#"not anywhere(args, matches(., "sk-[a-z]"))"#,
            ),
            (
                (&[], "anywhere", r#"{"body": {}}"#, "{}"),
                r#"anywhere(args.body, contains(., "ok") or . == ctx.word)"#,
            ),
            (
                (
                    &[],
                    "said",
                    r#"{"to": ["a@x"], "cc": "b@x", "tags": ["y", "x"], "rows": [{"id": 1, "ids": [2]}, {"id": 1, "ids": [1e0]}]}"#,
                    said,
                ),
                "allow",
            ),
            (
                (
                    &[],
                    "said",
                    r#"{"to": ["b@x"], "cc": "a@x", "tags": [1], "rows": [{"id": 1, "ids": {"a": 1}}]}"#,
                    said,
                ),
                r#"every(args.to, . in said.emails); args.cc not in said.emails; "x" in args.tags; any(args.rows, .id in .ids)"#,
            ),
            (
                (
                    &[],
                    "said",
                    r#"{"to": [], "cc": 1, "tags": ["x"], "rows": [{"id": null, "ids": [null]}]}"#,
                    r#"{"said": {"emails": []}}"#,
                ),
                "allow",
            ),
            (
                (
                    &[],
                    "said",
                    r#"{"to": [], "cc": 1, "tags": ["x"], "rows": [{"id": null, "ids": [null]}]}"#,
                    r#"{"said": {"emails": ["a"]}}"#,
                ),
                "args.cc not in said.emails",
            ),
            (
                plain("optional", r#"{"days": [{"from": "2020"}]}"#),
                "allow",
            ),
            (
                plain("optional", r#"{"note": null, "days": [{"from": null}]}"#),
                "not optional(args.days, every(., optional(.from, iso_date(.))))",
            ),
            (
                plain("optional", r#"{"note": "12345"}"#),
                "optional(args.note, count(.) < 5); not optional(args.days, every(., optional(.from, iso_date(.))))",
            ),
            (
                plain(
                    "counted",
                    r#"{"items": [{"price": 4}, {"price": 3.1}, {"price": 3}]}"#,
                ),
                r#"count(args.items, not (.price == role)) == count(args.items)"#,
            ),
            (plain("counted", r#"{"items": []}"#), "allow"),
            (
                plain("counted", r#"{"items": [{"price": 4}, {}]}"#),
                "count(args.items, .price > 3) <= 2; count(args.items, not (.price == role)) == count(args.items)",
            ),
            (
                (
                    &[],
                    "named",
                    r#"{"day": "2020-01-02", "n": 4}"#,
                    r#"{"usage": {"tool_calls_24h": 20}}"#,
                ),
                "allow",
            ),
            (
                plain("named", r#"{"day": "2020-1-2", "n": 3}"#),
                "iso_date(args.day); not small(args.n); usage.tool_calls_24h <= 20",
            ),
        ],
    );
}

#[test]
fn paths_are_covered_as_the_evaluator_covers_them() {
    let mut calls = Vec::new();
    for tool in ["copy", "grep", "find", "open", "list", "save"] {
        for path in [
            r#""work/a""#,
            r#""work""#,
            r#""work/.env.example""#,
            r#""work/.env.local""#,
            r#""secrets/public/a""#,
            r#""work/.env.x/.env.example""#,
            r#""/tmp/a""#,
            r#""/tmp/.env.example""#,
            r#""/""#,
            r#"".""#,
            r#""""#,
            r#""src""#,
            r#""src/a.KEY""#,
            r#""/srv""#,
            r#""/srv/a""#,
            r#""README.md""#,
            r#"["src", "src/a"]"#,
            r#"["src", "x"]"#,
            "[]",
            "null",
            r#"[1]"#,
            r#""c:\\Users\\a.txt""#,
            r#""C:/Users/a/public.key""#,
            r#""work\\a""#,
            r#""work/a.""#,
            r#""C:a""#,
            r#""C:""#,
            r#""C:/""#,
            r#""D:/""#,
            r#""d:\\x""#,
            r#""\\\\server\\x""#,
            r#""//server/x""#,
            r#""/work/a""#,
            r#""./C:/x""#,
            r#""C:/~a""#,
            r#""C:/WINDOWS/x""#,
            r#""a/b.exe""#,
            r#""a/b:c""#,
            r#""C:/b:c""#,
            r#""work/a ""#,
            r#""C:/x/../y""#,
            r#""Windows/x""#,
        ] {
            let args = format!(
                r#"{{"source": "work/x", "destination": {path}, "path": {path}, "in": {path}}}"#
            );
            calls.push((&[][..], tool, &*args.leak(), "{}"));
        }
        calls.push(plain(tool, "{}"));
    }
    let Some(opa) = opa() else { return };
    let policy = compile(Path::new("tests/golden/rego/files.yaml"));
    let answers = agree(&opa, &policy, &calls);
    for tool in ["copy", "grep", "find", "open", "list", "save"] {
        let of = calls
            .iter()
            .zip(&answers)
            .filter(|(call, _)| call.1 == tool);
        let (allowed, denied): (Vec<_>, Vec<_>) =
            of.partition(|(_, answer)| answer["allow"] == true);
        assert!(
            allowed.len() > 1 && denied.len() > 5,
            "{tool}: {}",
            allowed.len()
        );
    }
}

#[test]
fn what_calculates_is_refused_by_name() {
    for (condition, what) in [
        ("args.a + 1 == 2", "+"),
        ("args.a - args.b in [1]", "-"),
        ("not any(args.l, . * 2 > 3)", "*"),
        ("sum(args.l, .n) <= 5", "sum"),
        ("count(args.l, sum(., .) == 1) == 1", "sum"),
        ("doubled(args.a)", "*"),
    ] {
        let text = format!(
            "define: {{doubled: . * 2 == 4}}\ntools:\n  t:\n    mode: allow\n    constraints: ['{condition}']\n"
        );
        let policy = Compiler::default()
            .compile_str("p.yaml", &text)
            .policy
            .unwrap();
        let refusal = policy.rego().unwrap_err();
        let Refusal::Inexact {
            what: named,
            place,
            constraint,
        } = &refusal
        else {
            panic!("{refusal}")
        };
        assert_eq!((*named, &**constraint), (what, condition));
        assert_eq!(place, "tool `t` of role `default`");
        assert!(refusal.to_string().contains("--engine native"), "{refusal}");
    }
}

#[test]
fn the_build_says_where_something_is_calculated() {
    let Some(opa) = opa() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.yaml");
    let text = "tools:\n  t:\n    mode: allow\n    constraints:\n      - args.a + 1 == 2\n";
    fs::write(&file, text).unwrap();
    let options = RegoOptions {
        opa: Some(opa.path().to_owned()),
        ..RegoOptions::default()
    };
    let outcome = Compiler::default()
        .make(&file, Some(Engine::Rego), &options)
        .unwrap();
    assert!(outcome.policy.is_none());
    let diagnostic = outcome
        .diagnostics
        .iter()
        .find(|one| one.code == "rego-inexact")
        .unwrap();
    assert_eq!(
        outcome.sources.slice(diagnostic.primary.span),
        "args.a + 1 == 2"
    );
    let native = Compiler::default().make(&file, None, &options).unwrap();
    assert!(matches!(native.policy, Some(Artifact::Policy(_))));
}
