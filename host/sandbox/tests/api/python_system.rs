//! The command and workspace cases of the Python system, as data: what it answers, what this one does, and why they differ. The differences
//! are a table in `docs/sandbox.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use hexgate_sandbox::command::{Rules, check};
use hexgate_sandbox::{Workspace, WorkspaceError};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{backend, folder, wait};

/// A script that is held against a list of commands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandCase {
    case: String,
    script: String,
    /// None: there is no list.
    allowed: Option<Vec<String>>,
    #[serde(default)]
    substitution: bool,
    /// `allow` or `deny`, as the other does.
    theirs: String,
    ours: String,
    /// Why they differ.
    why: Option<String>,
}

/// Something that a workspace is or does.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkspaceCase {
    case: String,
    /// What it is there.
    theirs: String,
    /// What it is here, if that is something else.
    ours: Option<String>,
    why: Option<String>,
    /// The test that shows it here.
    shown_by: Option<String>,
    /// Or a script, and what comes of it.
    script: Option<String>,
    allowed: Option<Vec<String>>,
    #[serde(default)]
    substitution: bool,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    prints: String,
    /// What its errors contain.
    errors: Option<String>,
    #[serde(default)]
    code: i32,
}

fn read<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{name}.jsonl"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// What comes of a script here, before it would run.
fn answer(case: &CommandCase) -> &'static str {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Workspace::builder(folder.path());
    if let Some(allowed) = &case.allowed {
        builder = builder.allowed_commands(allowed);
        match builder.build() {
            Ok(_) => {}
            Err(WorkspaceError::Interpreter(_)) => return "deny",
            Err(error) => panic!("{}: {error}", case.case),
        }
    }
    let rules = Rules {
        allowed: case.allowed.as_deref(),
        substitution: case.substitution,
        bytes: 1 << 16,
    };
    match check(&case.script, &rules) {
        Ok(()) => "allow",
        Err(_) => "deny",
    }
}

#[test]
fn commands_are_answered_as_the_data_says() {
    let wrong: Vec<_> = read::<CommandCase>("python-commands")
        .iter()
        .filter(|case| answer(case) != case.ours)
        .map(|case| format!("{}: {}", case.case, answer(case)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn workspaces_are_what_the_data_says() {
    let tests = sources();
    let mut wrong = Vec::new();
    for case in read::<WorkspaceCase>("python-workspaces") {
        match (&case.shown_by, &case.script) {
            (Some(test), None) => {
                let found = tests.contains(&format!("fn {test}("));
                wrong.extend((!found).then(|| format!("{}: no test `{test}`", case.case)));
            }
            (None, Some(script)) => {
                let (_folder, mut builder) = folder();
                for (name, value) in &case.env {
                    builder = builder.env(name, value);
                }
                if let Some(allowed) = &case.allowed {
                    builder = builder.allowed_commands(allowed);
                }
                if case.substitution {
                    builder = builder.allow_command_substitution();
                }
                let Some(sandbox) = backend("landlock", &builder.build().unwrap()) else {
                    return;
                };
                let finished = wait(sandbox.run(script, Duration::from_secs(20))).unwrap();
                let errors = case.errors.as_deref().unwrap_or_default();
                if finished.stdout.trim() != case.prints
                    || !finished.stderr.contains(errors)
                    || finished.exit_code != case.code
                {
                    wrong.push(format!("{}: {finished:?}", case.case));
                }
            }
            _ => panic!("{}: one of a script and a test", case.case),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The texts of the tests of this crate.
fn sources() -> String {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    ["api", "proxy"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(tests.join(folder)).unwrap().flatten())
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "rs"))
        .map(|entry| std::fs::read_to_string(entry.path()).unwrap())
        .collect()
}

#[test]
fn the_documentation_says_what_differs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (
        "<!-- differences: written by the tests -->\n",
        "<!-- end of the differences -->",
    );
    let (head, rest) = text.split_once(begin).unwrap();
    let (old, tail) = rest.split_once(end).unwrap();
    let new = differences();
    if std::env::var_os("HEXGATE_BLESS").is_some() {
        std::fs::write(&path, format!("{head}{begin}{new}{end}{tail}")).unwrap();
        return;
    }
    assert!(
        old == new,
        "docs/sandbox.md says otherwise (HEXGATE_BLESS=1 writes it): {new}"
    );
}

fn differences() -> String {
    let commands = read::<CommandCase>("python-commands");
    let workspaces = read::<WorkspaceCase>("python-workspaces");
    let mut table = String::from("\n| case | there | here | why |\n|---|---|---|---|\n");
    let mut same = 0;
    for case in &commands {
        assert!(
            case.why.is_some() == (case.theirs != case.ours),
            "{}: a reason for a difference, and for nothing else",
            case.case
        );
        let Some(why) = &case.why else {
            same += 1;
            continue;
        };
        // A code span cannot have a line break, and a cell no bar.
        let script = case.script.replace('\n', "↵").replace('|', "\\|");
        let _ = writeln!(
            table,
            "| `{script}` | {} | {} | {why} |",
            case.theirs, case.ours
        );
    }
    for case in &workspaces {
        match (&case.ours, &case.why) {
            (Some(ours), Some(why)) => {
                let _ = writeln!(
                    table,
                    "| {} | {} | {ours} | {why} |",
                    case.case, case.theirs
                );
            }
            (None, None) => same += 1,
            _ => panic!("{}: a reason for a difference", case.case),
        }
    }
    let _ = write!(
        table,
        "\nOf {} scripts and {} statements about workspaces, {same} are the same.\n\n",
        commands.len(),
        workspaces.len()
    );
    table
}
