//! Command lines that make no sense, and outputs that go nowhere.

use std::{fs::File, process::Stdio};

use insta::assert_snapshot;

use crate::fixture::Fixture;

#[test]
fn options_that_exclude_or_need_each_other() {
    let fixture = Fixture::new().with("suite.yaml", "- { tool: t, expect: deny }\n");
    for arguments in [
        "test policy.yaml",
        "test policy.yaml --role a --roles b,c --tool t",
        "test policy.yaml --suite suite.yaml --tool t",
        "test policy.yaml --suite suite.yaml --args {}",
        "test policy.yaml --suite suite.yaml --explain",
        "test policy.yaml --tool t --coverage",
        "test policy.yaml --tool t --engine opa",
        "test policy.yaml --tool t --unknown",
        "test --tool t",
        "verify dist",
        "build policy.yaml",
        "keygen",
        "bench policy.yaml",
        "validate policy.yaml --format xml",
        "frobnicate",
        "",
    ] {
        let output = fixture.command(arguments).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments}: {}",
            fixture.shown(&output)
        );
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{arguments}"
        );
    }
    assert_snapshot!(fixture.run("test policy.yaml --role a --roles b --tool t"), @r"
    exit 2
    --- stderr
    error: the argument '--role <ROLE>' cannot be used with '--roles <A,B>'

    Usage: hexgate policy test --role <ROLE> <--tool <TOOL>|--suite <FILE>> <POLICY>

    For more information, try '--help'.
    ");
    let shown = fixture.run("build policy.yaml --out x --sequence 9007199254740992");
    assert!(shown.contains("is not in 0..=[ID]"), "{shown}");
    assert_snapshot!(fixture.run("test policy.yaml"), @r"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <--tool <TOOL>|--suite <FILE>>

    Usage: hexgate policy test <--tool <TOOL>|--suite <FILE>> <POLICY>

    For more information, try '--help'.
    ");
}

#[test]
fn things_that_are_not_there_or_not_what_is_meant() {
    let fixture = Fixture::new().with_bundle().with("notes/x.txt", "x");
    assert_snapshot!(fixture.run("test missing.yaml --tool t"), @r"
    exit 2
    --- stderr
    error: cannot read `missing.yaml`: No such file or directory (os error 2); check the path
    ");
    assert_snapshot!(fixture.run("test policy.yaml --tool t --pubkey release.public"), @r"
    exit 2
    --- stderr
    error: `--pubkey` verifies a bundle, and `policy.yaml` is not one; leave it out, or name the folder of a bundle
    ");
    assert_snapshot!(fixture.run("test notes --tool t"), @r"
    exit 1
    --- stderr
    error[no-roles]: no role stands in this directory
    --> notes
     = help: a role is a file `NAME.yaml` directly in the directory

    note[skipped-entry]: skipped: its name does not end in `.yaml` or `.yml`
    --> notes/x.txt

    `notes` is refused: 1 error
    for more about a code run `hexgate-compile --explain no-roles`
    ");
    assert_snapshot!(fixture.run("verify notes --pubkey release.public"), @r"
    exit 2
    --- stderr
    error: `notes` holds no `*.bundle.json`, so it is not a bundle; compile a policy into it, or name another folder
    ");
    assert_snapshot!(fixture.run("verify policy.yaml --pubkey release.public"), @r"
    exit 2
    --- stderr
    error: `policy.yaml` is not a folder; name the folder that holds `*.bundle.json`
    ");
    assert_snapshot!(fixture.run("verify missing --pubkey release.public"), @r"
    exit 2
    --- stderr
    error: `missing` does not exist; compile the policy into it first, or name the folder of a bundle
    ");
    assert_snapshot!(fixture.run("build dist --out other"), @r"
    exit 2
    --- stderr
    error: `dist` is a bundle already: name the policy that it was built from; `hexgate policy inspect` shows what is in it, and `hexgate policy verify` who signed it
    ");
    std::fs::remove_file(fixture.path("dist/policy.wasm")).unwrap();
    assert_snapshot!(fixture.run("test dist --tool t"), @r"
    exit 2
    --- stderr
    error: `dist/policy.wasm` is missing; the bundle is not complete: fetch or compile it again
    ");
}

#[test]
fn every_subcommand_has_examples() {
    let fixture = Fixture::empty();
    let policy = [
        "validate",
        "inspect",
        "test",
        "build",
        "keygen",
        "verify",
        "bench",
        "convert",
        "show-rego",
        "push",
        "pull",
        "export",
        "import",
    ];
    let audit = ["verify", "head", "replay", "deliver"];
    let commands = policy
        .map(|name| format!("policy {name}"))
        .into_iter()
        .chain(audit.map(|name| format!("audit {name}")))
        .chain(["new".to_owned()]);
    for subcommand in commands {
        let mut command = fixture.hexgate();
        command.args(subcommand.split(' ')).arg("--help");
        let help = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert!(
            help.contains(&format!("Examples:\n  hexgate {subcommand} "))
                && help.contains("Exit codes:"),
            "{subcommand}: {help}"
        );
        // An example that the help wraps cannot be pasted.
        let (_, examples) = help.split_once("Examples:").unwrap();
        let long = examples
            .lines()
            .find(|line| line.contains("--") && line.chars().count() > 90);
        assert_eq!(long, None, "{subcommand}");
    }
    let version = std::process::Command::new(env!("CARGO_BIN_EXE_hexgate"))
        .arg("--version")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        format!("hexgate {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let fixture = Fixture::new().with_bundle();
    for (arguments, code) in [
        ("inspect dist --json", 0),
        ("test policy.yaml --tool t --explain", 1),
    ] {
        let mut child = fixture
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_the_output_is_an_error() {
    let fixture = Fixture::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = fixture
        .command("validate policy.yaml")
        .stdout(full)
        .output()
        .unwrap();
    assert_snapshot!(fixture.shown(&output), @r"
    exit 2
    --- stderr
    error: cannot write to the standard output: No space left on device (os error 28); make room
    ");
}
