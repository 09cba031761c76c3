//! Bundles that this compiler did not make.

use std::fs;

use hexgate_bundle::{Claims, Digest, Draft, PrivateKey};
use insta::assert_snapshot;

use crate::{engines::foreign, fixture::Fixture};

/// Signs `wasm` and `source` as one bundle in the folder `made`.
fn signed(fixture: &Fixture, source: &str, wasm: &[u8]) {
    fixture.quiet("keygen --out release --force");
    let key = PrivateKey::from_file(fixture.path("release.private"))
        .unwrap()
        .key;
    let claims = Claims {
        agent: Some("bot".into()),
        ..Claims::new("policy.yaml", "hexgate:policy@0.1.0", "own", "by hand")
    };
    let draft = Draft {
        stem: "policy".parse().unwrap(),
        source: source.as_bytes(),
        rego: "",
        wasm,
        claims,
    };
    hexgate_bundle::write(fixture.path("made"), &draft, Some(&key)).unwrap();
}

#[test]
fn a_signed_component_of_another_engine_is_verified_and_said_to_be_one() {
    let fixture = Fixture::empty();
    signed(&fixture, "", &foreign());
    assert_snapshot!(fixture.run("verify made --pubkey release.public --agent bot"), @r"
    exit 0
    ✓ made is verified
      signature  by key [ID]
      manifest   sha256 [SHA256]
      files      as the manifest states (sha256 of the component [SHA256])
      component  not of the engine that this host knows: hosts meter it, and give it a fresh instance a decision
      agent      bot, as expected
      project    bound to none
      sequence   none, so an older bundle cannot be told from this one
      validity   not limited
    ");
    assert_snapshot!(fixture.run("test made --pubkey release.public --tool t"), @r"
    exit 0
    ✓ ALLOW · default → t({})
    ");
}

#[test]
fn a_source_that_is_not_the_components_explains_nothing() {
    let fixture = Fixture::new().with_bundle();
    let wasm = fs::read(fixture.path("dist/policy.wasm")).unwrap();
    let looser = crate::fixture::BILLING.replace("cap: 500", "cap: 5000");
    signed(&fixture, &looser, &wasm);
    let shown = fixture.run("inspect made");
    assert!(
        shown.contains("policy.yaml, does not compile to this component here"),
        "{shown}"
    );
    let shown = fixture.run_of(&[
        "test",
        "made",
        "--role",
        "billing",
        "--tool",
        "refund_order",
        "--args",
        r#"{"amount": 700, "currency": "USD"}"#,
        "--explain",
    ]);
    assert!(
        shown.contains("• `args.amount <= consts.cap` must be true") && !shown.contains("5000"),
        "{shown}"
    );
}

#[test]
fn a_plan_that_lies_is_refused() {
    let fixture = Fixture::new().with_bundle();
    let wasm = fs::read(fixture.path("dist/policy.wasm")).unwrap();
    let mut plan = hexgate_component::plan_of(&wasm).unwrap().to_vec();
    // All but magic, version and length.
    plan[12..].fill(0xff);
    signed(&fixture, "", &hexgate_component::embed_plan(&plan).unwrap());
    for command in [
        "verify made --pubkey release.public",
        "inspect made",
        "test made --tool t",
        "test made --tool t --engine reference",
    ] {
        let shown = fixture.run(command);
        assert!(
            shown.starts_with("exit 1\n--- stderr\n")
                && shown.contains("error: ")
                && shown.contains("damaged"),
            "{command}: {shown}"
        );
    }
}

#[test]
fn a_bundle_of_the_python_system_is_shown_and_not_decided_by() {
    let module = wat::parse_str(r#"(module (import "env" "memory" (memory 2)))"#).unwrap();
    let manifest = |more: &str| {
        format!(
            r#"{{"version": 1, "source": "policy.yaml", "source_hash": "{}", "rego_hash": "{}", "wasm_hash": "{}"{more}}}"#,
            Digest::of(b"tools: {}\n"),
            Digest::of(b"package hexgate\n"),
            Digest::of(&module)
        )
    };
    let fixture = Fixture::empty()
        .with("old/policy.yaml", "tools: {}\n")
        .with("old/policy.rego", "package hexgate\n")
        .with("old/policy.wasm", &module)
        .with("old/policy.bundle.json", manifest(""));
    let shown = fixture.run("inspect old");
    assert!(
        shown.starts_with("exit 0\n")
            && shown.contains("manifest       version 1")
            && shown.contains("core module"),
        "{shown}"
    );
    let shown = fixture.run("test old --tool t");
    assert!(
        shown.starts_with("exit 1\n") && !shown.contains("ALLOW"),
        "{shown}"
    );
    let fixture = fixture.with("old/policy.bundle.json", manifest(r#", "guards": {}"#));
    assert!(fixture.run("inspect old").contains("demands        guards"));
    assert_snapshot!(fixture.run("test old --tool t"), @r"
    exit 1
    --- stderr
    error: `old` demands `guards` of its host, which this one does not honour; remove that section from the policy, or use a host that honours it
    ");
}
