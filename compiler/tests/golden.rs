//! Golden cases: each policy below `golden/ok` compiles and each below `golden/refused` does not, with exactly the diagnostics of
//! the `.expected` beside it. A case is a file `NAME.yaml` or a directory of roles `NAME`. `HEXGATE_BLESS=1` writes what came.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod golden {
    pub(crate) mod dump;
}

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use hexgate_compiler::{
    Compiler, Options, Outcome,
    diagnostic::{
        Severity, all_codes,
        render::{Format, render, summary},
    },
};

/// The policies of a folder, in order. Paths are relative, so that diagnostics name them alike on every machine.
fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new("tests/golden").join(folder);
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.is_dir()
                || path
                    .extension()
                    .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn compile(path: &Path) -> Outcome {
    Compiler::default()
        .compile_path(path)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn check(path: &Path, actual: &str, failures: &mut String) {
    let expected_path = path.with_extension("expected");
    if std::env::var_os("HEXGATE_BLESS").is_some() {
        fs::write(&expected_path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&expected_path).unwrap_or_default();
    if expected != actual {
        writeln!(
            failures,
            "--- {}\nexpected:\n{expected}\nactual:\n{actual}",
            path.display()
        )
        .unwrap();
    }
}

#[test]
fn policies_that_are_refused() {
    let mut failures = String::new();
    for path in cases("refused") {
        let outcome = compile(&path);
        if outcome.policy.is_some()
            || !outcome
                .diagnostics
                .iter()
                .any(|diagnostic| diagnostic.is_error())
        {
            writeln!(failures, "--- {} is accepted", path.display()).unwrap();
        }
        let mut text = render(&outcome.diagnostics, &outcome.sources, Format::Human, false);
        writeln!(text, "{}", summary(&outcome.diagnostics)).unwrap();
        check(&path, &text, &mut failures);
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn policies_that_are_accepted() {
    let mut failures = String::new();
    for path in cases("ok") {
        let outcome = compile(&path);
        let mut text = render(&outcome.diagnostics, &outcome.sources, Format::Human, false);
        let Some(compiled) = &outcome.policy else {
            writeln!(failures, "--- {} is refused:\n{text}", path.display()).unwrap();
            continue;
        };
        golden::dump::dump(&compiled.model, &mut text);
        check(&path, &text, &mut failures);

        // The same bytes every time, and from the document that a bundle carries.
        let again = compile(&path).policy.expect("accepted a moment ago");
        assert_eq!(again.component, compiled.component, "{}", path.display());
        let written = Compiler::default().compile_str("again.yaml", &compiled.source);
        let written = written.policy.unwrap_or_else(|| {
            panic!(
                "{}: refused when read again: {:?}",
                path.display(),
                written.diagnostics
            )
        });
        assert_eq!(written.plan, compiled.plan, "{}", path.display());
        assert_eq!(written.source, compiled.source, "{}", path.display());
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn policies_that_are_accepted_are_refused_with_their_warnings_denied() {
    let strict = Compiler::new(Options::default().with_denied_warnings(true));
    let mut refused = 0;
    for path in cases("ok") {
        let outcome = strict.compile_path(&path).unwrap();
        let warned = outcome
            .diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Warning);
        assert_eq!(outcome.policy.is_none(), warned, "{}", path.display());
        refused += usize::from(warned);
    }
    assert!(refused > 10);
}

#[test]
fn every_code_has_a_golden_case() {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for path in cases("refused").into_iter().chain(cases("ok")) {
        seen.extend(
            compile(&path)
                .diagnostics
                .iter()
                .map(|diagnostic| diagnostic.code),
        );
    }
    // These need megabytes; `limits.rs` produces them.
    seen.extend(["source-too-large", "policy-too-large", "yaml-alias"]);
    // These need `opa` or cargo; `opa.rs` and the tests of the command line produce them.
    seen.extend(
        all_codes()
            .map(|doc| doc.code)
            .filter(|code| code.starts_with("rego-") || code.starts_with("rust-")),
    );
    let missing: Vec<&str> = all_codes()
        .map(|doc| doc.code)
        .filter(|code| !seen.contains(code))
        .collect();
    assert!(missing.is_empty(), "no golden case produces {missing:?}");
    let known: BTreeSet<&str> = all_codes().map(|doc| doc.code).collect();
    assert!(
        seen.is_subset(&known),
        "undocumented: {:?}",
        seen.difference(&known)
    );
}

#[test]
fn every_diagnostic_has_all_it_needs() {
    for path in cases("refused").into_iter().chain(cases("ok")) {
        let outcome = compile(&path);
        for diagnostic in &outcome.diagnostics {
            let context = format!(
                "{}: {}: {}",
                path.display(),
                diagnostic.code,
                diagnostic.message
            );
            assert!(
                !diagnostic.message.is_empty()
                    && !diagnostic.message.ends_with('.')
                    && !diagnostic.message.contains('\n'),
                "{context}"
            );
            assert!(
                !diagnostic.message.starts_with(char::is_uppercase)
                    || diagnostic.message.starts_with("U+")
                    || ["YAML", "Unicode"]
                        .iter()
                        .any(|name| diagnostic.message.starts_with(name)),
                "{context}"
            );
            if let Some(help) = &diagnostic.help {
                assert!(
                    !help.is_empty() && !help.ends_with('.'),
                    "{context}: {help}"
                );
            }
            for label in std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary) {
                assert!(
                    outcome
                        .sources
                        .text(label.span.file)
                        .get(label.span.range())
                        .is_some(),
                    "{context}: {label:?}"
                );
            }
        }
    }
}

#[test]
fn every_format_is_well_formed() {
    for path in cases("refused").into_iter().chain(cases("ok")) {
        let outcome = compile(&path);
        let json: serde_json::Value = serde_json::from_str(&render(
            &outcome.diagnostics,
            &outcome.sources,
            Format::Json,
            false,
        ))
        .unwrap();
        assert_eq!(
            json["diagnostics"].as_array().unwrap().len(),
            outcome.diagnostics.len()
        );
        let sarif: serde_json::Value = serde_json::from_str(&render(
            &outcome.diagnostics,
            &outcome.sources,
            Format::Sarif,
            false,
        ))
        .unwrap();
        assert_eq!(sarif["version"], "2.1.0");
        let rules = sarif["runs"][0]["tool"]["driver"]["rules"]
            .as_array()
            .unwrap();
        for result in sarif["runs"][0]["results"].as_array().unwrap() {
            assert_eq!(
                rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"],
                result["ruleId"]
            );
        }
        let github = render(
            &outcome.diagnostics,
            &outcome.sources,
            Format::Github,
            false,
        );
        assert_eq!(github.lines().count(), outcome.diagnostics.len());
        assert!(github.lines().all(|line| line.starts_with("::error ")
            || line.starts_with("::warning ")
            || line.starts_with("::notice ")));
    }
}
