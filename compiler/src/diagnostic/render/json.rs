//! For programs: one JSON object. Members are added, never changed.

use serde_json::{Value, json};

use super::region;
use crate::{
    diagnostic::{Diagnostic, Label, Severity},
    place::Sources,
};

pub(super) fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let count = |severity: Severity| {
        diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    };
    let list: Vec<Value> = diagnostics
        .iter()
        .map(|diagnostic| {
            json!({
                "code": diagnostic.code,
                "severity": diagnostic.severity.name(),
                "message": diagnostic.message,
                "primary": label(&diagnostic.primary, sources),
                "secondary": diagnostic.secondary.iter().map(|secondary| label(secondary, sources)).collect::<Vec<_>>(),
                "help": diagnostic.help,
            })
        })
        .collect();
    let object = json!({ "diagnostics": list, "errors": count(Severity::Error), "warnings": count(Severity::Warning) });
    format!("{object:#}\n")
}

/// A label: lines and columns count from 1, columns in characters, offsets in bytes. What is wrong with a whole file has no lines.
fn label(label: &Label, sources: &Sources) -> Value {
    let mut value = json!({ "file": sources.name(label.span.file), "label": label.text });
    if let (Some(region), Some(members)) = (region(label.span, sources), value.as_object_mut()) {
        members.insert("line".into(), region.line.into());
        members.insert("column".into(), region.column.into());
        members.insert("end_line".into(), region.end_line.into());
        members.insert("end_column".into(), region.end_column.into());
        members.insert("start".into(), label.span.start.into());
        members.insert("end".into(), label.span.end.into());
    }
    value
}
