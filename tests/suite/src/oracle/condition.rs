//! The value of a condition: `Some(true)`, `Some(false)`, or `None` for undefined.

use std::cmp::Ordering;

use super::{
    constraint::{Expr, Op, Operand, Path, Step},
    number,
};
use crate::json::Json;

/// What a condition can look at.
pub(super) struct Scene<'a> {
    pub(super) args: &'a Json,
    pub(super) facts: &'a Json,
    pub(super) role: &'a str,
    pub(super) tool: &'a str,
    /// What `.` is in the calls around, innermost last. It can be absent.
    pub(super) elements: Vec<Option<Json>>,
}

impl Scene<'_> {
    /// Kleene's three-valued logic.
    pub(super) fn value(&mut self, expr: &Expr) -> Option<bool> {
        match expr {
            Expr::Or(parts) => any(parts.iter().map(|part| self.value(part)).collect()),
            Expr::And(parts) => every(parts.iter().map(|part| self.value(part)).collect()),
            Expr::Not(inner) => not(self.value(inner)),
            Expr::Compare(left, op, right) => self.compare(left, *op, right),
            Expr::In {
                value,
                list,
                negated,
            } => {
                let value = self.operand(value)?;
                let found = match (list, self.operand(list)?) {
                    (Operand::Literal(_), Json::List(list)) => contained(&value, &list),
                    // Nobody wrote that the list may be empty.
                    (_, Json::List(list)) if list.is_empty() => Some(false),
                    (_, Json::List(list)) => contained(&value, &list),
                    _ => None,
                };
                if *negated { not(found) } else { found }
            }
            Expr::Text {
                call,
                subject,
                sought,
            } => {
                let (Json::Text(subject), Json::Text(text)) =
                    (self.operand(subject)?, self.operand(sought)?)
                else {
                    return None;
                };
                if text.is_empty() && !matches!(sought, Operand::Literal(_)) {
                    return None;
                }
                Some(match call.as_str() {
                    "startswith" => subject.starts_with(text.as_str()),
                    "endswith" => subject.ends_with(text.as_str()),
                    _ => subject.contains(text.as_str()),
                })
            }
            Expr::Matches(path, pattern) => matches(pattern, self.path(path)?.as_text()?),
            Expr::Present(path) => Some(self.path(path).is_some()),
            Expr::Only(path, names) => {
                let found = self.path(path)?;
                Some(
                    found
                        .as_object()?
                        .iter()
                        .all(|(name, _)| names.contains(name)),
                )
            }
            Expr::Bound { call, over, body } => {
                let found = self.operand(over);
                if call == "optional" {
                    return match found {
                        None | Some(Json::Null) => Some(true),
                        Some(value) => self.of(body, Some(value)),
                    };
                }
                let elements = match call.as_str() {
                    "every" | "any" => found?.as_list()?.to_vec(),
                    "every_member" | "any_member" => members(found?.as_object()?),
                    _ => texts(&found?),
                };
                let values = elements
                    .into_iter()
                    .map(|value| self.of(body, Some(value)))
                    .collect();
                if call.starts_with("every") {
                    every(values)
                } else {
                    any(values)
                }
            }
            Expr::Named { argument, body } => {
                let element = self.path(argument);
                self.of(body, element)
            }
        }
    }

    /// The value of a condition in which `.` is that.
    fn of(&mut self, body: &Expr, element: Option<Json>) -> Option<bool> {
        self.elements.push(element);
        let value = self.value(body);
        self.elements.pop();
        value
    }

    fn compare(&mut self, left: &Operand, op: Op, right: &Operand) -> Option<bool> {
        let (a, b) = (self.operand(left)?, self.operand(right)?);
        let null = |operand: &Operand| matches!(operand, Operand::Literal(Json::Null));
        let equality = || {
            if kind(&a) == kind(&b) {
                Some(equal(&a, &b))
            } else if null(left) || null(right) {
                Some(false)
            } else {
                None
            }
        };
        match op {
            Op::Equal => equality(),
            Op::NotEqual => not(equality()),
            Op::Less => Some(order(&a, &b)? == Ordering::Less),
            Op::LessOrEqual => Some(order(&a, &b)? != Ordering::Greater),
            Op::Greater => Some(order(&a, &b)? == Ordering::Greater),
            Op::GreaterOrEqual => Some(order(&a, &b)? != Ordering::Less),
        }
    }

    fn operand(&mut self, operand: &Operand) -> Option<Json> {
        match operand {
            Operand::Literal(value) => Some(value.clone()),
            Operand::Path(path) => self.path(path),
            Operand::Count(path) => {
                let size = match self.path(path)? {
                    Json::List(items) => items.len(),
                    Json::Object(members) => members.len(),
                    Json::Text(text) => text.chars().count(),
                    Json::Null | Json::Bool(_) | Json::Number(_) => return None,
                };
                Some(Json::Number(size.to_string()))
            }
            Operand::CountIf(path, body) => {
                let mut size = 0;
                for value in self.path(path)?.as_list()? {
                    size += usize::from(self.of(body, Some(value.clone()))?);
                }
                Some(Json::Number(size.to_string()))
            }
            Operand::Sum(path, of) => {
                let mut sum = "0".to_owned();
                for value in self.path(path)?.as_list()? {
                    match follow(value, &of.steps)? {
                        Json::Number(number) => sum = number::calculate(&sum, '+', number)?,
                        _ => return None,
                    }
                }
                Some(Json::Number(sum))
            }
            Operand::Lower(inner) => match self.operand(inner)? {
                Json::Text(text) => Some(Json::Text(text.to_ascii_lowercase())),
                _ => None,
            },
            Operand::Type(path) => {
                let name = match kind(&self.path(path)?) {
                    "string" => "text",
                    other => other,
                };
                Some(Json::Text(name.to_owned()))
            }
            Operand::Arithmetic(left, op, right) => {
                match (self.operand(left)?, self.operand(right)?) {
                    (Json::Number(left), Json::Number(right)) => {
                        Some(Json::Number(number::calculate(&left, *op, &right)?))
                    }
                    _ => None,
                }
            }
        }
    }

    fn path(&self, path: &Path) -> Option<Json> {
        let (role, tool);
        let start = match path.root.as_str() {
            "args" => self.args,
            "role" => {
                role = Json::Text(self.role.to_owned());
                &role
            }
            "tool" => {
                tool = Json::Text(self.tool.to_owned());
                &tool
            }
            "." => self.elements.last()?.as_ref()?,
            fact => self.facts.member(fact)?,
        };
        follow(start, &path.steps).cloned()
    }
}

