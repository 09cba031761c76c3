//! Conditions on values that are no objects: constants, texts, numbers, lists.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::at::At;
use super::join::{All, either, is_a};
use super::{MAX_CONSTRAINT, MAX_PATTERNS, MAX_QUANTIFIERS, Reader};
use crate::starter::path::Path;
use crate::starter::pattern;
use crate::starter::text::literal;

/// The longest enumeration that is written, in bytes.
const MAX_VALUES: usize = MAX_CONSTRAINT - 512;
/// What bounds values of one type.
const BOUNDS: [&str; 7] = [
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
];

impl<'a> Reader<'a> {
    /// `const` and `enum`, as far as they fit the type.
    pub(super) fn listed(&mut self, members: &'a Map<String, Value>, at: &At) -> Option<String> {
        const MOST: usize = 1_000;
        let values = match (members.get("const"), members.get("enum")) {
            (Some(value), _) => std::slice::from_ref(value),
            (None, Some(Value::Array(values))) => values,
            _ => return None,
        };
        let mut seen = BTreeSet::new();
        let texts: Option<Vec<String>> = values
            .iter()
            .take(MOST)
            .filter(|value| fits(members.get("type"), value))
            .map(scalar)
            .filter(|text| text.as_ref().is_none_or(|text| seen.insert(text.clone())))
            .collect();
        let texts = texts.filter(|texts| !texts.is_empty() && values.len() <= MOST);
        let list = texts.as_ref().map(|texts| texts.join(", "));
        match (texts.as_deref(), list) {
            (Some([one]), _) if one.len() <= MAX_VALUES => Some(format!("{} == {one}", at.text())),
            (Some(_), Some(list)) if list.len() <= MAX_VALUES => {
                if BOUNDS.iter().any(|word| members.contains_key(*word)) {
                    self.leave(at, "bounds beside an enumeration");
                }
                Some(format!("{} in [{list}]", at.text()))
            }
            _ => {
                self.leave(
                    at,
                    "an enumeration with lists or objects, without values, or that is too long",
                );
                None
            }
        }
    }

    pub(super) fn by_type(&mut self, members: &'a Map<String, Value>, at: &At) -> All {
        let types = self.types(members, at);
        match types.as_slice() {
            [] => All::new(),
            [one] => self.of_type(one, members, at),
            several => {
                let branches: Vec<All> = several
                    .iter()
                    .map(|one| self.of_type(one, members, at))
                    .collect();
                either(branches, at).into_iter().collect()
            }
        }
    }

