//! Components around modules that OPA compiled: what they decide, and what becomes of those that answer otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use hexgate_compiler::{Compiler, Options};
use hexgate_component::{OpaquePlan, opaque_plan, wrap};
use hexgate_host::bundle::{Digest, Expectation, Parts, TrustedKeys, UnverifiedBundle};
use hexgate_host::{
    Coverage, DecideError, Engine, Isolation, Limits, LoadError, Policy, Request, TrapKind, Verdict,
};

/// Decides whatever `args.answer` says; undefined if it says nothing and `args.asked` is there.
const ECHO: &[u8] = include_bytes!("../../../tests/opa/echo.wasm");
/// Knows `clerk`, `chief` and `default`.
const PLAIN: &[u8] = include_bytes!("../../../tests/opa/plain.wasm");
/// Needs its host for `http.send` and `time.now_ns`.
const HOST: &[u8] = include_bytes!("../../../tests/opa/host.wasm");

fn opaque() -> Vec<u8> {
    opaque_plan(&OpaquePlan::new([7; 32], "opa 1.22.2"))
}

fn engine(limits: Limits) -> Engine {
    Engine::builder().limits(limits).build().unwrap()
}

fn load(module: &[u8], plan: &[u8]) -> Result<Policy, LoadError> {
    load_in(&engine(Limits::default()), module, plan)
}

fn load_in(engine: &Engine, module: &[u8], plan: &[u8]) -> Result<Policy, LoadError> {
    Policy::dangerous_from_unverified_bytes(engine, &wrap(module, plan).unwrap())
}

/// A verdict in a few words.
fn said(verdict: Result<Verdict, DecideError>) -> String {
    match verdict {
        Ok(Verdict::Allow(grant)) => format!("allow {:?} {:?}", grant.role, grant.scope),
        Ok(Verdict::NeedsApproval(needed)) => {
            format!("approval {:?} {:?}", needed.grant.role, needed.grant.scope)
        }
        Ok(Verdict::Deny(denial)) => format!(
            "{} {:?} {:?}",
            denial.reason,
            denial.violations,
            denial.hint.map(|hint| (hint.allowed, hint.denied))
        ),
        Err(error) => format!("{error}"),
    }
}

#[test]
fn plain_rego_decides_role_by_role() {
    let policy = load(PLAIN, &opaque()).unwrap();
    assert_eq!(policy.about().coverage, Coverage::Opaque);
    assert_eq!(policy.about().compiler, "opa 1.22.2");
    assert_eq!(policy.about().source_digest, "07".repeat(32));
    assert!(
        policy
            .describe()
            .unwrap()
            .may_ever_call(&["nobody"], "anything")
    );
    assert!(!policy.is_of_known_engine());
    for (roles, tool, arguments, expected) in [
        (
            &["clerk"][..],
            "refund",
            r#"{"amount":500}"#,
            "allow Some(0) None",
        ),
        (&["chief"], "refund", "{}", "approval Some(0) None"),
        (
            &["nobody", "chief", "clerk"],
            "refund",
            r#"{"amount":1}"#,
            "allow Some(2) None",
        ),
        (&[], "ping", "{}", "allow None None"),
        (
            &["clerk"],
            "refund",
            r#"{"amount":501}"#,
            r#"Policy denied tool "refund": args.amount <= 500 ["args.amount <= 500"] None"#,
        ),
        (
            &["nobody"],
            "ping",
            "{}",
            r#"Policy denied tool "ping" (no allow rule matched for role "nobody") [] None"#,
        ),
    ] {
        let request = Request::new(tool, arguments).roles(roles);
        assert_eq!(
            said(policy.decide(&request)),
            expected,
            "{roles:?} {tool} {arguments}"
        );
    }
}

