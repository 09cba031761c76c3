//! Bundles as one file.

use std::fs;

use insta::assert_snapshot;

use crate::fixture::Fixture;

const EXPORT: &str = "export dist policy.tar --pubkey release.public --agent support-bot";
const IMPORT: &str = "import policy.tar new --pubkey release.public --agent support-bot";

#[test]
fn a_bundle_comes_out_as_it_went_in() {
    let fixture = Fixture::new().with_bundle();
    assert_snapshot!(fixture.run(EXPORT), @r"
    exit 0
    ✓ Wrote policy.tar
      signature  by key [ID]
      manifest   sha256 [SHA256]
      files      as the manifest states (sha256 of the component [SHA256])
      agent      support-bot, as expected
      project    bound to none
      sequence   7
      validity   not limited
    ");
    let first = fs::read(fixture.path("policy.tar")).unwrap();
    fixture.quiet(EXPORT);
    assert_eq!(fs::read(fixture.path("policy.tar")).unwrap(), first);
    assert_snapshot!(fixture.run(IMPORT), @r"
    exit 0
    ✓ Wrote new/policy.yaml
    ✓ Wrote new/policy.rego
    ✓ Wrote new/policy.wasm
    ✓ Wrote new/policy.bundle.json
    ✓ Wrote new/policy.bundle.json.sig
      signature  by key [ID]
      manifest   sha256 [SHA256]
      files      as the manifest states (sha256 of the component [SHA256])
      agent      support-bot, as expected
      project    bound to none
      sequence   7
      validity   not limited
    --- stderr
    note: this bundle is not remembered, so an older one can replace it: pass `--sequences FILE`
    ");
    for entry in fs::read_dir(fixture.path("dist")).unwrap() {
        let name = entry.unwrap().file_name();
        assert_eq!(
            fs::read(fixture.path("dist").join(&name)).unwrap(),
            fs::read(fixture.path("new").join(&name)).unwrap()
        );
    }
}

#[test]
fn what_was_changed_on_the_way_is_refused_and_not_written() {
    let fixture = Fixture::new().with_bundle();
    fixture.quiet(EXPORT);
    fixture.quiet("keygen --out other");
    let archive = fs::read(fixture.path("policy.tar")).unwrap();
    let at = |needle: &[u8]| {
        archive
            .windows(needle.len())
            .position(|window| window == needle)
            .unwrap()
    };
    let mut edited = archive.clone();
    edited[at(b"args.amount > 0") + 14] = b'9';
    let mut component = archive.clone();
    component[at(b"\0asm") + 100] ^= 1;
    for (what, bytes) in [
        ("an edited policy", edited),
        ("an edited component", component),
        ("a half", archive[..archive.len() / 2].to_vec()),
        ("one byte less", archive[..archive.len() - 1].to_vec()),
        ("one byte more", [&archive[..], b"\0"].concat()),
        (
            "another archive behind it",
            [&archive[..], &archive[..]].concat(),
        ),
        ("nothing", Vec::new()),
        ("text", b"policy".repeat(1000)),
    ] {
        fs::write(fixture.path("policy.tar"), bytes).unwrap();
        let shown = fixture.run(IMPORT);
        assert!(shown.starts_with("exit 1\n"), "{what}: {shown}");
        assert!(!fixture.path("new").exists(), "{what}");
    }
    fs::write(fixture.path("policy.tar"), &archive).unwrap();
    for (trust, code) in [
        ("--pubkey other.public --agent support-bot", 1),
        ("--pubkey release.public --agent other-bot", 1),
        (
            "--pubkey release.public --agent support-bot --min-sequence 8",
            1,
        ),
        ("--pubkey absent.public --agent support-bot", 2),
        ("--pubkey release.public", 2),
        (
            "--pubkey release.public --agent support-bot --min-sequence 0",
            2,
        ),
        ("", 2),
    ] {
        let shown = fixture.run(&format!("import policy.tar new {trust}"));
        assert!(
            shown.starts_with(&format!("exit {code}\n")),
            "{trust}: {shown}"
        );
        assert!(!fixture.path("new").exists(), "{trust}");
    }
    assert_snapshot!(fixture.run("import absent.tar new --pubkey release.public --agent support-bot"), @r"
    exit 2
    --- stderr
    error: cannot read `absent.tar`: No such file or directory (os error 2); check the path
    ");
    assert_snapshot!(fixture.run("export dist dist --pubkey release.public"), @r"
    exit 2
    --- stderr
    error: cannot write `dist`: Is a directory (os error 21); name a file
    ");
    fixture.quiet("export dist missing/out/policy.tar --pubkey release.public --agent support-bot");
    assert!(fixture.path("missing/out/policy.tar").is_file());
}

#[test]
fn whoever_takes_a_bundle_says_for_whom_or_asks_for_danger() {
    let fixture = Fixture::new().with_bundle();
    fixture.quiet("build policy.yaml --out shop --sign-key release.private --project shop");
    fixture.quiet(EXPORT);
    fixture.quiet("export shop shop.tar --pubkey release.public");
    assert_snapshot!(fixture.run("import policy.tar new --pubkey release.public"), @r"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <--agent <NAME>|--project <NAME>|--dangerous-any-binding>

    Usage: hexgate policy import --pubkey <FILE> <--agent <NAME>|--project <NAME>|--dangerous-any-binding> <ARCHIVE> <OUT>

    For more information, try '--help'.
    ");
    let both =
        "import policy.tar new --pubkey release.public --agent support-bot --dangerous-any-binding";
    assert!(fixture.run(both).starts_with("exit 2\n"));
    assert!(!fixture.path("new").exists());
    assert_snapshot!(fixture.run("import shop.tar shop-again --pubkey release.public --project shop"), @r"
    exit 0
    ✓ Wrote shop-again/policy.yaml
    ✓ Wrote shop-again/policy.rego
    ✓ Wrote shop-again/policy.wasm
    ✓ Wrote shop-again/policy.bundle.json
    ✓ Wrote shop-again/policy.bundle.json.sig
      signature  by key [ID]
      manifest   sha256 [SHA256]
      files      as the manifest states (sha256 of the component [SHA256])
      agent      bound to none
      project    shop, as expected
      sequence   none, so an older bundle cannot be told from this one
      validity   not limited
    --- stderr
    note: the bundle has no sequence number, so an older one can replace it: build it with `--sequence N`
    ");
    assert_snapshot!(fixture.run("import policy.tar new --pubkey release.public --dangerous-any-binding --min-sequence 7"), @r"
    exit 0
    ✓ Wrote new/policy.yaml
    ✓ Wrote new/policy.rego
    ✓ Wrote new/policy.wasm
    ✓ Wrote new/policy.bundle.json
    ✓ Wrote new/policy.bundle.json.sig
      signature  by key [ID]
      manifest   sha256 [SHA256]
      files      as the manifest states (sha256 of the component [SHA256])
      agent      support-bot; not checked, pass `--agent`
      project    bound to none
      sequence   7
      validity   not limited
    ");
}

#[test]
fn a_file_of_sequence_numbers_tells_an_older_bundle_and_another_one() {
    let fixture = Fixture::new().with_bundle();
    let policy = fs::read_to_string(fixture.path("policy.yaml")).unwrap();
    let fixture = fixture.with("edited/policy.yaml", format!("{policy}\n# edited\n"));
    for (out, sequence) in [
        ("another", 7),
        ("newer", 8),
        ("older", 6),
        ("unnumbered", 0),
    ] {
        fixture.quiet(&format!(
            "build edited/policy.yaml --out {out} --sign-key release.private --agent support-bot --sequence {sequence}"
        ));
    }
    for bundle in ["dist", "another", "newer", "older", "unnumbered"] {
        fixture.quiet(&format!(
            "export {bundle} {bundle}.tar --pubkey release.public"
        ));
    }
    let take = |bundle: &str| {
        fixture.run(&format!(
            "import {bundle}.tar new --pubkey release.public --agent support-bot --sequences seen"
        ))
    };
    let ask = |bundle: &str| {
        fixture.run(&format!(
            "verify {bundle} --pubkey release.public --agent support-bot --sequences seen"
        ))
    };
    // Before anything was taken all of them are good.
    assert!(ask("older").starts_with("exit 0\n") && !fixture.path("seen").exists());
    let unnumbered = take("unnumbered");
    assert!(
        unnumbered.starts_with("exit 0\n")
            && unnumbered.contains("note: the bundle has no sequence number"),
        "{unnumbered}"
    );
    let first = take("dist");
    assert!(
        first.starts_with("exit 0\n") && !first.contains("note:"),
        "{first}"
    );
    for ask_or_take in [&ask as &dyn Fn(&str) -> String, &take] {
        for (bundle, said) in [
            ("another", "belongs to another bundle according to `seen`"),
            (
                "older",
                "has the sequence number 6, and 7 was already in use",
            ),
            (
                "unnumbered",
                "has no sequence number, and 7 was already in use",
            ),
        ] {
            let shown = ask_or_take(bundle);
            assert!(
                shown.starts_with("exit 1\n") && shown.contains(said),
                "{bundle}: {shown}"
            );
        }
        assert!(ask_or_take("dist").starts_with("exit 0\n"));
    }
    assert!(ask("newer").starts_with("exit 0\n"));
    assert!(
        ask("dist").starts_with("exit 0\n"),
        "asking remembers nothing"
    );
    assert!(take("newer").starts_with("exit 0\n"));
    assert!(ask("dist").starts_with("exit 1\n"));
    // A file that is damaged, or whose folder is gone, says nothing of what was in use.
    let fixture = fixture.with("seen", "{}");
    for file in ["seen", "absent/seen"] {
        for command in ["verify newer", "import newer.tar new"] {
            let shown = fixture.run(&format!(
                "{command} --pubkey release.public --agent support-bot --sequences {file}"
            ));
            assert!(
                shown.starts_with("exit 2\n") && shown.contains(file),
                "{shown}"
            );
        }
    }
}

#[test]
fn a_bundle_that_is_signed_without_a_number_is_said_to_be_one() {
    let fixture = Fixture::new().with_bundle();
    let build = "build policy.yaml --out plain --sign-key release.private --agent support-bot";
    assert_snapshot!(fixture.run(build), @r"
    exit 0
    ✓ Wrote plain/policy.yaml
    ✓ Wrote plain/policy.rego
    ✓ Wrote plain/policy.wasm
    ✓ Wrote plain/policy.bundle.json
    ✓ Wrote plain/policy.bundle.json.sig (signed)
    --- stderr
    note: signed with key `[ID]`
    note: the bundle has no sequence number, so hosts cannot tell it from an older one: pass `--sequence N`, a higher one for each release
    ");
    let shown = fixture.run("verify plain --pubkey release.public --agent support-bot");
    assert!(
        shown.contains("sequence   none, so an older bundle cannot be told from this one"),
        "{shown}"
    );
    // What nobody signed has no number that counts.
    let shown = fixture.run("build policy.yaml --out unsigned --agent support-bot");
    assert!(!shown.contains("sequence number"), "{shown}");
}
