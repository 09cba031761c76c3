//! A policy's syntax as `opa parse` prints it, as far as it is of use: where things stand, and answers that are written out.

use serde::Deserialize;
use serde_json::Value;

/// A row and a column.
pub(super) type Place = (usize, usize);

/// What is known of a policy's text; nothing if OPA printed it in another form, or more of it than is read.
#[derive(Default, Deserialize)]
pub(super) struct Syntax {
    #[serde(default)]
    package: Value,
    #[serde(default)]
    imports: Vec<Import>,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Import {
    path: Value,
    #[serde(default)]
    alias: Option<String>,
}

#[derive(Deserialize)]
struct Rule {
    head: Value,
    #[serde(default)]
    body: Value,
    #[serde(default, rename = "else")]
    otherwise: Option<Box<Rule>>,
    #[serde(default)]
    location: Value,
}

/// An answer that is written out and is none.
pub(super) struct Wrong {
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) what: String,
}

impl Syntax {
    pub(super) fn read(said: &[u8]) -> Self {
        serde_json::from_slice(said).unwrap_or_default()
    }

    /// Where the first rule of that path stands.
    pub(super) fn rule(&self, entrypoint: &str) -> Option<Place> {
        self.answers(entrypoint)
            .find_map(|rule| place(&rule.location))
    }

    /// Where data at a path are first referred to.
    pub(super) fn reference(&self, path: &[Value]) -> Option<Place> {
        let imports: Vec<(String, Vec<Value>)> = self
            .imports
            .iter()
            .filter_map(|import| {
                let parts = constants(import.path.get("value")?)?;
                let last = parts.last()?.as_str()?.to_owned();
                Some((import.alias.clone().unwrap_or(last), parts))
            })
            .collect();
        let mut rules: Vec<&Rule> = self.rules.iter().collect();
        let mut found = Vec::new();
        while let Some(rule) = rules.pop() {
            rules.extend(rule.otherwise.as_deref());
            references(&rule.head, &imports, path, &mut found);
            references(&rule.body, &imports, path, &mut found);
        }
        for import in &self.imports {
            references(&import.path, &[], path, &mut found);
        }
        found.into_iter().min()
    }

    /// The answers of a rule that no host accepts for any call.
    pub(super) fn wrong_answers(&self, entrypoint: &str) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for first in self.answers(entrypoint) {
            let mut rule = Some(first);
            while let Some(one) = rule {
                let value = one.head.get("value");
                // `decision contains x` has a key and no value: it is a set.
                let what = match value {
                    Some(value) => answer(value),
                    None => one
                        .head
                        .get("key")
                        .map(|_| "the decision is not an object".to_owned()),
                };
                if let Some(what) = what
                    && let Some((row, column)) = value
                        .and_then(|value| place(value.get("location")?))
                        .or_else(|| place(&one.location))
                {
                    wrong.push(Wrong { row, column, what });
                }
                rule = one.otherwise.as_deref();
            }
        }
        wrong
    }

    /// The rules that answer as a whole; rules for members (`decision.allow := …`) are put together by OPA.
    fn answers<'a>(&'a self, entrypoint: &'a str) -> impl Iterator<Item = &'a Rule> {
        let (package, name) = entrypoint.rsplit_once('/').unwrap_or_default();
        let is_here = self
            .package
            .get("path")
            .and_then(constants)
            .is_some_and(|path| {
                path.iter()
                    .skip(1)
                    .map(Value::as_str)
                    .eq(package.split('/').map(Some))
            });
        self.rules.iter().filter(move |rule| {
            let parts = rule.head.get("ref").and_then(Value::as_array);
            is_here
                && parts.is_some_and(|parts| {
                    matches!(parts.as_slice(), [one] if one.get("value").and_then(Value::as_str) == Some(name))
                })
        })
    }
}

