//! Attacks as data: each without a sandbox, to see that it does something, and then on every backend that this machine has. What came of it
//! is the table in `docs/sandbox.md`.

mod control;
mod play;
pub(crate) mod surroundings;
mod table;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use hexgate_sandbox::command;
use serde::Deserialize;

use self::control::Control;
use crate::backend;
use crate::fixture::{ALLOWED, Fixture};

const CLASSES: &[&str] = &["shell", "file", "process", "network", "works"];
const BACKENDS: &[&str] = &["landlock", "landlock-alone", "bwrap", "srt"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    class: String,
    script: String,
    /// Text that its output contains if it got what it wanted.
    escaped: Option<String>,
    /// A file of the workspace that is there if it got what it wanted, made by a program that it may not run.
    makes: Option<String>,
    /// What its output has to be, for what has to work.
    prints: Option<String>,
    /// The exit code of what has to work.
    code: Option<i32>,
    /// Programs that every machine for tests has to have.
    #[serde(default)]
    needs: Vec<String>,
    /// Programs that it attacks or attacks by. Where they are not installed there is nothing to hold.
    #[serde(default)]
    if_installed: Vec<String>,
    /// The only kind of machine that has what it tries.
    machine: Option<String>,
    /// Seconds until it is ended.
    timeout: Option<u64>,
    /// What of a machine it depends on that not each machine has. There it may do nothing without a sandbox.
    depends: Option<String>,
    /// Why it is not tried without a sandbox.
    r#unsafe: Option<String>,
    /// It would harm the machine where this is not enforced.
    guard: Option<String>,
    /// It runs in a workspace that lists its commands, as those of the class `shell` do.
    #[serde(default)]
    listed: bool,
    /// Without a sandbox it is in the session of the program that is attacked, and so has its terminal.
    #[serde(default)]
    terminal: bool,
    /// Another look at what came of it.
    limit: Option<String>,
}

impl Case {
    fn name(&self) -> String {
        format!("{}/{}", self.class, self.id)
    }

    /// Whether it has to work, and is no attack.
    fn has_to_work(&self) -> bool {
        self.class == "works" || self.limit.as_deref() == Some("data")
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.unwrap_or(20))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Came {
    Held,
    Escaped(String),
    NotRun,
}

/// What came of each case, by its name.
type Column = BTreeMap<String, Came>;

fn cases(class: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{class}.jsonl"));
    let text = std::fs::read_to_string(path).unwrap();
    let cases: Vec<Case> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let mut ids: Vec<_> = cases.iter().map(|case| &case.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), cases.len(), "{class}: a name is used twice");
    assert!(cases.iter().all(|case| case.class == class));
    cases
}

/// All cases, or the one that `HEXGATE_CASE` names.
fn wanted() -> Vec<Case> {
    let only = std::env::var("HEXGATE_CASE").ok();
    CLASSES
        .iter()
        .flat_map(|class| cases(class))
        .filter(|case| only.as_ref().is_none_or(|only| case.id == *only))
        .collect()
}

/// Whether reading a script refuses it.
fn read(case: &Case) -> Came {
    let allowed: Vec<String> = ALLOWED.iter().map(|name| (*name).to_owned()).collect();
    let rules = command::Rules {
        allowed: Some(&allowed),
        substitution: false,
        bytes: 1 << 16,
    };
    match command::check(&case.script, &rules) {
        Ok(()) => Came::Escaped("passes".to_owned()),
        Err(_) => Came::Held,
    }
}

#[test]
fn the_corpus_is_held_by_the_kernel_and_the_table_says_what_others_hold() {
    if let Some(said) = surroundings::run("corpus::program_that_is_attacked") {
        eprintln!("{said}");
    }
}

/// Not a test by itself: the program that is attacked. It is this test binary, started again with a terminal, an open file and variables that
/// no command should see.
#[test]
fn program_that_is_attacked() {
    if !surroundings::are_here() {
        return;
    }
    let cases = wanted();
    let mut controls = BTreeMap::new();
    let mut fixture = Fixture::new("control");
    for case in &cases {
        let begun = Instant::now();
        let came = control::try_out(&mut fixture, case);
        told_if_slow("control", case, begun);
        if let Control::Nothing(how) = &came {
            eprintln!("{}: does nothing without a sandbox: {how}", case.name());
        }
        controls.insert(case.name(), came);
    }
    let mut columns: BTreeMap<&str, Column> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.class == "shell") {
        columns
            .entry("reading")
            .or_default()
            .insert(case.name(), read(case));
    }
    for name in BACKENDS {
        if let Some(column) = column(name, &cases, &controls) {
            columns.insert(name, column);
        }
    }
    let strongest = columns.get("landlock").expect("landlock has to work");
    let broken: Vec<_> = strongest
        .iter()
        .filter(|(_, came)| matches!(came, Came::Escaped(_)))
        .collect();
    assert!(broken.is_empty(), "landlock does not hold: {broken:#?}");
    if cases.len() > 1 {
        table::publish(&controls, &columns);
    }
}

fn told_if_slow(name: &str, case: &Case, begun: Instant) {
    if begun.elapsed() > Duration::from_secs(case.timeout.unwrap_or(0) + 3) {
        eprintln!("{name} {}: slow, {:?}", case.name(), begun.elapsed());
    }
}

/// What a backend holds. None if this machine does not have it.
fn column(name: &str, cases: &[Case], controls: &BTreeMap<String, Control>) -> Option<Column> {
    let mut fixture = Fixture::new(name);
    let any = backend(name, &fixture.workspace(false))?;
    let listed = backend(name, &fixture.workspace(true))?;
    let mut column = Column::new();
    for case in cases {
        // What does nothing anyway is held by nobody.
        let came = if matches!(
            controls[&case.name()],
            Control::Nothing(_) | Control::Absent(_)
        ) {
            Came::NotRun
        } else {
            let sandbox = if case.class == "shell" || case.listed {
                &listed
            } else {
                &any
            };
            let begun = Instant::now();
            let came = play::play(&mut fixture, sandbox, case);
            told_if_slow(name, case, begun);
            came
        };
        if let Came::Escaped(how) = &came {
            eprintln!("{name} {}: {how}", case.name());
        }
        column.insert(case.name(), came);
    }
    Some(column)
}
