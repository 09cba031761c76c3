//! `hexgate policy build`, `keygen` and `verify`

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio, time::Duration};

use insta::assert_snapshot;

use crate::fixture::Fixture;

#[test]
fn keys_are_made_and_never_overwritten_by_accident() {
    let fixture = Fixture::empty();
    assert_snapshot!(fixture.run("keygen --out release"), @r"
    exit 0
    ✓ Wrote release.private (keep it secret)
    ✓ Wrote release.public (key id [ID])
      sign:   hexgate policy build POLICY --out DIR --sign-key release.private
      verify: hexgate policy verify DIR --pubkey release.public
    ");
    // What is shown to be pasted can be pasted.
    assert_snapshot!(fixture.run_of(&["keygen", "--out", "the team's"]), @r"
    exit 0
    ✓ Wrote the team's.private (keep it secret)
    ✓ Wrote the team's.public (key id [ID])
      sign:   hexgate policy build POLICY --out DIR --sign-key 'the team'\''s.private'
      verify: hexgate policy verify DIR --pubkey 'the team'\''s.public'
    ");
    let private = fixture.path("release.private");
    assert_eq!(
        fs::metadata(&private).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let old = fs::read(&private).unwrap();
    assert_snapshot!(fixture.run("keygen --out release"), @r"
    exit 1
    --- stderr
    error: `release.private` exists; choose another prefix, or force its replacement: what the old key signed will then be refused (`--force`)
    ");
    assert_eq!(fs::read(&private).unwrap(), old);
    fixture.quiet("keygen --out release --force");
    assert_ne!(fs::read(&private).unwrap(), old);
    assert_eq!(
        fs::metadata(&private).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_snapshot!(fixture.run("keygen --out next.private"), @r"
    exit 2
    --- stderr
    error: `next.private` ends in `.private`, which is added to the prefix; pass `next`
    ");
    fixture.quiet("keygen --out missing/keys/release");
    let made = fs::metadata(fixture.path("missing/keys")).unwrap();
    assert_eq!(made.permissions().mode() & 0o7777, 0o700);
    assert_snapshot!(fixture.run("keygen --out release.public/release"), @r"
    exit 2
    --- stderr
    error: cannot write `release.public/release.private`: Not a directory (os error 20); no key was made
    ");
}

#[test]
fn a_bundle_is_built_and_verified() {
    let fixture = Fixture::new();
    fixture.quiet("keygen --out release");
    assert_snapshot!(fixture.run("build policy.yaml --out dist --sign-key release.private --agent support-bot --sequence 7"), @r"
    exit 0
    ✓ Wrote dist/policy.yaml
    ✓ Wrote dist/policy.rego
    ✓ Wrote dist/policy.wasm
    ✓ Wrote dist/policy.bundle.json
    ✓ Wrote dist/policy.bundle.json.sig (signed)
    --- stderr
    note: signed with key `[ID]`
    ");
    assert_snapshot!(fixture.run("verify dist --pubkey release.public"), @r"
    exit 0
    ✓ dist is verified
      signature  by key [ID]
      manifest   sha256 [SHA256]
      files      as the manifest states (sha256 of the component [SHA256])
      component  the known engine [ID], with a valid plan
      agent      support-bot; not checked, pass `--agent`
      project    bound to none
      sequence   7
      validity   not limited
    ");
    assert_snapshot!(fixture.run("verify dist --pubkey release.public --agent support-bot"), @r"
    exit 0
    ✓ dist is verified
      signature  by key [ID]
      manifest   sha256 [SHA256]
      files      as the manifest states (sha256 of the component [SHA256])
      component  the known engine [ID], with a valid plan
      agent      support-bot, as expected
      project    bound to none
      sequence   7
      validity   not limited
    ");
    assert_snapshot!(fixture.run("build policy.yaml --out plain"), @r"
    exit 0
    ✓ Wrote plain/policy.yaml
    ✓ Wrote plain/policy.rego
    ✓ Wrote plain/policy.wasm
    ✓ Wrote plain/policy.bundle.json
    --- stderr
    note: the bundle is not signed; hosts refuse it without a `dangerous` option: pass `--sign-key FILE`
    note: the bundle is bound to no agent and no project, so hosts refuse it unless told otherwise: pass `--agent` or `--project`
    ");
}

#[test]
fn a_directory_of_roles_is_built_too() {
    let fixture = Fixture::empty().with("roles/default.yaml", "tools:\n  ping: { mode: allow }\n");
    fixture.quiet("build roles --out dist");
    assert_eq!(
        fixture.quiet("test dist --tool ping").stdout,
        fixture.quiet("test roles --tool ping").stdout
    );
}

#[test]
fn verification_says_why_not() {
    let fixture = Fixture::new().with_bundle();
    fixture.quiet("keygen --out other");
    fixture.quiet("build policy.yaml --out plain");
    fixture.quiet("build policy.yaml --out old --sign-key release.private --agent a --expires-at 2020-01-01T00:00:00Z");
    assert_snapshot!(fixture.run("verify dist --pubkey other.public"), @r"
    exit 1
    --- stderr
    error: `dist/policy.bundle.json.sig` is not a signature over `dist/policy.bundle.json` by a trusted key (`[ID]`); a file was changed, or another key signed: fetch the bundle again, or trust the signer's public key
    ");
    assert_snapshot!(fixture.run("verify dist --pubkey release.public --agent other-bot"), @r"
    exit 1
    --- stderr
    error: `dist` is bound to the agent `support-bot`, and `other-bot` is expected; use the bundle that was made for it
    ");
    assert_snapshot!(fixture.run("verify dist --pubkey release.public --agent support-bot --project shop"), @r"
    exit 1
    --- stderr
    error: `dist` is not bound to any project, and one for `shop` is expected; compile the policy for it (`--project`)
    ");
    assert_snapshot!(fixture.run("verify plain --pubkey release.public"), @r"
    exit 1
    --- stderr
    error: `plain` is not signed; compile the policy with a signing key
    ");
    let old = fixture.run("verify old --pubkey release.public");
    assert!(
        old.starts_with(
            "exit 1\n--- stderr\nerror: `old` expired at 2020-01-01T00:00:00Z, and it is "
        ),
        "{old}"
    );
    for file in [
        "policy.yaml",
        "policy.rego",
        "policy.wasm",
        "policy.bundle.json",
        "policy.bundle.json.sig",
    ] {
        let path = fixture.path("dist").join(file);
        let good = fs::read(&path).unwrap();
        fs::write(&path, [good.as_slice(), b"\n"].concat()).unwrap();
        let shown = fixture.run("verify dist --pubkey release.public");
        assert!(
            shown.starts_with("exit 1\n--- stderr\nerror: `dist/policy."),
            "{file}: {shown}"
        );
        fs::write(&path, good).unwrap();
    }
    fixture.quiet("verify dist --pubkey release.public");
}

#[test]
fn keys_rotate() {
    let fixture = Fixture::new().with_bundle();
    fixture.quiet("keygen --out next");
    fixture.quiet("verify dist --pubkey next.public --pubkey release.public");
    fixture.quiet(
        "build policy.yaml --out dist --sign-key next.private --agent support-bot --sequence 8",
    );
    fixture.quiet("verify dist --pubkey next.public --pubkey release.public");
    assert!(
        fixture
            .run("verify dist --pubkey release.public")
            .starts_with("exit 1\n")
    );
}

#[test]
fn key_files_that_are_none() {
    let fixture = Fixture::new().with_bundle();
    let public = fs::read_to_string(fixture.path("release.public")).unwrap();
    // A newline at the end is a habit of editors; without it the key is the same.
    let fixture = fixture
        .with("bare.public", public.trim_end())
        .with("short.public", "abc\n")
        .with("two.public", format!("{public}{public}"));
    fixture.quiet("verify dist --pubkey bare.public");
    assert_snapshot!(fixture.run("verify dist --pubkey short.public"), @r"
    exit 2
    --- stderr
    error: `short.public` does not hold a key: it is too short; a key is 43 characters of base64url (`A-Z a-z 0-9 - _`) and one newline, as written by `keygen`
    ");
    assert_snapshot!(fixture.run("verify dist --pubkey two.public"), @r"
    exit 2
    --- stderr
    error: `two.public` does not hold a key: it has more white space than one newline at the end; a key is 43 characters of base64url (`A-Z a-z 0-9 - _`) and one newline, as written by `keygen`
    ");
    assert_snapshot!(fixture.run("verify dist --pubkey release.private"), @r"
    exit 2
    --- stderr
    error: `release.private` is a private key by its name where a public key is needed; pass `release.public`
    ");
    assert_snapshot!(fixture.run("verify dist --pubkey missing.public"), @r"
    exit 2
    --- stderr
    error: cannot read the key file `missing.public`: No such file or directory (os error 2); check the path
    ");
    assert_snapshot!(fixture.run("build policy.yaml --out x --sign-key release.public"), @r"
    exit 2
    --- stderr
    error: `release.public` is a public key by its name where a private key is needed; pass `release.private`
    ");
    assert_snapshot!(fixture.run("build policy.yaml --out x --sign-key missing.private"), @r"
    exit 2
    --- stderr
    error: cannot read the key file `missing.private`: No such file or directory (os error 2); check the path
    ");
    assert!(!fixture.path("x").exists());
}

#[test]
fn a_private_key_that_others_can_read_is_told() {
    let fixture = Fixture::new().with_bundle();
    fs::set_permissions(
        fixture.path("release.private"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let shown = fixture.run("build policy.yaml --out dist --sign-key release.private --agent a");
    assert!(
        shown.starts_with("exit 0\n") && shown.contains("warning: `release.private` has mode 0644"),
        "{shown}"
    );
}

#[test]
fn folders_that_cannot_become_a_bundle_are_left_alone() {
    let fixture = Fixture::new().with("notes/todo.txt", "x").with("file", "x");
    assert_snapshot!(fixture.run("build policy.yaml --out notes"), @r"
    exit 2
    --- stderr
    error: `[DIR]/notes` holds `todo.txt` and is not a bundle, so it is left alone; name a new or empty folder
    ");
    assert_snapshot!(fixture.run("build policy.yaml --out file"), @r"
    exit 2
    --- stderr
    error: `file` cannot be replaced by a bundle: it is a file; name a folder
    ");
    assert_snapshot!(fixture.run("build policy.yaml --out file/below"), @r"
    exit 2
    --- stderr
    error: `file/below` cannot be replaced by a bundle: a part of the path is a file; name another folder
    ");
    assert_snapshot!(fixture.run("build policy.yaml --out ."), @r"
    exit 2
    --- stderr
    error: `.` cannot be replaced by a bundle: it is the current directory; name a folder in it, or call from outside
    ");
    assert_eq!(
        fs::read_to_string(fixture.path("notes/todo.txt")).unwrap(),
        "x"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    // Root may write to any folder of an ordinary file system, so this one is not ordinary.
    let shown = Fixture::new().run("build policy.yaml --out /proc/hexgate/bundle");
    assert!(
        shown.starts_with("exit 2\n--- stderr\nerror: cannot write `/proc/hexgate"),
        "{shown}"
    );
    assert!(shown.contains("nothing was changed"), "{shown}");
}

#[test]
fn a_refused_policy_builds_nothing() {
    let fixture = Fixture::new()
        .with("bad.yaml", "tools:\n  t: { mode: alow }\n")
        .with_bundle();
    let before = fs::read(fixture.path("dist/policy.wasm")).unwrap();
    let shown = fixture.run("build bad.yaml --out dist");
    assert!(shown.starts_with("exit 1\n--- stderr\nerror["), "{shown}");
    assert_eq!(fs::read(fixture.path("dist/policy.wasm")).unwrap(), before);
}

#[test]
fn claims_that_make_no_sense_are_misuse() {
    let fixture = Fixture::new();
    assert_snapshot!(fixture.run("build policy.yaml --out x --expires-at tomorrow"), @r"
    exit 2
    --- stderr
    error: invalid value 'tomorrow' for '--expires-at <TIME>': a time is written in UTC with whole seconds, between 1970 and 9999, as in `2026-03-01T12:00:00Z`

    For more information, try '--help'.
    ");
    assert_snapshot!(fixture.run("build policy.yaml --out x --not-before 2026-01-02T00:00:00Z --expires-at 2026-01-01T00:00:00Z"), @r"
    exit 2
    --- stderr
    error: the manifest cannot be written: `expires_at` must be later than `not_before`, which is 2026-01-02T00:00:00Z
    ");
    assert_snapshot!(fixture.run_of(&["build", "policy.yaml", "--out", "x", "--agent", ""]), @r"
    exit 2
    --- stderr
    error: the manifest cannot be written: `agent` must be 1 to 256 bytes without control characters
    ");
    assert!(!fixture.path("x").exists());
}

#[test]
fn the_same_policy_builds_the_same_bytes() {
    let fixture = Fixture::new().with_bundle();
    fixture.quiet(
        "build policy.yaml --out again --sign-key release.private --agent support-bot --sequence 7",
    );
    for file in [
        "policy.yaml",
        "policy.rego",
        "policy.wasm",
        "policy.bundle.json",
        "policy.bundle.json.sig",
    ] {
        assert_eq!(
            fs::read(fixture.path("dist").join(file)).unwrap(),
            fs::read(fixture.path("again").join(file)).unwrap(),
            "{file}"
        );
    }
}

#[test]
fn an_interrupted_build_leaves_a_whole_bundle() {
    let fixture = Fixture::new().with_bundle();
    for turn in 0..12_u64 {
        let arguments = format!(
            "build policy.yaml --out dist --sign-key release.private --agent support-bot --sequence {turn}"
        );
        let mut child = fixture
            .command(&arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(turn * 2));
        child.kill().unwrap();
        child.wait().unwrap();
        fixture.quiet("verify dist --pubkey release.public --agent support-bot");
    }
}
