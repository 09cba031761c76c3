//! Policies as Rego: golden texts, names that try to break out, and what OPA itself says of the form.
//!
//! Each `golden/rego/NAME.yaml` is printed as `NAME.rego`. `HEXGATE_BLESS=1` writes what came.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use hexgate_compiler::{
    Compiled, Compiler,
    opa::{Opa, OpaError},
};

/// The real one. Without any, says so loudly, or fails where tools are required.
fn opa() -> Option<Opa> {
    hexgate_test_support::tool(
        Opa::find(),
        |error| matches!(error, OpaError::NotFound),
        "there is no `opa`; run `cargo xtask setup opa`",
    )
}

fn policies(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new("tests/golden").join(folder);
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn compile(path: &Path) -> Compiled {
    let outcome = Compiler::default().compile_path(path).unwrap();
    let diagnostics = outcome.diagnostics;
    outcome
        .policy
        .unwrap_or_else(|| panic!("{}: {diagnostics:?}", path.display()))
}

#[test]
fn the_text_is_as_expected() {
    let mut failures = Vec::new();
    for path in policies("rego") {
        let policy = compile(&path);
        let expected_path = path.with_extension("rego");
        if std::env::var_os("HEXGATE_BLESS").is_some() {
            fs::write(&expected_path, policy.rego().unwrap()).unwrap();
        } else if fs::read_to_string(&expected_path).unwrap_or_default() != policy.rego().unwrap() {
            failures.push(path);
        }
    }
    assert!(
        failures.is_empty(),
        "printed otherwise than expected, see what changed by HEXGATE_BLESS=1: {failures:?}"
    );
}

#[test]
fn texts_of_a_policy_stand_in_literals_only() {
    let policy = compile(Path::new("tests/golden/rego/hostile.yaml"));
    let mut seen = 0;
    for line in policy.rego().unwrap().lines() {
        // Between quotes, and nothing else opens a text that could hold a quote.
        let (mut quoted, mut escaped) = (false, false);
        for (at, c) in line.char_indices() {
            if line[at..].starts_with("EVIL") {
                assert!(quoted && !line.trim_start().starts_with('#'), "{line}");
                seen += 1;
            }
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ => {}
            }
        }
        assert!(!quoted || line.contains('`'), "{line}");
    }
    assert!(seen >= 15, "the policy has {seen} hostile texts");
}

/// The numbers of scopes in the answer are those in the component's description.
#[test]
fn scopes_have_the_numbers_of_the_plan() {
    let policy = compile(Path::new("tests/golden/rego/scopes.yaml"));
    let plan = hexgate_eval::Plan::open(&policy.plan).unwrap();
    let numbering = hexgate_compiler::model::Numbering::of(&policy.model).unwrap();
    assert_eq!(numbering.scopes.len(), 4);
    for (id, bounds) in (0..).zip(&numbering.scopes) {
        let paths = plan.scope(id).unwrap().unwrap().paths;
        let scope = bounds.scope.as_ref().unwrap();
        let sources = |patterns: &[hexgate_compiler::model::Pattern]| -> Vec<String> {
            patterns.iter().map(|one| one.source.clone()).collect()
        };
        assert_eq!(paths.allowed, sources(&scope.allowed));
        assert_eq!(paths.denied, sources(&scope.denied));
    }
}

#[test]
fn opa_accepts_what_is_printed_and_would_format_it_alike() {
    let Some(opa) = opa() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for path in policies("rego").into_iter().chain(policies("ok")) {
        // One file at a time: all have the same package.
        let file = folder.path().join("policy.rego");
        fs::write(&file, compile(&path).rego().unwrap()).unwrap();
        for arguments in [&["check", "--strict"][..], &["fmt", "--list"]] {
            let output = Command::new(opa.path())
                .args(arguments)
                .arg(&file)
                .output()
                .unwrap();
            let said = [output.stdout, output.stderr].concat();
            assert!(
                output.status.success() && said.is_empty(),
                "opa {arguments:?} on {}: {}",
                path.display(),
                String::from_utf8_lossy(&said)
            );
        }
        count += 1;
    }
    assert!(count > 10);
}
