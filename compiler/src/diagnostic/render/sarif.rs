//! For code scanning: SARIF 2.1.0, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::region;
use crate::{
    diagnostic::{Diagnostic, Label, find_code},
    place::Sources,
};

pub(super) fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let codes: BTreeMap<&str, _> = diagnostics
        .iter()
        .filter_map(|diagnostic| find_code(diagnostic.code))
        .map(|doc| (doc.code, doc))
        .collect();
    let rules: Vec<Value> = codes
        .values()
        .map(|doc| {
            json!({
                "id": doc.code,
                "shortDescription": { "text": doc.title },
                "fullDescription": { "text": doc.explanation },
                "defaultConfiguration": { "level": doc.severity.name() },
            })
        })
        .collect();
    let indices: BTreeMap<&str, usize> = codes
        .keys()
        .enumerate()
        .map(|(index, code)| (*code, index))
        .collect();
    let results: Vec<Value> = diagnostics
        .iter()
        .map(|diagnostic| result(diagnostic, &indices, sources))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "hexgate-compile", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn result(diagnostic: &Diagnostic, indices: &BTreeMap<&str, usize>, sources: &Sources) -> Value {
    let text = match &diagnostic.help {
        Some(help) => format!("{}\n\n{help}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": diagnostic.severity.name(),
        "message": { "text": text },
        "locations": [location(&diagnostic.primary, sources)],
    });
    if let Some(members) = result.as_object_mut() {
        if let Some(index) = indices.get(diagnostic.code) {
            members.insert("ruleIndex".into(), (*index).into());
        }
        if !diagnostic.secondary.is_empty() {
            members.insert(
                "relatedLocations".into(),
                diagnostic
                    .secondary
                    .iter()
                    .map(|label| location(label, sources))
                    .collect(),
            );
        }
    }
    result
}

fn location(label: &Label, sources: &Sources) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(sources.name(label.span.file)) } });
    if let (Some(region), Some(members)) = (region(label.span, sources), physical.as_object_mut()) {
        let region = json!({ "startLine": region.line, "startColumn": region.column, "endLine": region.end_line, "endColumn": region.end_column });
        members.insert("region".into(), region);
    }
    let mut location = json!({ "physicalLocation": physical });
    if let (false, Some(members)) = (label.text.is_empty(), location.as_object_mut()) {
        members.insert("message".into(), json!({ "text": label.text }));
    }
    location
}

/// A path as a URI reference (RFC 3986): relative paths stay relative, to be resolved against the repository.
fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    let path = path.strip_prefix("./").unwrap_or(path);
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
