//! Bundles that go to registries and come back: a real one, and ones that lie.

mod credentials;
mod liar;
mod real;

use std::{collections::BTreeMap, fs, path::Path};

use crate::fixture::Fixture;

/// The names and contents of the files in a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// `hexgate policy`, with nothing of the credentials that this machine may have.
fn run(fixture: &Fixture, arguments: &str, variables: &[(&str, &str)]) -> String {
    let mut command = fixture.command(arguments);
    command.env("DOCKER_CONFIG", fixture.path("docker"));
    for name in ["USERNAME", "PASSWORD", "TOKEN"] {
        command.env_remove(format!("HEXGATE_REGISTRY_{name}"));
    }
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    fixture.shown(&command.output().unwrap())
}

#[test]
fn what_is_wrong_on_the_command_line_is_said_before_anything_is_sent() {
    let fixture = Fixture::new().with_bundle();
    for (arguments, said) in [
        (
            "push dist support:7 --pubkey release.public",
            "it names no registry",
        ),
        (
            "push dist r.example/support --pubkey release.public",
            "neither a tag nor a digest",
        ),
        (
            "pull https://r.example/support:7 --out new --pubkey release.public --agent a",
            "leave the scheme out",
        ),
        (
            "pull r.example/Support:7 --out new --pubkey release.public --agent a",
            "invalid reference format",
        ),
        (
            "pull r.example/support:7 --out new --agent a",
            "--pubkey <FILE>",
        ),
        (
            "pull r.example/support:7 --out new --pubkey release.public",
            "<--agent <NAME>|--project <NAME>|--dangerous-any-binding>",
        ),
        (
            "pull r.example/support:7 --out new --pubkey absent.public --agent a",
            "absent.public",
        ),
        (
            "pull r.example/support:7 --out new --pubkey release.public --agent a --plain-http",
            "is for registries on this machine",
        ),
        (
            "pull r.example/support:7 --out new --pubkey release.public --agent a --timeout 0",
            "1..=3600",
        ),
        (
            "pull r.example/support:7 --out new --pubkey release.public --agent a --password-stdin",
            "--username",
        ),
        (
            "pull r.example/support:7 --out new --pubkey release.public --agent a --username ci",
            "there is no password for `ci`",
        ),
    ] {
        let shown = run(&fixture, arguments, &[]);
        assert!(
            shown.starts_with("exit 2\n") && shown.contains(said),
            "{arguments}: {shown}"
        );
        assert!(!fixture.path("new").exists());
    }
    let digest = format!("r.example/support@sha256:{}", "0".repeat(64));
    let shown = run(
        &fixture,
        &format!("push dist {digest} --pubkey release.public"),
        &[],
    );
    assert!(
        shown.starts_with("exit 2\n") && shown.contains("a push needs a tag"),
        "{shown}"
    );
}

#[test]
fn only_what_its_readers_would_accept_is_pushed() {
    let fixture = Fixture::new().with_bundle();
    fixture.quiet("keygen --out other");
    fixture.quiet("build policy.yaml --out unsigned");
    let reference = "127.0.0.1:1/support:7";
    for (arguments, said) in [
        (
            format!("push dist {reference} --pubkey other.public --plain-http"),
            "another key signed",
        ),
        (
            format!("push unsigned {reference} --pubkey release.public --plain-http"),
            "not signed",
        ),
        (
            format!("push dist {reference} --pubkey release.public --agent other --plain-http"),
            "other",
        ),
        (
            format!("push dist {reference} --pubkey release.public --min-sequence 8 --plain-http"),
            "7",
        ),
    ] {
        let shown = run(&fixture, &arguments, &[]);
        assert!(
            shown.starts_with("exit 1\n") && shown.contains(said),
            "{arguments}: {shown}"
        );
    }
    let shown = run(
        &fixture,
        &format!("push dist {reference} --pubkey release.public --plain-http"),
        &[],
    );
    assert!(
        shown.starts_with("exit 2\n") && shown.contains("cannot reach the registry `127.0.0.1:1`"),
        "{shown}"
    );
}