/// The parts of a reference up to the first that is not constant.
fn constants(terms: &Value) -> Option<Vec<Value>> {
    let terms = terms.as_array()?;
    let head = terms.first()?.get("value")?.clone();
    let rest = terms.iter().skip(1).map_while(|term| {
        matches!(term.get("type")?.as_str()?, "string" | "number")
            .then(|| term.get("value").cloned())?
    });
    Some(std::iter::once(head).chain(rest).collect())
}

/// The places of what refers to `path` below `data`, directly or by the name of an import.
fn references(
    node: &Value,
    imports: &[(String, Vec<Value>)],
    path: &[Value],
    found: &mut Vec<Place>,
) {
    match node {
        Value::Array(nodes) => {
            for node in nodes {
                references(node, imports, path, found);
            }
        }
        Value::Object(members) => {
            let parts = match members.get("type").and_then(Value::as_str) {
                Some("ref") => members.get("value").and_then(constants),
                Some("var") => members.get("value").map(|name| vec![name.clone()]),
                _ => None,
            };
            let whole = parts.map(|parts| match parts.split_first() {
                Some((Value::String(name), rest)) => {
                    match imports.iter().find(|(known, _)| known == name) {
                        Some((_, import)) => import.iter().chain(rest).cloned().collect(),
                        None => parts,
                    }
                }
                _ => parts,
            });
            let refers = whole
                .as_deref()
                .and_then(<[Value]>::split_first)
                .is_some_and(|(root, rest)| *root == "data" && rest.starts_with(path));
            match members.get("location").and_then(place) {
                Some(place) if refers => found.push(place),
                _ => {
                    for member in members.values() {
                        references(member, imports, path, found);
                    }
                }
            }
        }
        _ => {}
    }
}

/// What is wrong with a term as an answer; None if that is not known before it is evaluated.
fn answer(term: &Value) -> Option<String> {
    const KNOWN: [&str; 4] = ["var", "ref", "call", "templatestring"];
    let kind = |term: &Value| term.get("type").and_then(Value::as_str).map(str::to_owned);
    match kind(term)?.as_str() {
        "object" => {}
        "objectcomprehension" => return None,
        known if KNOWN.contains(&known) => return None,
        _ => return Some("the decision is not an object".to_owned()),
    }
    let members = term.get("value")?.as_array()?;
    let mut seen: [Option<&Value>; 3] = [None; 3];
    let names = ["allow", "requires_approval", "violations"];
    for member in members {
        let [key, value] = member.as_array()?.as_slice() else {
            return None;
        };
        // A key that is worked out may be any of them.
        if kind(key)? != "string" {
            return None;
        }
        for (name, slot) in names.iter().zip(&mut seen) {
            if key.get("value")?.as_str() == Some(*name) {
                *slot = Some(value);
            }
        }
    }
    let unknown = |term: &Value| kind(term).is_none_or(|kind| KNOWN.contains(&kind.as_str()));
    let is = |term: &Value, wanted: &str| kind(term).as_deref() == Some(wanted);
    let [allow, approval, violations] = seen;
    for (name, value) in names.iter().zip([allow, approval]) {
        if !value.is_some_and(|value| is(value, "boolean") || unknown(value)) {
            return Some(format!("the decision has no `{name}` that is a boolean"));
        }
    }
    let texts = violations.is_some_and(|value| match kind(value).as_deref() {
        Some("array" | "set") => {
            value
                .get("value")
                .and_then(Value::as_array)
                .is_some_and(|elements| {
                    elements
                        .iter()
                        .all(|element| is(element, "string") || unknown(element))
                })
        }
        Some("arraycomprehension" | "setcomprehension") => true,
        _ => unknown(value),
    });
    (!texts).then(|| "the decision has no `violations` that is a list of texts".to_owned())
}

fn place(location: &Value) -> Option<Place> {
    let number = |name: &str| usize::try_from(location.get(name)?.as_u64()?).ok();
    Some((number("row")?, number("col")?))
}
