//! The schema of events, for readers in other languages.

use std::fs;
use std::path::Path;

use boon::{Compiler, Schemas};
use hexgate_agent::event::Event;
use serde_json::{Value, json};

use super::{golden, is_blessed};

fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.schema.json")
}

fn schema() -> Value {
    let mut schema = schemars::schema_for!(Event);
    schema.insert("$id".to_owned(), "urn:hexgate:events:1".into());
    schema.to_value()
}

/// Whether an event agrees with the schema, and why not.
fn check(schema: &Value, event: &Value) -> Result<(), String> {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler
        .add_resource("events.json", schema.clone())
        .map_err(|error| error.to_string())?;
    let index = compiler
        .compile("events.json", &mut schemas)
        .map_err(|error| error.to_string())?;
    schemas
        .validate(event, index)
        .map_err(|error| error.to_string())
}

#[test]
fn the_schema_in_the_documents_is_that_of_the_types() {
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if is_blessed() {
        fs::write(path(), &text).unwrap();
    }
    assert_eq!(
        fs::read_to_string(path()).unwrap(),
        text,
        "HEXGATE_BLESS=1 writes it"
    );
}

#[test]
fn golden_streams_agree_with_the_schema() {
    let schema = schema();
    for (case, _, text) in golden() {
        for line in text.lines() {
            let event = serde_json::from_str(line).unwrap();
            check(&schema, &event).unwrap_or_else(|error| panic!("{case}: {line}\n{error}"));
        }
    }
}

#[test]
fn what_is_no_event_does_not_agree_with_the_schema() {
    let schema = schema();
    let event = json!({
        "run_id": "r", "root_run_id": "r", "parent_run_id": null, "depth": 0, "sequence": 1, "event_id": "e",
        "timestamp": "2026-01-01T00:00:00Z", "event_type": "tool_end", "tool_id": "t", "tool_name": "x", "state": "failed",
        "outcome": "denied", "output_summary": null,
    });
    check(&schema, &event).unwrap();
    for (name, wrong) in [
        ("event_type", json!("tool_begin")),
        ("state", json!("denied")),
        ("outcome", json!("refused")),
        ("tool_name", json!(5)),
        ("sequence", json!("1")),
        ("depth", json!(-1)),
    ] {
        let mut wrongly = event.clone();
        wrongly[name] = wrong;
        assert!(check(&schema, &wrongly).is_err(), "{wrongly}");
    }
    for name in ["run_id", "timestamp", "event_type", "tool_id", "state"] {
        let mut short = event.clone();
        short.as_object_mut().unwrap().remove(name);
        assert!(check(&schema, &short).is_err(), "{short}");
    }
}
