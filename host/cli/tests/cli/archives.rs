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
        ("--pubkey other.public", 1),
        ("--pubkey release.public --agent other-bot", 1),
        ("--pubkey release.public --min-sequence 8", 1),
        ("--pubkey absent.public", 2),
        ("", 2),
    ] {
        let shown = fixture.run(&format!("import policy.tar new {trust}"));
        assert!(
            shown.starts_with(&format!("exit {code}\n")),
            "{trust}: {shown}"
        );
        assert!(!fixture.path("new").exists(), "{trust}");
    }
    assert_snapshot!(fixture.run("import absent.tar new --pubkey release.public"), @r"
    exit 2
    --- stderr
    error: cannot read `absent.tar`: No such file or directory (os error 2); check the path
    ");
    assert_snapshot!(fixture.run("export dist dist --pubkey release.public"), @r"
    exit 2
    --- stderr
    error: cannot write `dist`: is a directory; name a file
    ");
}
