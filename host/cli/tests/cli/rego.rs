//! Policies in Rego, and policies of ours by way of OPA.

use insta::assert_snapshot;

use crate::fixture::Fixture;

const REGO: &str = r#"package hexgate.policy

default decision := {"allow": false, "requires_approval": false, "violations": ["the tool is not open"]}

decision := {"allow": true, "requires_approval": false, "violations": []} if input.tool in data.open

decision := {"allow": false, "requires_approval": true, "violations": []} if input.role == "clerk"
"#;

/// A folder with `mine.rego` and `data.json`. Without an `opa` says so loudly, or fails where tools are required.
fn with_opa() -> Option<Fixture> {
    use hexgate_compiler::opa::{Opa, OpaError};
    let opa = hexgate_test_support::tool(
        Opa::find(),
        |error| matches!(error, OpaError::NotFound),
        "there is no `opa`; run `cargo xtask setup opa`",
    );
    opa.map(|_| {
        Fixture::new()
            .with("mine.rego", REGO)
            .with("data.json", r#"{"open": ["search"]}"#)
    })
}

#[test]
fn a_policy_in_rego_is_tested_built_and_decided() {
    let Some(fixture) = with_opa() else { return };
    assert_snapshot!(fixture.run("validate mine.rego --data data.json"), @r"
    exit 0
    ✓ mine.rego is valid: Rego that OPA compiles
    ");
    assert_snapshot!(fixture.run("test mine.rego --data data.json --tool search"), @r"
    exit 0
    ✓ ALLOW · default → search({})
    ");
    assert_snapshot!(fixture.run("test mine.rego --data data.json --tool wipe"), @r#"
    exit 1
    ✗ DENY · default → wipe({})
      reason: Policy denied tool "wipe": the tool is not open
      violations:
        • the tool is not open
    "#);
    assert_snapshot!(fixture.run("test mine.rego --data data.json --tool wipe --roles guest,clerk"), @r#"
    exit 0
    ⚠ APPROVAL_REQUIRED · [guest, clerk] → wipe({})
      reason: Policy requires approval for tool "wipe"
    "#);
    fixture.quiet("keygen --out release");
    fixture.quiet(
        "build mine.rego --data data.json --out dist --sign-key release.private --agent bot",
    );
    assert_snapshot!(fixture.run("test dist --pubkey release.public --tool search"), @r"
    exit 0
    ✓ ALLOW · default → search({})
    ");
    assert_snapshot!(fixture.run("test dist --pubkey release.public --tool search --data data.json"), @r"
    exit 2
    --- stderr
    error: `--data` and `--entrypoint` are for policies in Rego, and the component in `dist` has its own: leave them out
    ");
    assert_snapshot!(fixture.run("test dist --pubkey release.public --tool search --engine reference"), @r"
    exit 2
    --- stderr
    error: `--engine reference` needs a policy of the known engine, and the component in `dist` is of another one, which tells its verdict and nothing else
    ");
}

#[test]
fn a_policy_in_rego_that_no_host_would_load_is_neither_valid_nor_built() {
    let Some(fixture) = with_opa() else { return };
    let fixture = fixture
        .with(
            "odd.rego",
            "package hexgate.policy\n\ndecision := {\"allow\": x, \"violations\": []}\n\nx := true\n",
        )
        .with(
            "undefined.rego",
            "package hexgate.policy\n\ndecision := {\"allow\": true, \"requires_approval\": false, \"violations\": []} if input.tool == \"search\"\n",
        )
        .with(
            "open.rego",
            "package hexgate.policy\n\ndefault decision := {\"allow\": false, \"requires_approval\": false, \"violations\": []}\n\ndecision := {\"allow\": true, \"requires_approval\": false, \"violations\": []} if not data.blocked[input.tool]\n",
        );
    for (policy, code, said, place) in [
        (
            "odd.rego",
            "rego-answer",
            "the decision has no `requires_approval`",
            "3:13",
        ),
        (
            "undefined.rego",
            "rego-answer",
            "the decision is undefined",
            "3:1",
        ),
        (
            "open.rego",
            "rego-unknown-data",
            "nothing gives `data.blocked`",
            "5:82",
        ),
    ] {
        for command in [
            "validate POLICY",
            "build POLICY --out dist",
            "test POLICY --tool search",
        ] {
            let ran = fixture.run(&command.replace("POLICY", policy));
            assert!(
                ran.starts_with("exit 1\n")
                    && ran.contains(&format!("error[{code}]: {said}"))
                    && ran.contains(&format!("{policy}:{place}\n")),
                "{ran}"
            );
        }
    }
    assert!(!fixture.path("dist").exists());
}

#[test]
fn a_suite_runs_on_a_policy_in_rego() {
    let Some(fixture) = with_opa() else { return };
    let fixture = fixture.with(
        "suite.yaml",
        "- { name: open, tool: search, expect: allow }\n- { name: closed, tool: wipe, expect: deny, violations: ['the tool is not open'] }\n",
    );
    assert_snapshot!(fixture.run("test mine.rego --data data.json --suite suite.yaml"), @r"
    exit 0
    2 passed, 0 failed
    ");
}

#[test]
fn all_engines_say_the_same() {
    let Some(fixture) = with_opa() else { return };
    let fixture = fixture.with_bundle();
    // Each call builds the policy anew, so a bundle is asked less.
    for (subject, calls) in [("policy.yaml", 8), ("dist", 2)] {
        for (role, tool, args) in [
            (
                "billing",
                "refund_order",
                r#"{"amount": 5, "currency": "EUR"}"#,
            ),
            (
                "billing",
                "refund_order",
                r#"{"amount": 501, "currency": 5}"#,
            ),
            ("billing", "wire_transfer", r#"{"amount": 5}"#),
            ("billing", "read_file", r#"{"file_path": "x/.env"}"#),
            ("billing", "read_file", r#"{"file_path": "src/a.rs"}"#),
            ("ghost", "read_file", "{}"),
            ("support", "view_orders", r#"{"id": 1e400}"#),
            ("support", "view_orders", r#"{"id": 1, "id": 2}"#),
        ]
        .into_iter()
        .take(calls)
        {
            let with = |engine: &str| {
                fixture.run_of(&[
                    "test", subject, "--role", role, "--tool", tool, "--args", args, "--engine",
                    engine,
                ])
            };
            assert_eq!(with("rego"), with("reference"), "{subject} {tool} {args}");
        }
    }
}

#[test]
fn a_bundle_with_the_module_of_opa_is_used_like_any_other() {
    let Some(fixture) = with_opa() else { return };
    fixture.quiet("build policy.yaml --engine rego --out by-opa");
    let call = [
        "--role",
        "billing",
        "--tool",
        "wire_transfer",
        "--args",
        r#"{"amount": 5}"#,
    ];
    let said = |engine: &str| {
        fixture.run_of(&[&["test", "by-opa", "--engine", engine], &call[..]].concat())
    };
    assert_snapshot!(said("native"), @r#"
    exit 0
    ⚠ APPROVAL_REQUIRED · billing → wire_transfer({"amount": 5})
      reason: Policy requires approval for tool "wire_transfer"
    --- stderr
    note: the files of `by-opa` match its manifest, but it is not signed
    "#);
    assert_eq!(said("native"), said("rego"));
    let inspected = fixture.run("inspect by-opa");
    assert!(inspected.contains("engine         rego"), "{inspected}");
    assert!(
        inspected.contains("engine         a module of OPA, "),
        "{inspected}"
    );
    assert!(inspected.contains("its engine is not known"), "{inspected}");
}

#[test]
fn what_is_refused_is_not_built() {
    let Some(fixture) = with_opa() else { return };
    let fixture = fixture.with(
        "clock.rego",
        "package hexgate.policy\n\ndecision := {\"allow\": time.now_ns() > 5}\n",
    );
    assert_snapshot!(fixture.run("build clock.rego --out dist"), @r#"
    exit 1
    --- stderr
    error[rego-builtin]: the builtin `time.now_ns` is not available in a component
     --> clock.rego:3:23
      |
    3 | decision := {"allow": time.now_ns() > 5}
      |                       ^^^^^^^^^^^ needs a host
      |
      = help: a policy component calls nothing outside of itself: pass what the rule needs in the facts of the request or as data, or write it with other builtins

    `clock.rego` is refused: 1 error
    for more about a code run `hexgate-compile --explain rego-builtin`
    "#);
    assert_snapshot!(fixture.run("validate policy.yaml --data data.json"), @r"
    exit 2
    --- stderr
    error: `--data` and `--entrypoint` are for policies in Rego, whose file names end in `.rego`: leave them out
    ");
    assert_snapshot!(fixture.run("validate mine.rego --engine native"), @r"
    exit 2
    --- stderr
    error: a policy in Rego is evaluated by OPA's module: leave `--engine native` out
    ");
    assert!(!fixture.path("dist").exists());
    let mut none = fixture.command("build mine.rego --out dist");
    none.env_remove("HEXGATE_OPA_BIN").env("PATH", "/nowhere");
    assert_snapshot!(fixture.shown(&none.output().unwrap()), @r"
    exit 2
    --- stderr
    error: Rego needs `opa`, version 1.0.0 or newer, and there is none on the path; install Open Policy Agent from https://www.openpolicyagent.org/docs#1-download-opa, or name its binary in `HEXGATE_OPA_BIN`
    ");
    assert!(!fixture.path("dist").exists());
}
