//! Attacks as data: each on every backend that this machine has. What came of it is the table in `docs/sandbox.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hexgate_sandbox::{Guarantee, Sandbox, command};
use serde::Deserialize;

use crate::fixture::{self, ALLOWED, Fixture};
use crate::{backend, wait};

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
    /// What its output has to be, for what has to work.
    prints: Option<String>,
    /// The exit code of what has to work.
    code: Option<i32>,
    /// Programs without which it says nothing.
    #[serde(default)]
    needs: Vec<String>,
    /// Seconds until it is ended.
    timeout: Option<u64>,
    /// It would harm the machine where this is not enforced.
    guard: Option<String>,
    /// It runs in a workspace that lists its commands, as those of the class `shell` do.
    #[serde(default)]
    listed: bool,
    /// Another look at what came of it.
    limit: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Came {
    Held,
    Escaped(String),
    NotRun,
}

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

fn installed(name: &str) -> bool {
    ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"]
        .iter()
        .any(|folder| Path::new(folder).join(name).exists())
}

fn play(fixture: &mut Fixture, sandbox: &Sandbox, case: &Case) -> Came {
    let missing: Vec<_> = case.needs.iter().filter(|name| !installed(name)).collect();
    if !missing.is_empty() {
        eprintln!("skipped `{}`: there is no {missing:?}", case.id);
        return Came::NotRun;
    }
    let guarded = case.guard.as_ref().is_some_and(|guard| {
        Guarantee::ALL
            .into_iter()
            .find(|what| what.name() == guard)
            .map(|what| !sandbox.enforces().holds(what))
            .unwrap()
    });
    if guarded {
        return Came::NotRun;
    }
    let before = fixture.reset();
    let timeout = Duration::from_secs(case.timeout.unwrap_or(20));
    let mark = fixture.mark().to_owned();
    let (most, finished) = std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let counting = (case.limit.as_deref() == Some("processes")).then(|| {
            scope.spawn(move || {
                let mut most = 0;
                while stopped.recv_timeout(Duration::from_millis(50)).is_err() {
                    most = most.max(fixture::marked(&mark).len());
                }
                most
            })
        });
        let finished = wait(sandbox.run(&case.script, timeout)).unwrap();
        let _ = stop.send(());
        (
            counting.map_or(0, |counting| counting.join().unwrap()),
            finished,
        )
    });
    // Where a namespace ends them, they are gone at once.
    let grace = if sandbox.name() == "landlock" {
        0
    } else {
        1000
    };
    let left = fixture.left(Duration::from_millis(grace));
    let mut wrong = fixture.damage(&before);
    if left > 0 {
        wrong.push(format!("{left} processes left"));
    }
    let output = format!("{}{}", finished.stdout, finished.stderr);
    if let Some(escaped) = &case.escaped
        && output.contains(escaped)
    {
        wrong.push(format!("printed `{escaped}`"));
    }
    match case.limit.as_deref() {
        None => {}
        Some("processes") => {
            if most > 70 {
                wrong.push(format!("{most} processes"));
            }
            assert!(most > 10, "`{}` did not try: {finished:?}", case.id);
        }
        Some("output") => {
            let is_cut = finished.stdout.chars().count() == 20_000 && finished.stdout_truncated;
            let told = (!is_cut).then(|| format!("{} bytes of output", finished.stdout.len()));
            wrong.extend(told);
        }
        Some("data") => {
            let is_kept = finished.stdout == "\u{1b}]0;x\u{7}\u{1b}[2J";
            wrong.extend((!is_kept).then(|| format!("{:?}", finished.stdout)));
        }
        Some(other) => panic!("no limit `{other}`"),
    }
    if let Some(prints) = &case.prints
        && (finished.stdout.trim() != prints || finished.exit_code != case.code.unwrap_or(0))
    {
        wrong.push(format!("{finished:?}"));
    }
    if wrong.is_empty() {
        Came::Held
    } else {
        Came::Escaped(wrong.join(", "))
    }
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
    let mut columns: BTreeMap<&str, BTreeMap<String, Came>> = BTreeMap::new();
    let only = std::env::var("HEXGATE_CASE").ok();
    let wanted = |case: &Case| only.as_ref().is_none_or(|only| case.id == *only);
    for case in cases("shell").iter().filter(|case| wanted(case)) {
        columns
            .entry("reading")
            .or_default()
            .insert(format!("shell/{}", case.id), read(case));
    }
    for name in BACKENDS {
        let mut fixture = Fixture::new(name);
        let (Some(any), Some(listed)) = (
            backend(name, &fixture.workspace(false)),
            backend(name, &fixture.workspace(true)),
        ) else {
            continue;
        };
        let column = columns.entry(name).or_default();
        for class in CLASSES {
            for case in cases(class).iter().filter(|case| wanted(case)) {
                let sandbox = if *class == "shell" || case.listed {
                    &listed
                } else {
                    &any
                };
                let begun = std::time::Instant::now();
                let came = play(&mut fixture, sandbox, case);
                if begun.elapsed() > Duration::from_secs(case.timeout.unwrap_or(0) + 3) {
                    eprintln!("{name} {class}/{}: slow, {:?}", case.id, begun.elapsed());
                }
                if let Came::Escaped(how) = &came {
                    eprintln!("{name} {class}/{}: {how}", case.id);
                }
                column.insert(format!("{class}/{}", case.id), came);
            }
        }
    }
    let strongest = columns.get("landlock").expect("landlock has to work");
    let broken: Vec<_> = strongest
        .iter()
        .filter(|(_, came)| matches!(came, Came::Escaped(_)))
        .collect();
    assert!(broken.is_empty(), "landlock does not hold: {broken:#?}");
    if only.is_none() {
        publish(&columns);
    }
}