fn follow<'v>(mut value: &'v Json, steps: &[Step]) -> Option<&'v Json> {
    for step in steps {
        value = match step {
            Step::Member(name) => value.member(name)?,
            Step::Element(index) => value.as_list()?.get(*index)?,
        };
    }
    Some(value)
}

/// The members of an object as `every_member` looks at them.
fn members(object: &[(String, Json)]) -> Vec<Json> {
    let member = |(name, value): &(String, Json)| {
        Json::Object(vec![
            ("name".to_owned(), Json::Text(name.clone())),
            ("value".to_owned(), value.clone()),
        ])
    };
    object.iter().map(member).collect()
}

/// All texts at and below a value, names of members included.
fn texts(value: &Json) -> Vec<Json> {
    match value {
        Json::Text(_) => vec![value.clone()],
        Json::List(items) => items.iter().flat_map(texts).collect(),
        Json::Object(members) => members
            .iter()
            .flat_map(|(name, value)| {
                let mut all = vec![Json::Text(name.clone())];
                all.extend(texts(value));
                all
            })
            .collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => Vec::new(),
    }
}

fn not(value: Option<bool>) -> Option<bool> {
    value.map(|value| !value)
}

fn every(values: Vec<Option<bool>>) -> Option<bool> {
    if values.contains(&Some(false)) {
        Some(false)
    } else if values.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn any(values: Vec<Option<bool>>) -> Option<bool> {
    not(every(values.into_iter().map(not).collect()))
}

/// The JSON type.
fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::Text(_) => "string",
        Json::List(_) => "list",
        Json::Object(_) => "object",
    }
}

/// JSON equality, deep. Below the top, values of different types are simply not equal.
fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => number::compare(a, b) == Ordering::Equal,
        (Json::List(a), Json::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, a)| b.iter().any(|(other, b)| name == other && equal(a, b)))
        }
        _ => a == b,
    }
}

fn order(a: &Json, b: &Json) -> Option<Ordering> {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => Some(number::compare(a, b)),
        (Json::Text(a), Json::Text(b)) => Some(a.chars().cmp(b.chars())),
        _ => None,
    }
}

/// Equality with the elements of the value's own type and with `null`; undefined if there are none.
fn contained(value: &Json, list: &[Json]) -> Option<bool> {
    let comparable: Vec<&Json> = list
        .iter()
        .filter(|element| kind(element) == kind(value) || **element == Json::Null)
        .collect();
    if comparable.is_empty() {
        None
    } else {
        Some(comparable.iter().any(|element| equal(element, value)))
    }
}

/// Whether a pattern matches somewhere, with the classes reduced to ASCII. A pattern that cannot be read is no match for anyone.
fn matches(pattern: &str, subject: &str) -> Option<bool> {
    Some(
        regex::Regex::new(&ascii_classes(pattern))
            .ok()?
            .is_match(subject),
    )
}

/// Writes `\d \w \s \b` and their negations out, so that no Unicode table has a say.
fn ascii_classes(pattern: &str) -> String {
    let mut out = String::new();
    let mut in_class = false;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            match c {
                '[' => in_class = true,
                ']' => in_class = false,
                _ => {}
            }
            out.push(c);
            continue;
        }
        let Some(escaped) = chars.next() else {
            out.push('\\');
            break;
        };
        let class = match escaped.to_ascii_lowercase() {
            'd' => "0-9",
            'w' => "0-9A-Za-z_",
            's' => "\\t\\n\\f\\r ",
            'b' if !in_class => {
                out.push_str(if escaped == 'b' {
                    "(?-u:\\b)"
                } else {
                    "(?-u:\\B)"
                });
                continue;
            }
            _ => {
                out.push('\\');
                out.push(escaped);
                continue;
            }
        };
        match (escaped.is_ascii_uppercase(), in_class) {
            (false, true) => out.push_str(class),
            (false, false) => out.push_str(&format!("[{class}]")),
            (true, _) => out.push_str(&format!("[^{class}]")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_ascii_and_patterns_unanchored() {
        for (pattern, subject, expected) in [
            (r"^\d+$", "12", true),
            (r"^\d+$", "\u{0661}", false),
            (r"^\w+$", "\u{e9}", false),
            (r"^\S$", "\u{a0}", true),
            (r"[\d\-]x", "-x", true),
            ("b", "abc", true),
            ("^abc$", "abc\n", false),
        ] {
            assert_eq!(
                matches(pattern, subject),
                Some(expected),
                "{pattern} on {subject:?}"
            );
        }
    }
}
