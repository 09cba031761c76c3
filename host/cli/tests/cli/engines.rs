//! Both engines, on policies, bundles and bare components.

use insta::assert_snapshot;

use crate::fixture::Fixture;

#[test]
fn both_engines_say_the_same() {
    let fixture = Fixture::new().with_bundle();
    for subject in ["policy.yaml", "dist"] {
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
            ("ghost", "read_file", "{}"),
        ] {
            let with = |engine: &str| {
                fixture.run_of(&[
                    "test",
                    subject,
                    "--role",
                    role,
                    "--tool",
                    tool,
                    "--args",
                    args,
                    "--explain",
                    "--engine",
                    engine,
                ])
            };
            assert_eq!(with("native"), with("reference"), "{subject} {tool} {args}");
        }
    }
}

#[test]
fn a_bundle_without_a_key_is_used_with_a_note() {
    let fixture = Fixture::new().with_bundle();
    assert_snapshot!(fixture.run("test dist --role support --tool view_orders"), @r"
    exit 0
    ✓ ALLOW · support → view_orders({})
    --- stderr
    note: the files of `dist` match its manifest, but its signature was not verified: pass `--pubkey FILE`
    ");
    assert_snapshot!(fixture.run("test dist --role support --tool view_orders --pubkey release.public"), @r"
    exit 0
    ✓ ALLOW · support → view_orders({})
    ");
    fixture.quiet("build policy.yaml --out plain");
    assert_snapshot!(fixture.run("test plain --role support --tool view_orders"), @r"
    exit 0
    ✓ ALLOW · support → view_orders({})
    --- stderr
    note: the files of `plain` match its manifest, but it is not signed
    ");
}

#[test]
fn a_signature_that_does_not_verify_decides_nothing() {
    let fixture = Fixture::new().with_bundle();
    fixture.quiet("keygen --out other");
    assert_snapshot!(fixture.run("test dist --role support --tool view_orders --pubkey other.public"), @r"
    exit 1
    --- stderr
    error: `dist/policy.bundle.json.sig` is not a signature over `dist/policy.bundle.json` by a trusted key (`[ID]`); a file was changed, or another key signed: fetch the bundle again, or trust the signer's public key
    ");
    fixture.quiet("build policy.yaml --out plain");
    assert_snapshot!(fixture.run("test plain --role support --tool view_orders --pubkey other.public"), @r"
    exit 1
    --- stderr
    error: `plain` is not signed; compile the policy with a signing key
    ");
}

#[test]
fn a_bundle_that_was_changed_decides_nothing() {
    let fixture = Fixture::new().with_bundle();
    let path = fixture.path("dist/policy.wasm");
    let mut wasm = std::fs::read(&path).unwrap();
    *wasm.last_mut().unwrap() ^= 1;
    std::fs::write(&path, wasm).unwrap();
    assert_snapshot!(fixture.run("test dist --role support --tool view_orders"), @r"
    exit 1
    --- stderr
    error: `dist/policy.wasm` was changed after it was built: the manifest states the digest [SHA256], and it has [SHA256]; compile the policy again instead of editing a bundle
    ");
}

#[test]
fn an_expired_bundle_decides_nothing() {
    let fixture = Fixture::new();
    fixture.quiet("build policy.yaml --out old --expires-at 2020-01-01T00:00:00Z");
    let shown = fixture.run("test old --role support --tool view_orders");
    assert!(
        shown.starts_with("exit 1\n--- stderr\nerror: `old` expired at 2020-01-01T00:00:00Z"),
        "{shown}"
    );
}

#[test]
fn a_component_of_another_engine_decides_and_says_no_more() {
    let fixture = Fixture::empty().with("foreign.wasm", foreign());
    assert_snapshot!(fixture.run("test foreign.wasm --tool t --explain"), @r"
    exit 0
    ✓ ALLOW · default → t({})
    --- stderr
    note: `foreign.wasm` is a bare component: nothing about its origin was verified
    note: `--explain` needs a policy of the known engine, and the component in `foreign.wasm` is of another one, which gives only a verdict
    ");
    assert_snapshot!(fixture.run("test foreign.wasm --tool t --engine reference"), @r"
    exit 2
    --- stderr
    note: `foreign.wasm` is a bare component: nothing about its origin was verified
    error: `--engine reference` needs a policy of the known engine, and the component in `foreign.wasm` is of another one, which tells its verdict and nothing else
    ");
    let fixture = fixture.with("suite.yaml", "- { tool: t, expect: allow }\n");
    assert_snapshot!(fixture.run("test foreign.wasm --suite suite.yaml"), @r"
    exit 0
    1 passed, 0 failed
    --- stderr
    note: `foreign.wasm` is a bare component: nothing about its origin was verified
    ");
    assert_snapshot!(fixture.run("test foreign.wasm --suite suite.yaml --coverage"), @r"
    exit 2
    --- stderr
    note: `foreign.wasm` is a bare component: nothing about its origin was verified
    error: `--coverage` needs a policy of the known engine, and the component in `foreign.wasm` is of another one, which tells its verdict and nothing else
    ");
}

/// A component of the contract's world that allows everything and was not made by this compiler.
pub(crate) fn foreign() -> Vec<u8> {
    let text = include_str!("../../src/policy/bench/floor.wat");
    let allow: String = [0_u32, 0, 2, 0, 0, 0, 0]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .map(|byte| format!("\\{byte:02x}"))
        .collect();
    wat::parse_str(text.replace("$ANSWER", &allow).replace("$TEXTS", "")).unwrap()
}
