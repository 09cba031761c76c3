//! Suites in JSON, as one list or a case a line.

use hexgate_host::Effect;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

use super::{
    Case,
    read::{Draft, KEYS, outcome, unexpectable},
};

/// A case as it stands in the file. Arguments and facts stay text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    name: Option<String>,
    role: Option<String>,
    roles: Option<Vec<String>>,
    tool: Option<String>,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
    #[serde(borrow)]
    facts: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "expect")]
    expect: Option<Effect>,
    violations: Option<Vec<String>>,
}

/// Reads one list of cases.
pub(super) fn read(name: &str, text: &str) -> anyhow::Result<Vec<Case>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|error| wrong(name, error.line(), error.column(), &message(&error)))?;
    elements
        .into_iter()
        .map(|element| case(name, text, element.get()))
        .collect()
}

/// Reads a case a line.
pub(super) fn read_lines(name: &str, text: &str) -> anyhow::Result<Vec<Case>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| case(name, text, line.trim_end()))
        .collect()
}

/// Reads one case, which is a part of `text`.
fn case(name: &str, text: &str, part: &str) -> anyhow::Result<Case> {
    let (line, column) = position(text, part);
    let written: Written<'_> = serde_json::from_str(part).map_err(|error| {
        let column = if error.line() <= 1 {
            column + error.column().saturating_sub(1)
        } else {
            error.column()
        };
        wrong(
            name,
            line + error.line().saturating_sub(1),
            column,
            &message(&error),
        )
    })?;
    for (key, value) in [("args", written.args), ("facts", written.facts)] {
        if let Some(value) = value
            && !value.get().starts_with('{')
        {
            let (line, column) = position(text, value.get());
            return Err(wrong(
                name,
                line,
                column,
                &format!("`{key}` is not an object"),
            ));
        }
    }
    let draft = Draft {
        name: written.name,
        role: written.role,
        roles: written.roles,
        tool: written.tool,
        args: written.args.map(|args| args.get().to_owned()),
        facts: written.facts.map(|facts| facts.get().to_owned()),
        expect: written.expect,
        violations: written.violations,
    };
    draft
        .case(format!("{name}:{line}"))
        .map_err(|message| wrong(name, line, column, &message))
}

/// Line and column of a part of a text, from 1.
fn position(text: &str, part: &str) -> (usize, usize) {
    let offset = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before.get(line_start..).unwrap_or_default().chars().count() + 1,
    )
}

fn expect<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Effect>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    outcome(&text)
        .map(Some)
        .ok_or_else(|| D::Error::custom(unexpectable(&text)))
}

/// The error of the JSON reader, without the place, which the message already has.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _)| message);
    match text
        .strip_prefix("unknown field ")
        .and_then(|rest| rest.split('`').nth(1))
    {
        Some(key) => unknown_key(key),
        None if text == "expected ident" || text == "expected value" => {
            "no JSON begins here".to_owned()
        }
        None => text.replace("unit value", "null").replace("field", "key"),
    }
}

/// The error for a key that cases do not have.
pub(super) fn unknown_key(key: &str) -> String {
    use hexgate_compiler::diagnostic::{nearest, quoted};
    let hint = match nearest(key, KEYS) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("a case has `{}`", KEYS.join("`, `")),
    };
    format!("unknown key {}; {hint}", quoted(key))
}

/// An error at a place of a suite.
pub(super) fn wrong(name: &str, line: usize, column: usize, message: &str) -> anyhow::Error {
    anyhow::anyhow!("{name}:{line}:{column}: {message}")
}