#[test]
fn requests_are_refused_as_the_native_engine_refuses_them() {
    let policy = load(ECHO, &opaque()).unwrap();
    let native = Compiler::new(Options::default()).compile_str("p.yaml", "tools: {}");
    let native = Policy::dangerous_from_unverified_bytes(
        &Engine::new().unwrap(),
        &native.policy.unwrap().component,
    )
    .unwrap();
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1 << 20));
    let deep = format!(
        "{}{}",
        r#"{"a":"#.repeat(65),
        "1".to_owned() + &"}".repeat(65)
    );
    let many = ["x"; 33];
    for request in [
        Request::new("t", ""),
        Request::new("t", "[]"),
        Request::new("t", "{} {}"),
        Request::new("t", r#"{"a":1,"\u0061":2}"#),
        Request::new("t", r#"{"a":set()}"#),
        Request::new("t", r#"{"a":{1,2}}"#),
        Request::new("t", r#"{"a":"\ud800"}"#),
        Request::new("t", r#"{"a":1e1001}"#),
        Request::new("t", r#"{"a":01}"#),
        Request::new("t", &long),
        Request::new("t", &deep),
        Request::new("t", "{}").roles(&many),
        Request::new("t\n", "{}"),
        Request::new("t", "{}").roles(&["a", "b\u{7f}"]),
        Request::new("t", "{}").facts(r#"{"args":{}}"#),
        Request::new("t", "{}").facts("{"),
    ] {
        let theirs = native.decide(&request).unwrap_err();
        assert_eq!(policy.decide(&request), Err(theirs));
    }
}

#[test]
fn only_the_expected_shape_is_an_answer() {
    // For an answer of a megabyte OPA needs more than an ordinary decision may cost.
    let limits = Limits {
        fuel: 20_000_000_000,
        ..Limits::default()
    };
    let policy = load_in(&engine(limits), ECHO, &opaque()).unwrap();
    let ask = |answer: &str| {
        let arguments = format!(r#"{{"asked":1{answer}}}"#);
        said(policy.decide(&Request::new("t", &arguments)))
    };
    let answer = |object: &str| ask(&format!(r#","answer":{object}"#));
    assert_eq!(
        answer(r#"{"allow":true,"requires_approval":false,"violations":[]}"#),
        "allow None None"
    );
    assert_eq!(
        answer(r#"{"allow":true,"requires_approval":true,"violations":[],"more":[1]}"#),
        "approval None None"
    );
    assert_eq!(
        answer(
            r#"{"allow":false,"requires_approval":false,"violations":["b","a","b","\u0000\"é"]}"#
        ),
        "Policy denied tool \"t\": b; a; b; \0\"é [\"b\", \"a\", \"\\0\\\"é\"] None"
    );
    for (object, wrong) in [
        ("true", "is not an object"),
        ("[]", "is not an object"),
        ("{}", "`allow`"),
        (
            r#"{"allow":1,"requires_approval":false,"violations":[]}"#,
            "`allow`",
        ),
        (
            r#"{"allow":true,"requires_approval":"false","violations":[]}"#,
            "`requires_approval`",
        ),
        (
            r#"{"allow":true,"requires_approval":false,"violations":{}}"#,
            "`violations`",
        ),
        (
            r#"{"allow":true,"requires_approval":false,"violations":[null]}"#,
            "`violations`",
        ),
    ] {
        let error = answer(object);
        assert!(
            error.starts_with("the policy is damaged") && error.contains(wrong),
            "{error}"
        );
    }
    let undefined = ask("");
    assert!(undefined.contains("undefined"), "{undefined}");
    let giant = ask(&format!(
        r#","answer":{{"allow":true,"requires_approval":false,"violations":[],"more":[{}0]}}"#,
        "\"\\b\",".repeat(190_000)
    ));
    assert!(giant.contains("longer than 1 MiB"), "{giant}");
}

const OWN: &str = r#"
roles:
  default: { tools: { ping: { mode: allow } } }
  clerk:
    tools:
      read_file: { mode: allow, file_scope: { allowed_paths: ["docs/**"] } }
"#;

#[test]
fn rego_of_our_own_says_more_and_names_only_what_is_there() {
    let compiled = Compiler::new(Options::default()).compile_str("p.yaml", OWN);
    let policy = load(ECHO, &compiled.policy.unwrap().plan);
    // The answer that plain Rego gives to the first question is not enough here.
    assert!(matches!(policy, Err(LoadError::Answer { .. })));

    let module = include_bytes!("../../../tests/opa/own.wasm");
    let compiled = Compiler::new(Options::default()).compile_str("p.yaml", OWN);
    let policy = load(module, &compiled.policy.unwrap().plan).unwrap();
    assert_eq!(policy.about().coverage, Coverage::Complete);
    assert_eq!(policy.describe().unwrap().roles.len(), 2);
    for (answer, expected) in [
        (
            r#""allow":true,"role":0,"scope":0"#,
            "allow Some(0) Some(0)",
        ),
        (
            r#""requires_approval":true,"role":1"#,
            "approval Some(1) None",
        ),
        (r#""allow":true"#, "allow None None"),
        (r#""allow":true,"role":2"#, "`role`"),
        (r#""allow":true,"role":3"#, "`role`"),
        (r#""allow":true,"role":0,"scope":1"#, "`scope`"),
        (
            r#""allow":true,"denials":[{"role":"clerk","because":"mode","violations":[]}]"#,
            "`denials`",
        ),
        (
            r#""allow":true,"hint":{"allowed":[],"denied":[]}"#,
            "`denials`",
        ),
        (
            "",
            r#"Policy denied tool "t" (no allow rule matched for role "default") [] None"#,
        ),
        (
            r#""denials":[{"role":"clerk","because":"mode","violations":[]}]"#,
            r#"Policy denied tool "t" [] None"#,
        ),
        (
            r#""denials":[{"role":"clerk","because":"scope","violations":[]}],"hint":{"allowed":["a"],"denied":["b"]}"#,
            r#"Policy denied tool "t" for the requested path [] Some((["a"], ["b"]))"#,
        ),
        (
            r#""denials":[{"role":"clerk","because":"constraints","violations":["x","y"]},{"role":"default","because":"unlisted","violations":[]}]"#,
            r#"denied for all roles ["clerk", "default"]: clerk: Policy denied tool "t": x; y; default: Policy denied tool "t" (no allow rule matched for role "default") ["x", "y"] None"#,
        ),
        (
            r#""denials":[{"role":"boss","because":"mode","violations":[]}]"#,
            "`denials`",
        ),
        (
            r#""denials":[{"role":"clerk","because":"whim","violations":[]}]"#,
            "`denials`",
        ),
    ] {
        let arguments = format!(r#"{{"answer":{{{answer}}}}}"#);
        let request = Request::new("t", &arguments).roles(&["clerk", "default", "boss"]);
        let found = said(policy.decide(&request));
        if expected.starts_with('`') {
            assert!(
                found.starts_with("the policy is damaged") && found.contains(expected),
                "{answer}: {found}"
            );
        } else {
            assert_eq!(found, expected, "{answer}");
        }
    }
}

#[test]
fn reused_instances_answer_as_fresh_ones() {
    for isolation in [
        Isolation::AsKnown,
        Isolation::Full,
        Isolation::DangerousNone,
    ] {
        let policy = Policy::dangerous_from_unverified_bytes_with(
            &engine(Limits::default()),
            &wrap(PLAIN, &opaque()).unwrap(),
            isolation,
        )
        .unwrap();
        for round in 0..200 {
            let amount = format!(
                r#"{{"amount":{},"pad":"{}"}}"#,
                400 + round,
                "x".repeat(round * 7)
            );
            let request = Request::new("refund", &amount).roles(&["clerk"]);
            let allowed = policy.decide(&request).unwrap().is_allowed();
            assert_eq!(allowed, 400 + round <= 500, "{isolation:?} {round}");
        }
    }
}

/// Arguments of nearly so many bytes: a list of one item.
fn filled(bytes: usize, item: &str) -> String {
    let mut text = String::from(r#"{"amount":5,"x":["#);
    while text.len() + item.len() + 3 < bytes {
        text += item;
        text.push(',');
    }
    text + "0]}"
}

#[test]
fn long_arguments_are_decided_within_the_default_limits() {
    let policy = load(PLAIN, &opaque()).unwrap();
    let ask =
        |arguments: &str| said(policy.decide(&Request::new("refund", arguments).roles(&["clerk"])));
    let text = format!("\"{}\"", "é".repeat(5000));
    let ordinary = r#"{"name":"some text","list":[true,1.25,{"id":123456}]}"#;
    for item in [&text, ordinary, "\"abc\""] {
        assert_eq!(ask(&filled(1 << 20, item)), "allow Some(0) None", "{item}");
    }
    // OPA takes up to a hundred bytes of memory for one of text.
    for item in [
        "1",
        "1.5",
        "\"\"",
        "[]",
        "{}",
        "[[],{}]",
        r#"{"a":{"b":null}}"#,
    ] {
        assert_eq!(
            ask(&filled(400 << 10, item)),
            "allow Some(0) None",
            "{item}"
        );
    }
    assert_eq!(
        ask(&filled(1 << 20, "1")),
        "the policy was stopped: it ran out of memory"
    );
}

/// The manifest of version 1 and the files that it names.
fn version_1(wasm: &[u8]) -> UnverifiedBundle {
    let source = b"tools: {}\n";
    let manifest = format!(
        "{{\n  \"rego_hash\": \"{}\",\n  \"source\": \"policy.yaml\",\n  \"source_hash\": \"{}\",\n  \"version\": 1,\n  \"wasm_hash\": \"{}\"\n}}\n",
        Digest::of(b"package x\n"),
        Digest::of(source),
        Digest::of(wasm)
    );
    UnverifiedBundle::from_parts(Parts {
        origin: "memory".into(),
        manifest: manifest.into_bytes(),
        signature: None,
        wasm: wasm.to_vec(),
        source: Some(source.to_vec()),
        rego: Some(b"package x\n".to_vec()),
    })
    .unwrap()
}

#[test]
fn bundles_of_version_1_are_wrapped_when_they_are_loaded() {
    let load = |wasm: &[u8]| {
        let bundle = version_1(wasm)
            .dangerous_without_signature(
                &Expectation::dangerous_any_binding(),
                std::time::SystemTime::now(),
            )
            .unwrap();
        Policy::dangerous_load_unsigned(&Engine::new().unwrap(), &bundle)
    };
    let policy = load(PLAIN).unwrap();
    assert_eq!(
        policy.about().source_digest,
        Digest::of(b"tools: {}\n").to_string()
    );
    assert_eq!(policy.about().coverage, Coverage::Opaque);
    let request = Request::new("refund", r#"{"amount":500}"#).roles(&["clerk"]);
    assert_eq!(said(policy.decide(&request)), "allow Some(0) None");

    let error = load(HOST).unwrap_err();
    assert!(
        error.to_string().contains("`http.send`, `time.now_ns`"),
        "{error}"
    );
    let error = load(b"\0asm\x01\0\0\0").unwrap_err();
    assert!(matches!(error, LoadError::Wrap { .. }), "{error}");
    let error =
        Policy::dangerous_from_unverified_bytes(&Engine::new().unwrap(), PLAIN).unwrap_err();
    assert!(
        error.to_string().contains("hexgate policy convert"),
        "{error}"
    );
}

#[test]
fn modules_that_mean_harm_end_in_a_named_error() {
    let limits = Limits {
        fuel: 50_000_000,
        memory_bytes: 8 << 20,
        ..Limits::default()
    };
    let engine = engine(limits);
    let harm =
        |part: &str, body: &str| load_in(&engine, &harmful(part, body), &opaque()).unwrap_err();
    let trap = |error: LoadError| match error {
        LoadError::Start(DecideError::Trap { kind }) => kind,
        other => panic!("{other}"),
    };
    assert_eq!(
        trap(harm("eval", "(loop $l br $l) i32.const 0")),
        TrapKind::Fuel
    );
    assert_eq!(
        trap(harm("malloc", "(loop $l br $l) i32.const 0")),
        TrapKind::Fuel
    );
    assert_eq!(
        trap(harm("eval", "call 0 i32.const 0")),
        TrapKind::Unreachable
    );
    assert_eq!(trap(harm("malloc", "i32.const -4")), TrapKind::OutOfBounds);
    assert_eq!(trap(harm("eval", "i32.const -1")), TrapKind::OutOfBounds);
    // Growing without end ends where the limit is, and what is there then is no answer.
    let growing = "(loop $l i32.const 1 memory.grow i32.const 0 i32.ge_s br_if $l) i32.const 0";
    assert!(matches!(harm("eval", growing), LoadError::Answer { .. }));
    // An answer without an end is cut off.
    let endless = "i32.const 0 i32.const 65 i32.const 2097152 memory.fill i32.const 0";
    let error = harm("eval", &format!("i32.const 32 memory.grow drop {endless}"));
    assert!(error.to_string().contains("longer than 1 MiB"), "{error}");
    // Bytes that are no text.
    let error = harm(
        "eval",
        "i32.const 0 i32.const -1 i32.store i32.const 4 i32.const 0 i32.store i32.const 0",
    );
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

/// A module of OPA's ABI, one of whose functions has this body.
fn harmful(part: &str, body: &str) -> Vec<u8> {
    let body_of = |name| if name == part { body } else { "i32.const 1024" };
    wat::parse_str(format!(
        r#"(module
            (import "env" "opa_abort" (func (param i32)))
            (import "env" "memory" (memory 2))
            (global (export "opa_wasm_abi_version") i32 (i32.const 1))
            (global (export "opa_wasm_abi_minor_version") i32 (i32.const 3))
            (func $object (result i32) i32.const 0)
            (func $one (param i32) (result i32) i32.const 0)
            (func $number (param i64) (result i32) i32.const 0)
            (func $insert (param i32 i32 i32))
            (func (export "opa_heap_ptr_get") (result i32) i32.const 1024)
            (func (export "opa_heap_ptr_set") (param i32))
            (func (export "opa_malloc") (param i32) (result i32) {})
            (func (export "opa_json_parse") (param i32 i32) (result i32) i32.const 1024)
            (func (export "opa_eval") (param i32 i32 i32 i32 i32 i32 i32) (result i32) {})
            (func (export "builtins") (result i32) call $object)
            (func (export "entrypoints") (result i32) (local i32)
                call $object local.set 0
                local.get 0 i32.const 16 call $one i64.const 0 call $number call $insert
                local.get 0)
            (data (i32.const 16) "x/y\00"))"#,
        body_of("malloc").replace("call 0 ", "i32.const 0 call 0 "),
        body_of("eval").replace("call 0 ", "i32.const 0 call 0 "),
    ))
    .unwrap()
}

/// A policy that both releases of the Python system build.
const PYTHON: &str = r#"
roles:
  default: { tools: { ping: { mode: allow } } }
  support:
    tools:
      refund:
        mode: approval_required
        constraints: ["args.amount <= 100", "args.currency == \"EUR\""]
  billing:
    tools:
      refund:
        mode: allow
        constraints: ["args.amount <= 500", "args.currency in [\"EUR\", \"USD\"]"]
      wipe: { mode: deny }
"#;

#[test]
fn bundles_that_python_built_decide_here_as_they_do_there() {
    let (interpreters, opa) = ("HEXGATE_INTEROP_PYTHON", "HEXGATE_OPA_BIN");
    let (Some(interpreters), Some(_)) = (
        std::env::var_os(interpreters).filter(|list| !list.is_empty()),
        std::env::var_os(opa).filter(|path| !path.is_empty()),
    ) else {
        hexgate_test_support::skipped(&format!("{interpreters} and {opa} are not set"));
        return;
    };
    let calls = [
        (
            Some("billing"),
            "refund",
            r#"{"amount": 500, "currency": "USD"}"#,
        ),
        (
            Some("billing"),
            "refund",
            r#"{"amount": 500.5, "currency": "USD"}"#,
        ),
        (
            Some("billing"),
            "refund",
            r#"{"amount": 501, "currency": "GBP"}"#,
        ),
        (Some("billing"), "wipe", "{}"),
        (
            Some("support"),
            "refund",
            r#"{"amount": 100, "currency": "EUR"}"#,
        ),
        (
            Some("support"),
            "refund",
            r#"{"amount": 101, "currency": "EUR"}"#,
        ),
        (
            Some("ghost"),
            "refund",
            r#"{"amount": 1, "currency": "EUR"}"#,
        ),
        (Some("ghost"), "ping", "{}"),
        (None, "ping", "{}"),
        (None, "refund", r#"{"amount": 1, "currency": "EUR"}"#),
    ];
    let listed = calls.map(|(role, tool, args)| {
        let role = role.map_or("null".to_owned(), |role| format!("\"{role}\""));
        format!(r#"{{"role": {role}, "tool": "{tool}", "args": {args}}}"#)
    });
    let listed = format!("[{}]", listed.join(","));
    for python in std::env::split_paths(&interpreters) {
        let folder = tempfile::tempdir().unwrap();
        let [bundle, prefix, public] =
            ["bundle", "k", "k.public"].map(|name| folder.path().join(name));
        run(&python, &["build".as_ref(), &bundle, &prefix], PYTHON);
        let theirs = run(&python, &["decide".as_ref(), &bundle, &public], &listed);

        let keys = TrustedKeys::from_file(&public).unwrap();
        let expectation = Expectation::agent("anyone").dangerous_accept_unbound();
        let bundle = UnverifiedBundle::read(&bundle)
            .unwrap()
            .verify(&keys, &expectation, std::time::SystemTime::now())
            .unwrap();
        let policy = Policy::load(&Engine::new().unwrap(), &bundle).unwrap();
        let ours = calls.map(|(role, tool, args)| {
            let roles: Vec<&str> = role.into_iter().collect();
            let verdict = policy
                .decide(&Request::new(tool, args).roles(&roles))
                .unwrap();
            let (outcome, violations) = match verdict {
                Verdict::Allow(_) => ("allow", Vec::new()),
                Verdict::NeedsApproval(_) => ("needs_approval", Vec::new()),
                Verdict::Deny(denial) => ("deny", denial.violations),
            };
            let parts: Vec<String> = std::iter::once(outcome.to_owned())
                .chain(violations)
                .map(|part| format!("\"{}\"", part.replace('"', "\\\"")))
                .collect();
            format!("[{}]\n", parts.join(", "))
        });
        assert_eq!(ours.concat(), theirs, "{}", python.display());
    }
}

/// Runs the package on a bundle: what it prints.
fn run(python: &Path, arguments: &[&Path], input: &str) -> String {
    let output =
        hexgate_test_support::python::run(python, "python_bundle.py", arguments, input.as_bytes());
    assert!(output.status.success(), "{}", python.display());
    String::from_utf8(output.stdout).unwrap()
}
