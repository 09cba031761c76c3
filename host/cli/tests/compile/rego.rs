//! The binary on policies in Rego, and on YAML by way of OPA: what it writes, and what it refuses without writing anything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use hexgate_compiler::{
    bundle::{self, Expectation, TrustedKeys, UnverifiedBundle},
    opa::{Opa, OpaError},
};

const REGO: &str = "package hexgate.policy

default decision := {\"allow\": false, \"requires_approval\": false, \"violations\": [\"the tool is not open\"]}

decision := {\"allow\": true, \"requires_approval\": false, \"violations\": []} if input.tool in data.open
";
const DATA: &str = "{\"open\": [\"search\"]}\n";
const YAML: &str = "tools:\n  search: { mode: allow, constraints: ['only(args, [\"q\"])'] }\n";

/// A folder with policies, and the binary run within it.
struct Fixture(tempfile::TempDir);

struct Ran {
    code: i32,
    stderr: String,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self(tempfile::tempdir().unwrap());
        fixture.put("policy.rego", REGO);
        fixture.put("data.json", DATA);
        fixture.put("plain.yaml", YAML);
        fixture
    }

    /// One where there is a real `opa`. Without any, says so loudly, or fails where tools are required.
    fn with_opa() -> Option<Self> {
        let opa = hexgate_test_support::tool(
            Opa::find(),
            |error| matches!(error, OpaError::NotFound),
            "there is no `opa`; run `cargo xtask setup opa`",
        );
        opa.map(|_| Self::new())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Puts a program in the place of OPA. It says its version as OPA does and goes on with `script`.
    fn put_opa(&self, script: &str) -> PathBuf {
        let path = self.path("opa");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hexgate-compile"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &str) -> Ran {
        Self::ran(&mut self.command(arguments))
    }

    fn ran(command: &mut Command) -> Ran {
        loop {
            let output = command.output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            // Another test forked while a script was being written.
            if !stderr.contains("Text file busy") {
                return Ran {
                    code: output.status.code().unwrap(),
                    stderr,
                };
            }
        }
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// Of the shape that hosts take, unless something is put in its place.
const DECIDES: &str = "package hexgate.policy

default decision := {\"allow\": false, \"requires_approval\": false, \"violations\": [\"no\"]}
";

#[test]
fn a_policy_whose_answer_no_host_would_take_is_refused_with_the_place() {
    let Some(fixture) = Fixture::with_opa() else {
        return;
    };
    for (rego, place, said) in [
        // What is written out is looked at, whichever call it is for.
        ("default decision := true", "3:21", "not an object"),
        (
            "decision := \"allow\" if input.tool == \"x\"",
            "3:13",
            "not an object",
        ),
        ("decision contains \"x\"", "3:1", "not an object"),
        ("decision if input.tool == \"x\"", "3:1", "not an object"),
        (
            "default decision := {\"allowed\": true, \"requires_approval\": false, \"violations\": []}",
            "3:21",
            "no `allow` that is a boolean",
        ),
        (
            "decision := {\"allow\": \"yes\", \"requires_approval\": false, \"violations\": []} if input.tool == \"x\"",
            "3:13",
            "no `allow` that is a boolean",
        ),
        (
            "decision := {\"allow\": true} if { input.tool == \"x\" } else := {\"allow\": true, \"requires_approval\": 0, \"violations\": []}",
            "3:13",
            "no `requires_approval` that is a boolean",
        ),
        (
            "decision := {\"allow\": true, \"requires_approval\": false, \"violations\": \"x\"} if input.tool == \"x\"",
            "3:13",
            "no `violations` that is a list of texts",
        ),
        (
            "decision := {\"allow\": true, \"requires_approval\": false, \"violations\": [1]} if input.tool == \"x\"",
            "3:13",
            "no `violations` that is a list of texts",
        ),
        // What is worked out is asked for.
        (
            "decision := {k: false | some k in [\"allow\"]}",
            "3:1",
            "no `requires_approval`",
        ),
        (
            "decision := {\"allow\": a, \"requires_approval\": false, \"violations\": []}\na := 1",
            "3:1",
            "no `allow` that is a boolean",
        ),
        (
            "decision := {\"allow\": false, \"requires_approval\": false, \"violations\": v}\nv := [1]",
            "3:1",
            "no `violations` that is a list of texts",
        ),
        (
            "decision := {\"allow\": true, \"requires_approval\": false, \"violations\": []} if input.tool == \"x\"",
            "3:1",
            "undefined for a call that no rule is about",
        ),
        (
            "decision := {\"allow\": a, \"requires_approval\": false, \"violations\": []}\na := true if input.tool\na := false if input.role",
            "3:1",
            "OPA gives up on a first call",
        ),
    ] {
        fixture.put("bad.rego", format!("package hexgate.policy\n\n{rego}\n"));
        let ran = fixture.run("bad.rego --check");
        assert_eq!(ran.code, 1, "{rego}\n{}", ran.stderr);
        assert!(
            ran.stderr.contains("error[rego-answer]"),
            "{rego}\n{}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains(&format!("bad.rego:{place}\n")) && ran.stderr.contains(said),
            "{rego}\n{}",
            ran.stderr
        );
    }
    for rego in [
        DECIDES.to_owned(),
        format!("{DECIDES}\ndecision := {{\"allow\": true, \"requires_approval\": false, \"violations\": {{v | some v in input.args.v}}}} if input.args.v\n"),
        "package hexgate.policy\n\ndecision.allow := false\ndecision.requires_approval := input.tool == \"x\"\ndecision.violations contains \"no\"\n".to_owned(),
        format!("{DECIDES}\ndecision := object.union(allowed, {{\"violations\": []}}) if input.tool == \"x\"\n\nallowed := {{\"allow\": true, \"requires_approval\": false}}\n"),
    ] {
        fixture.put("good.rego", &rego);
        let ran = fixture.run("good.rego --check");
        assert_eq!(ran.code, 0, "{rego}\n{}", ran.stderr);
    }
}

#[test]
fn data_that_nobody_gives_are_refused_by_name_and_place() {
    let Some(fixture) = Fixture::with_opa() else {
        return;
    };
    fixture.put("given.json", "{\"lists\": {\"open\": [\"a\"]}, \"a b\": 1}");
    let policy = |rule: &str| format!("{DECIDES}\n{rule}\n");
    let allowed =
        "decision := {\"allow\": true, \"requires_approval\": false, \"violations\": []} if";
    for (rule, data, name) in [
        ("not data.blocked[input.tool]", false, "data.blocked"),
        ("not data.blocked[input.tool]", true, "data.blocked"),
        ("not data.lists.shut[input.tool]", true, "data.lists.shut"),
        ("not data.lists.open[1]", true, "data.lists.open[1]"),
        ("not data.lists.open.x", true, "data.lists.open.x"),
        ("not data[\"a c\"]", true, "data[\"a c\"]"),
        (
            "count([1 | data.blocked[_] == input.tool]) == 0",
            false,
            "data.blocked",
        ),
        (
            "not helper\n\nhelper if data.hexgate.policy.gone",
            false,
            "data.hexgate.policy.gone",
        ),
    ] {
        let text = policy(&format!("{allowed} {rule}"));
        let before = text.split("data").next().unwrap();
        let place = format!(
            "bad.rego:{}:{}\n",
            before.lines().count(),
            before.lines().last().unwrap().len() + 1
        );
        fixture.put("bad.rego", &text);
        let given = if data { "--data given.json" } else { "" };
        let ran = fixture.run(&format!("bad.rego {given} --check"));
        assert_eq!(ran.code, 1, "{rule}\n{}", ran.stderr);
        let remedy = if data {
            "add it to `given.json`"
        } else {
            "`--data FILE`"
        };
        for said in [
            &format!("error[rego-unknown-data]: nothing gives `{name}`"),
            place.as_str(),
            remedy,
        ] {
            assert!(ran.stderr.contains(said), "{rule}\n{}", ran.stderr);
        }
    }
    // The name of an import leads to what it stands for.
    let imported = DECIDES.replace("\n\n", "\n\nimport data.lists.shut as shut\n\n");
    fixture.put(
        "bad.rego",
        format!("{imported}\n{allowed} not shut[input.tool]\n"),
    );
    let ran = fixture.run("bad.rego --data given.json --check");
    assert!(
        ran.stderr.contains("nothing gives `data.lists.shut`")
            && ran.stderr.contains("bad.rego:3:8\n"),
        "{}",
        ran.stderr
    );
    for rule in [
        format!("{allowed} input.tool in data.lists.open"),
        format!("{allowed} data.lists.open[0] == input.tool"),
        format!("{allowed} not data.lists[input.tool]"),
        format!("{allowed} object.get(data.lists, \"shut\", []) == []"),
        format!("{allowed} data[\"a b\"] == input.args.x"),
        format!("{allowed} data.hexgate.policy.helper\n\nhelper if input.tool == \"x\""),
        // Nothing that is asked depends on it.
        "unused if data.blocked".to_owned(),
    ] {
        fixture.put("good.rego", policy(&rule));
        let ran = fixture.run("good.rego --data given.json --check");
        assert_eq!(ran.code, 0, "{rule}\n{}", ran.stderr);
    }
}

#[test]
fn a_policy_in_rego_becomes_a_bundle_that_verifies() {
    let Some(fixture) = Fixture::with_opa() else {
        return;
    };
    let pair = bundle::generate(fixture.path("release"), false).unwrap();
    let key = pair.private.display();
    let ran = fixture.run(&format!(
        "policy.rego --data data.json -o out --sign-key {key} --agent bot --sequence 3"
    ));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with("wrote `out` (signed with "),
        "{}",
        ran.stderr
    );
    let verified = UnverifiedBundle::read(fixture.path("out"))
        .unwrap()
        .verify(
            &TrustedKeys::from_file(&pair.public).unwrap(),
            &Expectation::agent("bot"),
            std::time::SystemTime::now(),
        )
        .unwrap();
    let contents = verified.contents();
    assert_eq!(contents.rego(), Some(REGO.as_bytes()));
    assert_eq!(contents.manifest().source(), "policy.rego");
    assert_eq!(contents.manifest().engine(), Some("rego"));
    let (_, plan) = hexgate_component::opa_module_of(contents.wasm()).expect("OPA's module");
    let plan = hexgate_eval::Plan::open(plan).unwrap();
    assert_eq!(plan.data().unwrap(), DATA);
    // Whoever reads the YAML instead denies everything.
    let source = std::str::from_utf8(contents.source().unwrap()).unwrap();
    let denying = hexgate_compiler::Compiler::default().compile_str("policy.yaml", source);
    let denying = denying.policy.expect("a policy").model;
    assert!(denying.roles.values().all(|role| {
        role.tools.is_empty() && role.default_rule.mode == hexgate_compiler::model::Mode::Deny
    }));
    // And again: the same bytes.
    let again = fixture.run("policy.rego --data data.json -o again --emit component");
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(fs::read(fixture.path("again/policy.component.wasm")).unwrap() == contents.wasm());
}

#[test]
fn another_rule_can_be_asked_and_line_ends_do_not_matter() {
    let Some(fixture) = Fixture::with_opa() else {
        return;
    };
    fixture.put(
        "other.rego",
        REGO.replace("hexgate.policy", "shop").replace('\n', "\r\n"),
    );
    let ran = fixture.run("other.rego --data data.json --entrypoint shop/decision -o out");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        fs::read_to_string(fixture.path("out/other.rego")).unwrap(),
        REGO.replace("hexgate.policy", "shop")
    );
}

#[test]
fn yaml_goes_through_opa_and_beside_it_for_other_hosts() {
    let Some(fixture) = Fixture::with_opa() else {
        return;
    };
    let ran = fixture.run("plain.yaml --engine rego -o out --emit bundle,opa-core,component,rego");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        fixture.names("out"),
        [
            "plain.bundle",
            "plain.component.wasm",
            "plain.opa-core",
            "plain.rego"
        ]
    );
    let component = fs::read(fixture.path("out/plain.component.wasm")).unwrap();
    let (module, plan) = hexgate_component::opa_module_of(&component).expect("OPA's module");
    assert!(fs::read(fixture.path("out/plain.opa-core/plain.wasm")).unwrap() == module);
    let native = hexgate_compiler::Compiler::default().compile_str("plain.yaml", YAML);
    assert!(native.policy.unwrap().plan == plan);

    // The same module without the engine, and alone the folder is the bundle's own.
    let ran = fixture.run("plain.yaml -o core --emit opa-core");
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (0, "wrote `core` (not signed)\n")
    );
    assert!(fs::read(fixture.path("core/plain.wasm")).unwrap() == module);
    let manifest = fs::read_to_string(fixture.path("core/plain.bundle.json")).unwrap();
    assert!(manifest.contains("\"version\": 1,"), "{manifest}");
}

#[test]
fn options_that_do_not_fit_are_misuse() {
    let Some(fixture) = Fixture::with_opa() else {
        return;
    };
    let before = fixture.names(".");
    for (arguments, expected) in [
        (
            "plain.yaml --data data.json",
            "`--data` and `--entrypoint` are for policies in Rego",
        ),
        (
            "plain.yaml --entrypoint a/b",
            "`--data` and `--entrypoint` are for policies in Rego",
        ),
        ("policy.rego --engine native", "leave `--engine native` out"),
        (
            "policy.rego --entrypoint decision",
            "an entrypoint is the package and the rule",
        ),
        (
            "policy.rego --data nowhere.json",
            "cannot read `nowhere.json`: No such file or directory",
        ),
        (
            "nowhere.rego",
            "cannot read `nowhere.rego`: No such file or directory",
        ),
        (
            "policy.rego --data data.json --emit plan",
            "`--emit plan` is for policies in YAML",
        ),
        (
            "policy.rego --data data.json --emit bundle,core",
            "`--emit core` is for policies in YAML",
        ),
        (
            "plain.yaml --engine rego --emit bundle,core",
            "`--emit core` is for the engine `native`",
        ),
        (
            "policy.rego --data data.json --emit bundle,opa-core",
            "OPA's module does not hold the data",
        ),
    ] {
        let ran = fixture.run(arguments);
        assert_eq!(ran.code, 2, "{arguments}\n{}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{arguments}\n{}", ran.stderr);
        assert_eq!(fixture.names("."), before, "{arguments}");
    }
}

#[test]
fn es_modules_have_the_core_modules_beside_them() {
    let Some(fixture) = Fixture::with_opa() else {
        return;
    };
    for (arguments, stem) in [
        ("policy.rego --data data.json", "policy"),
        ("plain.yaml --engine rego", "plain"),
    ] {
        let out = format!("{stem}-js");
        let ran = fixture.run(&format!("{arguments} --emit js --out {out}"));
        assert_eq!(ran.code, 0, "{arguments}\n{}", ran.stderr);
        let expected = ["core.wasm", "core2.wasm", "core3.wasm", "d.ts", "js"];
        let expected = expected.map(|ending| format!("{stem}.{ending}"));
        assert_eq!(fixture.names(&out), expected, "{arguments}");
    }
}

#[test]
fn policies_that_are_refused_leave_nothing() {
    let Some(fixture) = Fixture::with_opa() else {
        return;
    };
    fixture.put("syntax.rego", "package hexgate.policy\n\ndecision := {{\n");
    fixture.put(
        "builtin.rego",
        "package hexgate.policy\n\ndecision := {\"allow\": time.now_ns() > 5}\n",
    );
    fixture.put("binary.rego", b"\x00asm\x01\x00\x00\x00\xff");
    fixture.put("hidden.rego", format!("{REGO}# \u{202e}\n"));
    fixture.put("list.json", "[1]");
    fixture.put("twice.json", "{\"a\": 1, \"a\": 2}");
    fixture.put(
        "rule.json",
        "{\"hexgate\": {\"policy\": {\"decision\": 1}}}",
    );
    fixture.put("half.json", "{\"a\": ");
    let before = fixture.names(".");
    for (arguments, code) in [
        ("syntax.rego", "rego-syntax"),
        ("builtin.rego", "rego-builtin"),
        ("binary.rego", "invalid-utf8"),
        ("hidden.rego", "refused-character"),
        (
            "policy.rego --entrypoint hexgate/policy/allowed",
            "rego-entrypoint",
        ),
        ("policy.rego --data list.json", "rego-data"),
        ("policy.rego --data twice.json", "rego-data"),
        ("policy.rego --data half.json", "rego-data"),
        ("policy.rego --data rule.json", "rego-compile"),
    ] {
        for output in ["-o out", "-o out --emit component", "--check"] {
            let ran = fixture.run(&format!("{arguments} {output}"));
            assert_eq!(ran.code, 1, "{arguments}\n{}", ran.stderr);
            assert!(
                ran.stderr.contains(&format!("error[{code}]")),
                "{arguments}\n{}",
                ran.stderr
            );
            assert_eq!(fixture.names("."), before, "{arguments}");
        }
    }
}

/// A policy, and calls with what comes of them: outcome and violations.
const BILLING: &str = r#"roles:
  default:
    tools:
      help: { mode: allow }
  billing:
    tools:
      refund:
        mode: allow
        constraints:
          - only(args, ["amount", "currency"])
          - args.amount > 0
          - args.amount <= 500.5
          - args.currency in ["USD", "EUR"]
          - not (args.currency == "EUR" and args.amount > 100)
      wire: { mode: approval_required, constraints: ["args.iban == \"größe 😀\\u0000\""] }
      wipe: { mode: deny }
"#;
const CALLS: &[(&str, &str)] = &[
    (
        r#"{"role": null, "tool": "help", "args": {}}"#,
        r#"["allow"]"#,
    ),
    (
        r#"{"role": "billing", "tool": "help", "args": {}}"#,
        r#"["deny"]"#,
    ),
    (
        r#"{"role": "ghost", "tool": "help", "args": {}}"#,
        r#"["allow"]"#,
    ),
    (
        r#"{"role": "billing", "tool": "refund", "args": {"amount": 500.5, "currency": "USD"}}"#,
        r#"["allow"]"#,
    ),
    (
        r#"{"role": "billing", "tool": "refund", "args": {"amount": 500.6, "currency": "USD"}}"#,
        r#"["deny", "args.amount <= 500.5"]"#,
    ),
    (
        r#"{"role": "billing", "tool": "refund", "args": {"amount": 200, "currency": "EUR", "x": 1}}"#,
        r#"["deny", "only(args, [\"amount\", \"currency\"])", "not (args.currency == \"EUR\" and args.amount > 100)"]"#,
    ),
    (
        r#"{"role": "billing", "tool": "wire", "args": {"iban": "größe 😀\u0000"}}"#,
        r#"["needs_approval"]"#,
    ),
    (
        r#"{"role": "billing", "tool": "wire", "args": {}}"#,
        r#"["deny", "args.iban == \"größe 😀\\u0000\""]"#,
    ),
    (
        r#"{"role": "billing", "tool": "wipe", "args": {}}"#,
        r#"["deny"]"#,
    ),
];

#[test]
fn python_verifies_and_enforces_what_we_built_for_it() {
    let Some(fixture) = Fixture::with_opa() else {
        return;
    };
    let pythons = match std::env::var_os("HEXGATE_INTEROP_PYTHON") {
        Some(list) if !list.is_empty() => std::env::split_paths(&list).collect::<Vec<_>>(),
        _ => {
            let required =
                std::env::var_os("HEXGATE_REQUIRE_TOOLS").is_some_and(|value| value == "1");
            assert!(
                !required,
                "HEXGATE_INTEROP_PYTHON names no interpreter with the package"
            );
            hexgate_test_support::skipped(
                "HEXGATE_INTEROP_PYTHON names no interpreter with the package",
            );
            return;
        }
    };
    fixture.put("billing.yaml", BILLING);
    let pair = bundle::generate(fixture.path("release"), false).unwrap();
    let key = pair.private.display();
    let ran = fixture.run(&format!(
        "billing.yaml -o out --emit opa-core --sign-key {key}"
    ));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let calls: Vec<&str> = CALLS.iter().map(|(call, _)| *call).collect();
    let expected: Vec<&str> = CALLS.iter().map(|(_, answer)| *answer).collect();
    fixture.put("calls.json", format!("[{}]", calls.join(",")));
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/interop/python_bundle.py"
    );
    for python in pythons {
        let decide = || {
            Command::new(&python)
                .args(["-B", script, "decide"])
                .args([fixture.path("out"), pair.public.clone()])
                .stdin(fs::File::open(fixture.path("calls.json")).unwrap())
                .output()
                .unwrap()
        };
        let output = decide();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let answers = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            answers.lines().collect::<Vec<_>>(),
            expected,
            "{}",
            python.display()
        );

        let module = fs::read(fixture.path("out/billing.wasm")).unwrap();
        let mut changed = module.clone();
        *changed.last_mut().unwrap() ^= 1;
        fixture.put("out/billing.wasm", changed);
        assert!(!decide().status.success());
        fixture.put("out/billing.wasm", module);
    }
}

