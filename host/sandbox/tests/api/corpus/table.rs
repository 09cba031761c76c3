//! The table of the documentation: compared with what came, or written with `HEXGATE_BLESS`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hexgate_test_support::{announce, tools_required};

use super::control::Control;
use super::{CLASSES, Came, Case, Column, cases};

const COLUMNS: &[&str] = &[
    "control",
    "reading",
    "landlock",
    "landlock-alone",
    "bwrap",
    "srt",
];
const BEGIN: &str = "<!-- matrix: written by the tests -->\n";
const END: &str = "<!-- end of the matrix -->";

/// What stands in a cell, by case and column.
type Cells = BTreeMap<(String, String), String>;

/// Compares the table with what came, for the backends that were there; writes it with `HEXGATE_BLESS`.
pub(super) fn publish(controls: &BTreeMap<String, Control>, columns: &BTreeMap<&str, Column>) {
    let path = documentation();
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (old, tail) = rest.split_once(END).unwrap();
    let old = cells(old);
    let all: Vec<Case> = CLASSES.iter().flat_map(|class| cases(class)).collect();
    let mut new = Cells::new();
    for case in &all {
        for name in COLUMNS {
            let key = (case.name(), (*name).to_owned());
            let sign = match columns.get(name).map(|column| column.get(&case.name())) {
                _ if *name == "control" => match &controls[&case.name()] {
                    Control::Works => "+",
                    Control::Absent(_) | Control::Nothing(_) => "",
                    Control::Unsafe => "unsafe",
                },
                Some(Some(Came::Held)) => "+",
                Some(Some(Came::Escaped(_))) => "–",
                Some(Some(Came::NotRun) | None) => "",
                // A machine without a backend has nothing to say about its column.
                None => old.get(&key).map_or("", String::as_str),
            };
            new.insert(key, sign.to_owned());
        }
    }
    without_reason(controls);
    if std::env::var_os("HEXGATE_BLESS").is_some() {
        let table = table(&all, &new);
        std::fs::write(&path, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
        return;
    }
    // Where the table says nothing, because a case did nothing on the machine that wrote it, holding it is no news.
    let differs: Vec<_> = new
        .iter()
        .filter(|(key, sign)| match old.get(*key).map(String::as_str) {
            Some("") => *sign == "–",
            said => !sign.is_empty() && said != Some(sign),
        })
        .map(|((id, name), sign)| format!("{id} {name}: `{sign}`"))
        .collect();
    assert!(
        differs.is_empty(),
        "docs/sandbox.md says otherwise (HEXGATE_BLESS=1 writes it): {differs:#?}"
    );
    // A case that lost its control is not run, so nobody would see that it is not held any more.
    let lost: Vec<_> = controls
        .iter()
        .filter(|(id, came)| {
            let key = ((*id).clone(), "control".to_owned());
            matches!(came, Control::Absent(_)) && old.get(&key).map(String::as_str) == Some("+")
        })
        .map(|(id, _)| id)
        .collect();
    if !lost.is_empty() {
        assert!(
            !is_full(),
            "this machine has nothing for attacks that had an effect: {lost:?}"
        );
        announce(&format!(
            "not run, as this machine has nothing for them: {lost:?}"
        ));
    }
}

/// The table is of the superuser, on the kind of machine on which the full tests run.
fn is_full() -> bool {
    tools_required() && rustix::process::geteuid().is_root()
}

/// A case that does nothing is held by anything: an error, unless its data says on what it depends.
fn without_reason(controls: &BTreeMap<String, Control>) {
    let nothing: Vec<_> = controls
        .iter()
        .filter(|(_, came)| matches!(came, Control::Nothing(_)))
        .map(|(id, _)| id)
        .collect();
    if nothing.is_empty() {
        return;
    }
    // Some do what only the superuser may.
    let blesses = std::env::var_os("HEXGATE_BLESS").is_some();
    assert!(
        !is_full() && !blesses,
        "attacks without an effect and without a reason for it: {nothing:?}"
    );
    announce(&format!("not run, as they do nothing here: {nothing:?}"));
}

/// The cells of a table, whose header names its columns.
fn cells(table: &str) -> Cells {
    let mut names = Vec::new();
    let mut cells = Cells::new();
    for line in table.lines() {
        let parts: Vec<_> = line.split('|').map(str::trim).collect();
        match parts.get(1) {
            Some(&"case") => names = parts,
            Some(id) if id.contains('/') => {
                for (name, sign) in names.iter().zip(&parts).skip(2) {
                    cells.insert(((*id).to_owned(), (*name).to_owned()), (*sign).to_owned());
                }
            }
            _ => {}
        }
    }
    cells
}

fn table(all: &[Case], cells: &Cells) -> String {
    let names = COLUMNS.join(" | ");
    let rule = "|---".repeat(COLUMNS.len());
    let mut table = format!("\n| class | cases | {names} |\n|---|---{rule}|\n");
    let sign = |id: String, name: &str| {
        cells
            .get(&(id, name.to_owned()))
            .map_or("", String::as_str)
            .to_owned()
    };
    for class in CLASSES {
        let of_class: Vec<_> = all.iter().filter(|case| case.class == *class).collect();
        let _ = write!(table, "| {class} | {} |", of_class.len());
        for name in COLUMNS {
            let signs: Vec<_> = of_class
                .iter()
                .map(|case| sign(case.name(), name))
                .filter(|sign| !sign.is_empty())
                .collect();
            let held = signs.iter().filter(|sign| *sign == "+").count();
            let apart = signs.iter().filter(|sign| *sign == "unsafe").count();
            let _ = match (*name, signs.len()) {
                (_, 0) => write!(table, " |"),
                ("control", _) if apart > 0 => write!(table, " {held}, {apart} unsafe |"),
                ("control", _) => write!(table, " {held} |"),
                (_, run) => write!(table, " {held} of {run} |"),
            };
        }
        table.push('\n');
    }
    table.push_str(&controlled(all, &sign));
    let _ = write!(
        table,
        "\nEach case: `+` held, `–` not, empty: not run there.\n\n| case | {names} |\n|---{rule}|\n"
    );
    for case in all {
        let _ = write!(table, "| {} |", case.name());
        for name in COLUMNS {
            let _ = write!(table, " {} |", sign(case.name(), name));
        }
        table.push('\n');
    }
    table.push('\n');
    table
}

/// How many cases have a control, and why the others have none.
fn controlled(all: &[Case], sign: &dyn Fn(String, &str) -> String) -> String {
    let with = |wanted: &str| -> Vec<&Case> {
        all.iter()
            .filter(|case| sign(case.name(), "control") == wanted)
            .collect()
    };
    let names = |cases: &[&Case]| -> String {
        let names: Vec<_> = cases
            .iter()
            .map(|case| format!("`{}` ({})", case.name(), reason(case)))
            .collect();
        names.join(", ")
    };
    let (apart, nothing) = (with("unsafe"), with(""));
    format!(
        "\n{} of {} cases have a control. Not safe without a sandbox, so run in one alone: {}. Without effect on that machine, so not run: {}.\n",
        with("+").len(),
        all.len(),
        names(&apart),
        names(&nothing)
    )
}

/// Why a case has no control, in the words of its data.
fn reason(case: &Case) -> String {
    if let Some(reason) = case.r#unsafe.as_ref().or(case.depends.as_ref()) {
        return reason.clone();
    }
    match &case.machine {
        Some(machine) => format!("it is of {machine}"),
        None => format!("it is of {}", case.if_installed.join(" and ")),
    }
}

fn documentation() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox.md")
}
