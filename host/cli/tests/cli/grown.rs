//! `--explain`, `inspect` and `--coverage` about a policy that has everything: several rules, exceptions, forbids, patterns, messages,
//! terms, scopes of every kind. What they print stands in `snapshots`, what `--explain` asks for in `grown/needs.jsonl`.

use std::{fs, path::Path};

use insta::assert_snapshot;
use serde_json::Value;

use crate::fixture::Fixture;

const POLICY: &str = include_str!("grown/policy.yaml");

fn fixture() -> Fixture {
    Fixture::empty()
        .with("policy.yaml", POLICY)
        .with("suite.yaml", include_str!("grown/suite.yaml"))
}

fn arguments<'a>(tool: &'a str, args: &'a str, facts: &'a str) -> Vec<&'a str> {
    let (role, files) = (["--role", "shop"], ["test", "policy.yaml"]);
    let call = ["--tool", tool, "--args", args, "--facts", facts];
    [&files[..], &role, &call, &["--explain"]].concat()
}

fn explain(tool: &str, args: &str, facts: &str) -> String {
    fixture().run_of(&arguments(tool, args, facts))
}

#[test]
fn rules_exceptions_and_forbids_are_explained() {
    let refund = |args: &str| explain("refund", args, "{}");
    assert_snapshot!(
        "an_exception_that_cannot_be_told",
        refund(
            r#"{"amount": 450, "currency": "EUR", "day": "5/1", "note": "longer than twenty letters"}"#
        )
    );
    assert_snapshot!(
        "a_forbid_that_no_role_lifts",
        refund(r#"{"amount": 5, "environment": "prod"}"#)
    );
    assert_snapshot!(
        "a_forbid_of_the_role",
        refund(r#"{"amount": 80, "debug": 1}"#)
    );
    assert_snapshot!(
        "a_rule_for_a_pattern",
        explain("mcp-docs-search", "{}", "{}")
    );
    assert_snapshot!(
        "a_pattern_that_denies",
        explain("mcp-mail-send", "{}", "{}")
    );
    assert_snapshot!("unlisted_tools_on_terms", explain("other", "{}", "{}"));
}

#[test]
fn scopes_of_every_kind_are_explained() {
    let of = |tool: &str, args: &str| explain(tool, args, "{}");
    assert_snapshot!(
        "a_path_that_an_exception_cannot_judge",
        of("read_file", r#"{"file_path": "/etc/passwd"}"#)
    );
    assert_snapshot!(
        "a_path_of_an_exception",
        of("read_file", r#"{"file_path": "secrets/key"}"#)
    );
    assert_snapshot!("a_search_from_the_root", of("find", "{}"));
    assert_snapshot!(
        "one_of_two_paths_is_forbidden",
        of(
            "copy",
            r#"{"source": "work/a", "destination": "/tmp/tls.PEM"}"#
        )
    );
    assert_snapshot!(
        "a_path_that_a_forbid_misses",
        of("copy", r#"{"source": "work/a"}"#)
    );
    assert_snapshot!(
        "a_path_of_windows",
        of("open", r#"{"path": "c:\\Windows\\x"}"#)
    );
}

#[test]
fn conditions_of_every_kind_are_explained() {
    let mail = r#"{"to": ["a@b.example", "c@d.example"], "text": {"AKIAIOSFODNN7EXAMPLE": ["x"]}}"#;
    assert_snapshot!(
        "lists_of_facts_and_texts_anywhere",
        explain("mail", mail, r#"{"said": {"emails": ["a@b.example"]}}"#)
    );
    let order = r#"{"items": [{"price": 400}, {"price": 300}], "shipping": 200}"#;
    assert_snapshot!("sums_and_counts", explain("order", order, "{}"));
    let run = r#"{"command": ["rm", "x"], "env": {"APP_A": "1", "PATH": 5}}"#;
    assert_snapshot!("members_and_elements", explain("run", run, "{}"));
    assert_snapshot!(
        "lists_of_constants",
        explain("connect", r#"{"host": "Evil.test"}"#, "{}")
    );
}

#[test]
fn programs_get_the_same_explanations_as_json() {
    let of = |tool: &str, args: &str| {
        let mut arguments = arguments(tool, args, "{}");
        arguments.push("--json");
        in_order(&fixture().json(&arguments)["explanation"])
    };
    assert_snapshot!(
        "an_exception_in_json",
        of("read_file", r#"{"file_path": "/etc/passwd"}"#)
    );
    assert_snapshot!(
        "a_forbid_in_json",
        of(
            "copy",
            r#"{"source": "work/a", "destination": "/tmp/tls.PEM"}"#
        )
    );
}

#[test]
fn inspect_shows_all_of_it() {
    let fixture = fixture().with_bundle();
    let shown = fixture.run("inspect dist");
    let (_, policy) = shown.split_once("\npolicy\n").unwrap();
    assert_snapshot!("inspected", policy);
    let mut permits = fixture.json(&["inspect", "dist", "--json"])["component"]["permits"].take();
    permits["source_digest"] = "[SHA256]".into();
    assert_snapshot!("inspected_in_json", in_order(&permits));
}

#[test]
fn coverage_knows_what_forbids_and_which_of_several_rules_is_meant() {
    let fixture = fixture();
    let suite = "test policy.yaml --suite suite.yaml --coverage";
    assert_snapshot!("coverage", fixture.run(suite));
    let arguments: Vec<&str> = suite.split(' ').chain(["--json"]).collect();
    assert_snapshot!(
        "coverage_in_json",
        in_order(&fixture.json(&arguments)["coverage"])
    );
}

/// A call that is changed as the explanation asks passes, and then nothing is asked for.
#[test]
fn what_is_asked_for_of_grown_conditions_is_enough() {
    let facts = r#"{"said": {"emails": ["a@b.example"]}, "ctx": {"prefix": "app/"}}"#;
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/grown/needs.jsonl"),
    )
    .unwrap()
    .lines()
    {
        rows += 1;
        let row: Value = serde_json::from_str(line).unwrap();
        let constraint = row["constraint"].as_str().unwrap();
        let policy = format!(
            "consts: {{ suffixes: [.example.com, .example.org] }}\ndefine:\n  iso_date: 'matches(., \"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$\")'\n\
             tools:\n  t:\n    mode: allow\n    constraints: ['{constraint}']\n"
        );
        let fixture = Fixture::empty().with("policy.yaml", policy);
        let ask = |args: &Value| {
            let args = args.to_string();
            let call = ["--tool", "t", "--args", &args, "--facts", facts];
            fixture.run_of(&[&["test", "policy.yaml", "--explain"], &call[..]].concat())
        };
        let asked = ask(&row["fails"]);
        let needs = asked.split_once("  to pass:\n").map(|(_, needs)| needs);
        if !needs.is_some_and(|needs| needs.contains(row["asks"].as_str().unwrap())) {
            wrong.push(format!("{constraint}: {asked}"));
        }
        let passed = ask(&row["passes"]);
        if !passed.starts_with("exit 0\n✓ ALLOW") || passed.contains("to pass") {
            wrong.push(format!("{constraint}: {passed}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 30, "{rows}");
}

/// JSON with its members in one order: which one it has depends on what else is in the program.
pub(crate) fn in_order(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(sorted).collect(),
            Value::Object(members) => {
                let members: std::collections::BTreeMap<_, _> = members.iter().collect();
                let members = members.into_iter();
                members
                    .map(|(name, value)| (name.clone(), sorted(value)))
                    .collect()
            }
            other => other.clone(),
        }
    }
    serde_json::to_string_pretty(&sorted(value)).unwrap()
}
