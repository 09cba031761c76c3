//! Streams of events: a golden one for each case, the rules that all of them keep, the schema, and readers that know less.
//!
//! `HEXGATE_BLESS=1` writes the streams to `events/NAME.jsonl`, and the schema to `docs/events.schema.json`.

mod cases;
mod laws;
mod normal;
mod python;
mod schema;
pub(crate) mod tools;

use std::fs;
use std::path::{Path, PathBuf};

use hexgate_agent::event::Event;

use cases::CASES;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/events")
}

fn is_blessed() -> bool {
    std::env::var_os("HEXGATE_BLESS").is_some()
}

/// The golden streams, by their cases.
fn golden() -> impl Iterator<Item = (&'static str, Vec<Event>, String)> {
    CASES.iter().map(|case| {
        let path = folder().join(format!("{}.jsonl", case.name));
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let events = text
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
            })
            .collect();
        (case.name, events, text)
    })
}

#[test]
fn each_case_has_its_stream() {
    let mut differ = Vec::new();
    for case in CASES {
        let events = cases::play(case);
        laws::hold(case.name, &events);
        let came = normal::lines(&events);
        let path = folder().join(format!("{}.jsonl", case.name));
        if fs::read_to_string(&path).is_ok_and(|golden| golden == came) {
            continue;
        }
        if is_blessed() {
            fs::write(&path, &came).unwrap();
        } else {
            differ.push(format!("{}:\n{came}", case.name));
        }
    }
    assert!(
        differ.is_empty(),
        "see what changed by HEXGATE_BLESS=1: {}",
        differ.join("\n")
    );
}

#[test]
fn no_stream_is_without_its_case() {
    let mut named: Vec<String> = CASES
        .iter()
        .map(|case| format!("{}.jsonl", case.name))
        .collect();
    named.sort();
    let files = fs::read_dir(folder()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<String> = names.filter(|name| name.ends_with(".jsonl")).collect();
    found.sort();
    assert_eq!(found, named);
}
