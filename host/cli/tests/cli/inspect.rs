//! `hexgate policy inspect`

use insta::assert_snapshot;

use crate::{engines::foreign, fixture::Fixture};

/// Without the sizes, which change with the engine.
fn sizeless(shown: &str) -> String {
    let lines = shown
        .lines()
        .map(|line| match line.trim_start().split_once(' ') {
            Some(("size", _)) => "  size           [SIZE]".to_owned(),
            Some(("engine", rest)) => match rest.split_once("with a plan of ") {
                Some((before, _)) => format!("  engine {before}with a plan of [SIZE]"),
                None => line.to_owned(),
            },
            _ => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn shows_what_a_bundle_is_and_permits() {
    let fixture = Fixture::new().with_bundle();
    assert_snapshot!(sizeless(&fixture.run("inspect dist --pubkey release.public")), @r#"
    exit 0
    dist

    bundle
      signature      verified with key [ID]
      key            [ID], says the manifest
      manifest       version 2
      source         policy.yaml, compiles to this component
      source sha256  [SHA256]
      rego sha256    [SHA256]
      contract       hexgate:policy@0.2.0
      engine         native [SHA256]
      compiler       hexgate-compiler 0.1.0
      agent          support-bot
      project        bound to none
      sequence       7
      validity       not limited
      claims         to be stateless

    component
      size           [SIZE]
      sha256         [SHA256]
      world          hexgate:policy/policy@0.2.0
      imports        none
      exports        hexgate:policy/decision@0.2.0 (decide, covers)
                     hexgate:policy/description@0.2.0 (about, roles, rules, forbids, scope, terms)
      engine         known, [SHA256], with a plan of [SIZE]

    policy
      description    complete: what is not listed is denied
      compiler       hexgate-compiler 0.1.0
      source sha256  [SHA256]
      limits         1048576 bytes of arguments, 1048576 bytes of facts
      extent         3 roles, 1 file scope

    role billing
      (unlisted tools)  deny
      drop_table        deny
      read_file         allow
        if only(args, ["file_path"])
        within args.file_path, allowed src/**, denied .env
      refund_order      allow
        if only(args, ["amount", "currency"])
        if args.amount > 0
        if args.amount <= consts.cap
        if args.currency in ["USD", "EUR"]
      wire_transfer     approval_required
        if only(args, ["amount"])
        if args.amount > 0
        if args.amount <= 100000

    role default
      (unlisted tools)  deny

    role support
      (unlisted tools)  deny
      view_orders       allow

    not verified
      • that agent and project are the expected ones: `hexgate policy verify` does
    "#);
}

#[test]
fn says_what_is_known_about_the_signature() {
    let fixture = Fixture::new().with_bundle();
    fixture.quiet("keygen --out other");
    fixture.quiet("build policy.yaml --out plain");
    let signature = |arguments: &str| {
        let output = fixture
            .command(&format!("inspect {arguments} --json"))
            .output()
            .unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (
            json["bundle"]["signature"]["state"]
                .as_str()
                .unwrap()
                .to_owned(),
            output.status.code().unwrap(),
        )
    };
    assert_eq!(signature("dist"), ("not_verified".into(), 0));
    assert_eq!(
        signature("dist --pubkey release.public"),
        ("verified".into(), 0)
    );
    assert_eq!(
        signature("dist --pubkey other.public"),
        ("does_not_verify".into(), 1)
    );
    assert_eq!(signature("plain"), ("unsigned".into(), 0));
    assert_eq!(
        signature("plain --pubkey other.public"),
        ("unsigned".into(), 1)
    );
}

#[test]
fn shows_bundles_that_may_not_be_used() {
    let fixture = Fixture::new();
    fixture.quiet("build policy.yaml --out old --project shop --expires-at 2020-01-01T00:00:00Z");
    let shown = fixture.run("inspect old");
    assert!(
        shown.starts_with("exit 0\n") && shown.contains("until 2020-01-01T00:00:00Z: EXPIRED"),
        "{shown}"
    );
}

#[test]
fn programs_get_json() {
    let fixture = Fixture::new().with_bundle();
    let json = fixture.json(&["inspect", "dist", "--json"]);
    let component = &json["component"];
    assert_eq!(component["world"], "hexgate:policy/policy@0.2.0");
    assert_eq!(component["engine_known"], true);
    assert_eq!(component["imports"], serde_json::json!([]));
    assert_eq!(
        component["exports"][0]["functions"],
        serde_json::json!(["decide", "covers"])
    );
    assert_eq!(component["permits"]["roles"][0]["name"], "billing");
    assert_eq!(
        component["permits"]["scopes"][0]["denied_paths"],
        serde_json::json!([".env"])
    );
    assert_eq!(json["bundle"]["agent"], "support-bot");
    assert_eq!(json["bundle"]["source_compiles_to_component"], true);
}

#[test]
fn a_component_of_another_engine_describes_itself() {
    let fixture = Fixture::empty().with("foreign.wasm", foreign());
    assert_snapshot!(sizeless(&fixture.run("inspect foreign.wasm")), @r"
    exit 0
    foreign.wasm

    component
      size           [SIZE]
      sha256         [SHA256]
      world          hexgate:policy/policy@0.2.0
      imports        none
      exports        hexgate:policy/decision@0.2.0 (decide, covers)
                     hexgate:policy/description@0.2.0 (about, roles, rules, forbids, scope, terms)
      engine         not known to this host: metered, a fresh instance a decision

    policy
      description    opaque: it may permit more than it tells
      compiler       floor
      source sha256  [SHA256]
      limits         1048576 bytes of arguments, 1048576 bytes of facts
      extent         0 roles, 0 file scopes

    not verified
      • who made the component: it stands alone
      • what the component says it permits: its engine is not known
    ");
}

#[test]
fn shows_components_that_are_no_policies() {
    let component = r#"(component (import "wasi:cli/environment@0.2.0" (instance (export "get-arguments" (func)))))"#;
    let fixture = Fixture::empty()
        .with("other.wasm", wat::parse_str(component).unwrap())
        .with(
            "core.wasm",
            wat::parse_str(r#"(module (import "env" "f" (func)) (memory (export "memory") 1))"#)
                .unwrap(),
        )
        .with("broken.wasm", b"\0asm\x0d\0\x01\0\xff\xff")
        .with("policy.yaml", "tools: {}\n");
    assert_snapshot!(sizeless(&fixture.run("inspect other.wasm")), @r"
    exit 0
    other.wasm

    component
      size           [SIZE]
      sha256         [SHA256]
      world          not that of a policy
      imports        wasi:cli/environment@0.2.0 (get-arguments)
      exports        none
      engine         not known to this host: metered, a fresh instance a decision
      permits        not known: it has imports, and a policy has none

    not verified
      • who made the component: it stands alone
    ");
    assert_snapshot!(sizeless(&fixture.run("inspect core.wasm")), @r"
    exit 0
    core.wasm

    core module
      size           [SIZE]
      sha256         [SHA256]
      world          not that of a policy
      imports        env f
      exports        memory
      engine         not known to this host: metered, a fresh instance a decision
      permits        not known: it is a core module, which another system executes

    not verified
      • who made the component: it stands alone
    ");
    assert_snapshot!(fixture.run("inspect broken.wasm"), @r"
    exit 1
    --- stderr
    error: cannot inspect `broken.wasm`: the component is not valid: malformed section id at byte 8
    ");
    assert_snapshot!(fixture.run("inspect policy.yaml"), @r"
    exit 2
    --- stderr
    error: `policy.yaml` is neither a component nor a bundle; compile it first: `hexgate policy build POLICY --out DIR`
    ");
    assert_snapshot!(fixture.run("inspect missing"), @r"
    exit 2
    --- stderr
    error: cannot read `missing`: No such file or directory (os error 2); check the path
    ");
}

#[test]
fn a_component_that_never_ends_is_stopped() {
    let text = include_str!("../../src/policy/bench/floor.wat")
        .replace("$ANSWER", "")
        .replace("$TEXTS", "");
    let text = text.replace(
        "(result i32) (i32.const 128))",
        "(result i32) (loop br 0) unreachable)",
    );
    let fixture = Fixture::empty().with("endless.wasm", wat::parse_str(text).unwrap());
    let shown = fixture.run("inspect endless.wasm");
    assert!(
        shown.starts_with("exit 0\n") && shown.contains("it ran out of fuel"),
        "{shown}"
    );
    let shown = fixture.run("test endless.wasm --tool t");
    assert!(
        shown.starts_with("exit 1\n")
            && shown.contains("it ran out of fuel")
            && !shown.contains("ALLOW"),
        "{shown}"
    );
}