    /// The types that a schema names, or that its words are about.
    pub(super) fn types(&mut self, members: &Map<String, Value>, at: &At) -> Vec<&'static str> {
        let known = |name: &Value| match name.as_str() {
            Some("string") => Some("string"),
            Some("number" | "integer") => Some("number"),
            Some("boolean") => Some("boolean"),
            Some("null") => Some("null"),
            Some("array") => Some("array"),
            Some("object") => Some("object"),
            _ => None,
        };
        let types = match members.get("type") {
            Some(Value::Array(names)) => names.iter().take(16).map(known).collect(),
            Some(name) => known(name).map(|one| vec![one]),
            None => {
                let has = |words: &[&str]| words.iter().any(|word| members.contains_key(*word));
                return if has(&["properties", "additionalProperties", "required"]) {
                    vec!["object"]
                } else if has(&["items"]) {
                    vec!["array"]
                } else if has(&["pattern", "minLength", "maxLength"]) {
                    vec!["string"]
                } else if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]) {
                    vec!["number"]
                } else {
                    Vec::new()
                };
            }
        };
        let mut types: Vec<&'static str> = types.unwrap_or_else(|| {
            self.leave(at, "a type that is unknown");
            Vec::new()
        });
        types.sort_unstable();
        types.dedup();
        types
    }

    pub(super) fn of_type(&mut self, name: &str, members: &'a Map<String, Value>, at: &At) -> All {
        match name {
            "string" => self.text(members, at),
            "number" => self.number(members, at),
            "boolean" => vec![is_a(at, "boolean")],
            "null" => vec![format!("{} == null", at.text())],
            "array" => self.list(members, at),
            _ => self
                .object(members, at, false)
                .unwrap_or_else(|| vec![is_a(at, "object")]),
        }
    }

    pub(super) fn text(&mut self, members: &Map<String, Value>, at: &At) -> All {
        let mut all = vec![is_a(at, "text")];
        all.extend(lengths(members, at, "minLength", "maxLength"));
        if let Some(text) = members.get("pattern").and_then(Value::as_str) {
            self.patterns += 1;
            let condition = (self.patterns <= MAX_PATTERNS)
                .then(|| pattern::condition(at.text(), text))
                .flatten();
            match condition {
                Some(condition) => all.push(condition),
                None => self.leave(
                    at,
                    "a pattern that is not anchored, or that the policy language does not read",
                ),
            }
        }
        if members.contains_key("format") {
            self.leave(at, "`format`");
        }
        all
    }

    pub(super) fn number(&mut self, members: &Map<String, Value>, at: &At) -> All {
        let mut all = All::new();
        for (word, exclusive, plain, strict) in [
            ("minimum", "exclusiveMinimum", ">=", ">"),
            ("maximum", "exclusiveMaximum", "<=", "<"),
        ] {
            let bound = members.get(word).and_then(number);
            // Draft 4 has a truth value there.
            let is_strict = members.get(exclusive) == Some(&Value::Bool(true));
            if let Some(bound) = bound {
                let operator = if is_strict { strict } else { plain };
                all.push(format!("{} {operator} {bound}", at.text()));
            }
            if let Some(bound) = members.get(exclusive).and_then(number) {
                all.push(format!("{} {strict} {bound}", at.text()));
            }
        }
        if all.is_empty() {
            all.push(is_a(at, "number"));
        }
        if members.contains_key("multipleOf") {
            self.leave(at, "`multipleOf`");
        }
        all
    }

    pub(super) fn list(&mut self, members: &'a Map<String, Value>, at: &At) -> All {
        let mut all = vec![is_a(at, "list")];
        all.extend(lengths(members, at, "minItems", "maxItems"));
        match members.get("items") {
            None | Some(Value::Bool(true)) => {}
            Some(_) if at.quantifiers >= MAX_QUANTIFIERS => {
                self.leave(at, "the elements of a list this deep")
            }
            Some(items) => {
                let inner = at.below(Path::element(), at.quantifiers + 1);
                let conditions = self.conditions(items, &inner);
                if !conditions.is_empty() {
                    all.push(format!(
                        "every({}, {})",
                        at.text(),
                        conditions.join(" and ")
                    ));
                }
            }
        }
        all
    }
}

fn lengths(members: &Map<String, Value>, at: &At, least: &str, most: &str) -> All {
    // A length can be written as `2.0`. As whole numbers, those below 2^53 are exact.
    let whole = |number: f64| {
        (number.fract() == 0.0 && (0.0..9e15).contains(&number)).then_some(number as u64)
    };
    let length = |word: &str| {
        let value = members.get(word)?;
        value.as_u64().or_else(|| whole(value.as_f64()?))
    };
    let least = length(least).filter(|least| *least > 0);
    let mut all: All = least
        .map(|least| format!("count({}) >= {least}", at.text()))
        .into_iter()
        .collect();
    all.extend(length(most).map(|most| format!("count({}) <= {most}", at.text())));
    all
}

/// A number as the policy language writes it.
fn number(value: &Value) -> Option<String> {
    value.is_number().then(|| value.to_string())
}

/// Whether a value has the type that a schema names, if it names one.
fn fits(of: Option<&Value>, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    };
    match of {
        None => true,
        Some(Value::Array(names)) => names.iter().any(is),
        Some(name) => is(name),
    }
}

/// A value that can stand in a constraint.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(text) => Some(literal(text)),
        Value::Array(_) | Value::Object(_) => None,
    }
}