/// Compares the table of the documentation with what came, for the backends that were there; writes it with `HEXGATE_BLESS`.
fn publish(columns: &BTreeMap<&str, BTreeMap<String, Came>>) {
    let path = documentation();
    let text = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (
        "<!-- matrix: written by the tests -->\n",
        "<!-- end of the matrix -->",
    );
    let (head, rest) = text.split_once(begin).unwrap();
    let (old, tail) = rest.split_once(end).unwrap();
    let old = cells(old);
    let mut new = BTreeMap::new();
    for case in CLASSES.iter().flat_map(|class| cases(class)) {
        let id = format!("{}/{}", case.class, case.id);
        for name in COLUMNS {
            let sign = match columns.get(name).map(|column| column.get(&id)) {
                Some(Some(Came::Held)) => "+",
                Some(Some(Came::Escaped(_))) => "–",
                Some(Some(Came::NotRun) | None) => "",
                // A machine without a backend has nothing to say about its column.
                None => old.get(&(id.clone(), name)).map_or("", String::as_str),
            };
            new.insert((id.clone(), *name), sign.to_owned());
        }
    }
    if std::env::var_os("HEXGATE_BLESS").is_some() {
        std::fs::write(&path, format!("{head}{begin}{}{end}{tail}", table(&new))).unwrap();
        return;
    }
    // What was not run here, for want of a program, says nothing either.
    let differs: Vec<_> = new
        .iter()
        .filter(|(key, sign)| !sign.is_empty() && old.get(&(key.0.clone(), &key.1)) != Some(sign))
        .map(|((id, name), sign)| format!("{id} {name}: `{sign}`"))
        .collect();
    assert!(
        differs.is_empty(),
        "docs/sandbox.md says otherwise (HEXGATE_BLESS=1 writes it): {differs:#?}"
    );
}

const COLUMNS: &[&str] = &["reading", "landlock", "landlock-alone", "bwrap", "srt"];

fn cells(table: &str) -> BTreeMap<(String, &'static &'static str), String> {
    table
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('/'))
        .flat_map(|line| {
            let parts: Vec<_> = line.split('|').map(|part| part.trim().to_owned()).collect();
            COLUMNS.iter().enumerate().map(move |(at, name)| {
                let sign = parts.get(at + 2).cloned().unwrap_or_default();
                ((parts[1].clone(), name), sign)
            })
        })
        .collect()
}

fn table(cells: &BTreeMap<(String, &str), String>) -> String {
    let names = COLUMNS.join(" | ");
    let rule = "|---".repeat(COLUMNS.len());
    let mut table = format!("\n| class | cases | {names} |\n|---|---{rule}|\n");
    for class in CLASSES {
        let _ = write!(table, "| {class} | {} |", cases(class).len());
        for name in COLUMNS {
            let signs: Vec<_> = cells
                .iter()
                .filter(|((id, column), sign)| {
                    column == name && id.starts_with(&format!("{class}/")) && !sign.is_empty()
                })
                .collect();
            let held = signs.iter().filter(|(_, sign)| *sign == "+").count();
            let _ = match signs.len() {
                0 => write!(table, " |"),
                run => write!(table, " {held} of {run} |"),
            };
        }
        table.push('\n');
    }
    let _ = write!(
        table,
        "\nEach case: `+` held, `–` not, empty: not run there.\n\n| case | {names} |\n|---{rule}|\n"
    );
    for class in CLASSES {
        for case in cases(class) {
            let id = format!("{class}/{}", case.id);
            let _ = write!(table, "| {id} |");
            for name in COLUMNS {
                let sign = cells.get(&(id.clone(), *name)).map_or("", String::as_str);
                let _ = write!(table, " {sign} |");
            }
            table.push('\n');
        }
    }
    table.push('\n');
    table
}

fn documentation() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox.md")
}
