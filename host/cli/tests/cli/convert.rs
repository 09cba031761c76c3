//! `hexgate policy convert`, and bundles of the Python system elsewhere

use std::fs;

use hexgate_bundle::{PrivateKey, V1Draft};

use crate::fixture::Fixture;

/// Knows the roles `clerk`, `chief` and `default`.
const PLAIN: &[u8] = include_bytes!("../../../../tests/opa/plain.wasm");
const HOST: &[u8] = include_bytes!("../../../../tests/opa/host.wasm");

/// Keys, and a signed bundle of version 1 in `old`.
fn fixture(wasm: &[u8]) -> Fixture {
    let fixture = Fixture::empty();
    fixture.quiet("keygen --out release");
    let key = PrivateKey::from_file(fixture.path("release.private"))
        .unwrap()
        .key;
    let draft = V1Draft {
        stem: "policy".parse().unwrap(),
        source: b"tools: {}\n",
        rego: "package hexgate.policy\n",
        wasm,
    };
    let sealed = draft.seal(Some(&key)).unwrap();
    sealed.write(fixture.path("old")).unwrap();
    fixture
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

#[test]
fn a_bundle_of_the_python_system_is_used_as_it_is() {
    let fixture = fixture(PLAIN);
    let verified = fixture.run("verify old --pubkey release.public");
    says(
        &verified,
        &["exit 0", "a module of OPA's", "sequence   none"],
    );
    let allowed = fixture.run_of(&[
        "test",
        "old",
        "--pubkey",
        "release.public",
        "--role",
        "clerk",
        "--tool",
        "refund",
        "--args",
        r#"{"amount": 500}"#,
    ]);
    says(&allowed, &["exit 0", "clerk"]);
    let denied = fixture.run_of(&[
        "test",
        "old",
        "--role",
        "clerk",
        "--tool",
        "refund",
        "--args",
        r#"{"amount": 501}"#,
    ]);
    says(&denied, &["exit 1", "args.amount <= 500"]);
    let shown = fixture.run("inspect old --pubkey release.public");
    says(&shown, &["exit 0"]);
}

#[test]
fn a_bundle_of_the_python_system_becomes_one_with_a_component() {
    let fixture = fixture(PLAIN);
    let told = fixture.run("convert old --pubkey release.public --out new --sign-key release.private --agent support-bot --sequence 3");
    says(
        &told,
        &[
            "exit 0",
            "Wrote new/policy.wasm",
            "Wrote new/policy.bundle.json.sig (signed)",
        ],
    );
    let manifest = fs::read_to_string(fixture.path("new/policy.bundle.json")).unwrap();
    says(
        &manifest,
        &[
            r#""engine": "rego""#,
            r#""version": 2"#,
            r#""agent": "support-bot""#,
            r#""sequence": 3"#,
            r#""compiler": "opa""#,
        ],
    );
    let verified = fixture.run("verify new --pubkey release.public --agent support-bot");
    says(
        &verified,
        &["exit 0", "a module of OPA's", "support-bot, as expected"],
    );
    for (amount, exit, said) in [
        ("500", "exit 0", "clerk"),
        ("501", "exit 1", "args.amount <= 500"),
    ] {
        let arguments = format!("{{\"amount\": {amount}}}");
        let tested = fixture.run_of(&[
            "test",
            "new",
            "--pubkey",
            "release.public",
            "--role",
            "clerk",
            "--tool",
            "refund",
            "--args",
            &arguments,
        ]);
        says(&tested, &[exit, said]);
    }
    let again = fixture.run("convert new --pubkey release.public --out newer");
    says(&again, &["exit 2", "holds a component already"]);
    assert!(!fixture.path("newer").exists());
}

#[test]
fn what_is_not_verified_is_not_signed() {
    let fixture = fixture(PLAIN);
    let refused = fixture.run("convert old --out new --sign-key release.private");
    says(&refused, &["exit 2", "--pubkey"]);
    assert!(!fixture.path("new").exists());
    let told = fixture.run("convert old --out new");
    says(
        &told,
        &["exit 0", "pass `--pubkey FILE`", "the bundle is not signed"],
    );
    fixture.quiet("keygen --out other");
    let refused = fixture.run("convert old --out newer --pubkey other.public");
    says(&refused, &["exit 1", "by a trusted key"]);
    assert!(!fixture.path("newer").exists());
    let mut wasm = fs::read(fixture.path("old/policy.wasm")).unwrap();
    wasm[100] ^= 1;
    fs::write(fixture.path("old/policy.wasm"), wasm).unwrap();
    let refused = fixture.run("convert old --out newer --pubkey release.public");
    says(&refused, &["exit 1", "policy.wasm"]);
}

#[test]
fn a_module_that_needs_its_host_is_refused_everywhere() {
    let fixture = fixture(HOST);
    for command in [
        "convert old --out new --pubkey release.public",
        "verify old --pubkey release.public",
        "test old --pubkey release.public --tool t --args {}",
    ] {
        let refused = fixture.run(command);
        says(&refused, &["exit 1", "`http.send`, `time.now_ns`"]);
    }
    assert!(!fixture.path("new").exists());
}