/// Says its version and what it has, as OPA does.
const PRETENDER: &str = "[ \"$1\" = version ] && echo 'Version: 1.22.2' && exit
[ \"$1\" = capabilities ] && echo '{\"builtins\": [{\"name\": \"count\"}]}' && exit
";

#[test]
fn without_an_opa_that_works_nothing_is_written() {
    let fixture = Fixture::new();
    fixture.put_opa("");
    let before = fixture.names(".");
    for arguments in [
        "policy.rego -o out",
        "plain.yaml --engine rego -o out",
        "plain.yaml --emit bundle,opa-core -o out",
    ] {
        let check = |ran: Ran, expected: &str| {
            assert_eq!(ran.code, 2, "{arguments}\n{}", ran.stderr);
            assert!(ran.stderr.contains(expected), "{arguments}\n{}", ran.stderr);
            assert_eq!(fixture.names("."), before, "{arguments}");
        };
        let mut none = fixture.command(arguments);
        none.env_remove("HEXGATE_OPA_BIN").env("PATH", "/nowhere");
        check(
            Fixture::ran(&mut none),
            "Rego needs `opa`, version 1.0.0 or newer, and there is none on the path; install",
        );
        let mut gone = fixture.command(arguments);
        gone.env("HEXGATE_OPA_BIN", fixture.path("nowhere"));
        check(
            Fixture::ran(&mut gone),
            "which is not there; name the binary of Open Policy Agent",
        );
        for (script, expected) in [
            (
                "echo 'Version: 0.61.0'".to_owned(),
                "is version 0.61.0, and Rego needs 1.0.0 or newer",
            ),
            ("echo hello".to_owned(), "is not the version of OPA"),
            (
                format!("{PRETENDER}echo no licence >&2; exit 7"),
                "opa build` failed (exit status: 7): no licence",
            ),
            (
                format!("{PRETENDER}head -c 1000 /dev/urandom > ../bundle.tar.gz"),
                "is not a gzipped tar archive",
            ),
            (format!("{PRETENDER}exit 0"), "is not an archive"),
            (
                format!("{PRETENDER}sleep 600"),
                "opa build` did not end within 1 s; for a policy that takes longer raise `HEXGATE_OPA_TIMEOUT`",
            ),
        ] {
            let mut bad = fixture.command(arguments);
            bad.env("HEXGATE_OPA_BIN", fixture.put_opa(&script))
                .env("HEXGATE_OPA_TIMEOUT", "1");
            check(Fixture::ran(&mut bad), expected);
        }
    }
    let mut zero = fixture.command("policy.rego");
    zero.env("HEXGATE_OPA_TIMEOUT", "0");
    let ran = Fixture::ran(&mut zero);
    assert!(
        ran.code == 2 && ran.stderr.contains("must be a number of seconds"),
        "{}",
        ran.stderr
    );
    // What needs none does not ask for one.
    let mut native = fixture.command("plain.yaml -q");
    native.env_remove("HEXGATE_OPA_BIN").env("PATH", "/nowhere");
    assert_eq!(Fixture::ran(&mut native).code, 0);
}

#[test]
fn what_it_runs_ends_when_it_is_told_to_stop() {
    for signal in ["INT", "TERM", "HUP"] {
        let fixture = Fixture::new();
        let opa = fixture.put_opa("echo $$ > \"$0.pid\"; sleep 600 & sleep 600");
        let mut child = fixture
            .command("policy.rego --out dist")
            .env("HEXGATE_OPA_BIN", opa)
            .env("TMPDIR", fixture.0.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = loop {
            match fs::read_to_string(fixture.path("opa.pid")) {
                Ok(pid) if pid.ends_with('\n') => break pid,
                _ => assert!(child.try_wait().unwrap().is_none(), "it ended by itself"),
            }
        };
        let kill = Command::new("kill")
            .args([format!("-{signal}"), child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        assert!(!child.wait().unwrap().success(), "{signal}");
        let begin = std::time::Instant::now();
        while is_alive(pid.trim()) {
            assert!(begin.elapsed().as_secs() < 10, "{signal}");
        }
        assert!(!fixture.path("dist").exists());
    }
}

/// Whether a process runs. One that has ended and was not waited for does not.
fn is_alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        // The name, in parentheses, may hold anything.
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with('Z'))
    })
}
