//! Constraints from a JSON schema.
//!
//! The schema is a server's: every step is counted, references are followed within the schema alone and a bounded number of times, and what
//! is left out is said. A constraint may be narrower than the schema (an object without `additionalProperties` is closed), and is wider only
//! where `left` says so.

use serde_json::{Map, Value};

use super::path::Path;
use super::text::literal;
use super::{pattern, reference};

/// The most parts of a schema that are looked at, those behind references each time.
const MAX_STEPS: usize = 2_000;
/// How deep objects, lists and references stand in each other.
const MAX_DEPTH: usize = 8;
/// How deep quantifiers stand in each other in the policy language.
const MAX_QUANTIFIERS: usize = 2;
/// The most alternatives, and the most parts of `allOf`.
const MAX_BRANCHES: usize = 16;
/// The longest constraint that is written; the language takes 4,096 bytes.
const MAX_CONSTRAINT: usize = 4_000;
/// A longer constraint is written as several where that is the same.
const LONG: usize = 200;
/// The most patterns that are tried.
const MAX_PATTERNS: usize = 64;
/// The most notes on what is left out.
const MAX_LEFT: usize = 24;

/// What became of a schema.
pub(super) struct Arguments {
    /// The constraints, each of which has to hold. None: they cannot be written.
    pub(super) constraints: Option<Vec<String>>,
    /// What of the schema is not in them.
    pub(super) left: Vec<String>,
}

/// The constraints on the arguments of a tool with this schema.
pub(super) fn constraints(schema: &Value) -> Arguments {
    let mut reader = Reader {
        root: schema,
        steps: 0,
        patterns: 0,
        left: Vec::new(),
    };
    let written = reader.arguments(schema, 0);
    let constraints = written.filter(|all| all.iter().all(|one| one.len() <= MAX_CONSTRAINT));
    Arguments {
        constraints,
        left: reader.left,
    }
}

struct Reader<'a> {
    root: &'a Value,
    steps: usize,
    patterns: usize,
    left: Vec<String>,
}

/// Where a condition stands.
#[derive(Clone)]
struct At {
    path: Path,
    depth: usize,
    quantifiers: usize,
}

impl At {
    fn below(&self, path: Path, quantifiers: usize) -> Self {
        Self {
            path,
            depth: self.depth + 1,
            quantifiers,
        }
    }

    fn text(&self) -> &str {
        self.path.text()
    }
}

/// Conditions all of which have to hold. Each can stand beside `and`.
type All = Vec<String>;

impl<'a> Reader<'a> {
    /// The arguments as a whole: every tool's are closed.
    fn arguments(&mut self, schema: &'a Value, depth: usize) -> Option<Vec<String>> {
        let at = At {
            path: Path::arguments(),
            depth: 0,
            quantifiers: 0,
        };
        let Value::Object(members) = schema else {
            self.leave(&at, "the schema of the arguments is no object");
            return (schema == &Value::Bool(true)).then(Vec::new);
        };
        if let Some(target) = members.get("$ref").and_then(Value::as_str) {
            // A whole schema behind a reference. One that leads to itself ends here.
            let target = reference::resolve(self.root, target)?;
            return if depth < MAX_DEPTH {
                self.arguments(target, depth + 1)
            } else {
                None
            };
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            if members.contains_key(word) {
                self.leave(&at, &format!("`{word}` of the arguments as a whole"));
            }
        }
        self.leave_unread(&at, members);
        self.object(members, &at, true)
    }

    /// What a schema says of the value at `at`. Empty: nothing that can be written.
    fn conditions(&mut self, schema: &'a Value, at: &At) -> All {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            self.leave(at, "the schema is too large from here on");
            return All::new();
        }
        let members = match schema {
            Value::Object(members) => members,
            Value::Bool(true) => return All::new(),
            _ => {
                self.leave(at, "a schema that is none");
                return All::new();
            }
        };
        if at.depth > MAX_DEPTH {
            self.leave(at, "the schema is too deep from here on");
            return All::new();
        }
        let mut all = All::new();
        if let Some(target) = members.get("$ref") {
            match target
                .as_str()
                .and_then(|text| reference::resolve(self.root, text))
            {
                Some(target) => {
                    all.extend(self.conditions(target, &at.below(at.path.clone(), at.quantifiers)))
                }
                None => self.leave(
                    at,
                    "a reference that leads out of the schema; nothing is fetched",
                ),
            }
        }
        if let Some(parts) = members.get("allOf").and_then(Value::as_array) {
            for part in self.bounded(parts, at, "allOf") {
                all.extend(self.conditions(part, &at.below(at.path.clone(), at.quantifiers)));
            }
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(branches) = members.get(word).and_then(Value::as_array) {
                all.extend(self.one_of(branches, at));
            }
        }
        match self.listed(members, at) {
            Some(condition) => all.push(condition),
            None => all.extend(self.by_type(members, at)),
        }
        self.leave_unread(at, members);
        dedup(all)
    }

    /// `const` and `enum`.
    fn listed(&mut self, members: &'a Map<String, Value>, at: &At) -> Option<String> {
        if let Some(value) = members.get("const") {
            return match scalar(value) {
                Some(text) => Some(format!("{} == {text}", at.text())),
                None => {
                    self.leave(at, "a constant that is a list or an object");
                    None
                }
            };
        }
        let values = members.get("enum")?.as_array()?;
        let texts: Option<Vec<String>> = values.iter().take(1_000).map(scalar).collect();
        match texts {
            Some(mut texts) if !texts.is_empty() && values.len() <= 1_000 => {
                texts.dedup();
                let mut seen = std::collections::BTreeSet::new();
                texts.retain(|text| seen.insert(text.clone()));
                let list = texts.join(", ");
                if list.len() > MAX_CONSTRAINT - 512 {
                    self.leave(at, "an enumeration that is too long");
                    return None;
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

    fn by_type(&mut self, members: &'a Map<String, Value>, at: &At) -> All {
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
    fn types(&mut self, members: &Map<String, Value>, at: &At) -> Vec<&'static str> {
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

    fn of_type(&mut self, name: &str, members: &'a Map<String, Value>, at: &At) -> All {
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

    fn text(&mut self, members: &Map<String, Value>, at: &At) -> All {
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

    fn number(&mut self, members: &Map<String, Value>, at: &At) -> All {
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

    fn list(&mut self, members: &'a Map<String, Value>, at: &At) -> All {
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

    /// An object, or the arguments themselves (`is_whole`). None: it cannot be written.
    fn object(&mut self, members: &'a Map<String, Value>, at: &At, is_whole: bool) -> Option<All> {
        let properties = members.get("properties").and_then(Value::as_object);
        let property = |name: &str| properties.and_then(|all| all.get(name));
        let required: Vec<&str> = members
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let listed = properties
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str);
        if properties.map_or(0, Map::len) + required.len() > MAX_STEPS {
            return None;
        }
        let mut names: Vec<&str> = Vec::new();
        for name in listed.chain(required.iter().copied()) {
            if !names.contains(&name) && property(name) != Some(&Value::Bool(false)) {
                names.push(name);
            }
        }
        let more = members.get("additionalProperties");
        let is_open = !matches!(more, None | Some(Value::Bool(false)));
        let mut all = All::new();
        if names.is_empty() {
            all.extend(self.map(more, at, is_whole));
        } else {
            let list: Vec<String> = names.iter().map(|name| literal(name)).collect();
            all.push(format!("only({}, [{}])", at.text(), list.join(", ")));
            if is_open {
                self.narrowed(at);
            }
        }
        for name in names {
            let Some(path) = at.path.member(name) else {
                self.leave(at, "members of elements whose names have other characters than letters, digits and `_`");
                continue;
            };
            let inner = at.below(path, at.quantifiers);
            let conditions = match property(name) {
                Some(schema) => self.conditions(schema, &inner),
                None => All::new(),
            };
            all.extend(member(
                &inner,
                conditions,
                required.contains(&name),
                is_whole,
            ));
        }
        Some(all)
    }

    /// An object that names no members.
    fn map(&mut self, more: Option<&'a Value>, at: &At, is_whole: bool) -> All {
        match more {
            None | Some(Value::Bool(false)) if is_whole => {
                vec![format!("count({}) == 0", at.text())]
            }
            // A list and a text can be counted too.
            Some(Value::Bool(false)) => {
                vec![is_a(at, "object"), format!("count({}) == 0", at.text())]
            }
            Some(schema @ Value::Object(_)) if at.quantifiers < MAX_QUANTIFIERS => {
                let inner = at.below(Path::value_of_member(), at.quantifiers + 1);
                let conditions = self.conditions(schema, &inner);
                if conditions.is_empty() {
                    self.open(at, is_whole)
                } else {
                    vec![format!(
                        "every_member({}, {})",
                        at.text(),
                        conditions.join(" and ")
                    )]
                }
            }
            _ => self.open(at, is_whole),
        }
    }

    /// Any members.
    fn open(&mut self, at: &At, is_whole: bool) -> All {
        self.leave(at, "an object with any members");
        if is_whole {
            All::new()
        } else {
            vec![is_a(at, "object")]
        }
    }

    /// Alternatives.
    fn one_of(&mut self, branches: &'a [Value], at: &At) -> Option<String> {
        let mut read = Vec::new();
        for branch in self.bounded(branches, at, "alternatives") {
            read.push(self.conditions(branch, &at.below(at.path.clone(), at.quantifiers)));
        }
        if read.len() < branches.len() || read.iter().any(Vec::is_empty) {
            self.leave(
                at,
                "alternatives of which one says nothing that can be written",
            );
            return None;
        }
        either(read, at)
    }

    fn bounded<T>(&mut self, parts: &'a [T], at: &At, what: &str) -> &'a [T] {
        if parts.len() > MAX_BRANCHES {
            self.leave(at, &format!("more than {MAX_BRANCHES} parts of {what}"));
        }
        parts
            .get(..parts.len().min(MAX_BRANCHES))
            .unwrap_or_default()
    }

    fn leave_unread(&mut self, at: &At, members: &Map<String, Value>) {
        const UNREAD: [&str; 16] = [
            "not",
            "if",
            "dependentRequired",
            "dependentSchemas",
            "dependencies",
            "contains",
            "prefixItems",
            "propertyNames",
            "patternProperties",
            "minProperties",
            "maxProperties",
            "uniqueItems",
            "unevaluatedProperties",
            "unevaluatedItems",
            "$dynamicRef",
            "$recursiveRef",
        ];
        for word in UNREAD {
            if members.contains_key(word) {
                self.leave(at, &format!("`{word}`"));
            }
        }
    }

    fn narrowed(&mut self, at: &At) {
        self.note(format!(
            "other members of {}, which the schema lets pass, are refused",
            shown(at)
        ));
    }

    fn leave(&mut self, at: &At, what: &str) {
        self.note(format!("at {}: {what}", shown(at)));
    }

    fn note(&mut self, note: String) {
        if self.left.len() < MAX_LEFT && !self.left.contains(&note) {
            self.left.push(note);
        }
    }
}

/// What holds of a member that has to be there, or need not.
fn member(at: &At, conditions: All, is_required: bool, is_whole: bool) -> All {
    let path = at.text();
    if is_required {
        return if conditions.is_empty() {
            vec![format!("present({path})")]
        } else {
            conditions
        };
    }
    if conditions.is_empty() {
        return All::new();
    }
    let together = conditions.join(" and ");
    if !is_whole {
        return vec![format!("(not present({path}) or {together})")];
    }
    // Constraints of their own are read more easily than one long one, and mean the same.
    if together.len() > LONG && conditions.len() > 1 {
        let split = conditions
            .iter()
            .map(|one| format!("not present({path}) or {one}"));
        return split.collect();
    }
    vec![format!("not present({path}) or {together}")]
}

/// One of several. None: there are none.
fn either(branches: Vec<All>, at: &At) -> Option<String> {
    let types: Option<Vec<&str>> = branches
        .iter()
        .map(|branch| match branch.as_slice() {
            [one] if *one == format!("{} == null", at.text()) => Some("null"),
            [one] => one
                .strip_prefix(&format!("type({}) == \"", at.text()))?
                .strip_suffix('"'),
            _ => None,
        })
        .collect();
    if let Some(types) = types.filter(|types| types.len() > 1) {
        let list: Vec<String> = dedup(types.iter().map(|name| literal(name)).collect());
        return Some(format!("type({}) in [{}]", at.text(), list.join(", ")));
    }
    let texts = dedup(branches.iter().map(|branch| branch.join(" and ")).collect());
    match texts.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(format!("({})", several.join(" or "))),
    }
}

fn dedup(all: All) -> All {
    let mut unique = All::with_capacity(all.len());
    for one in all {
        if !unique.contains(&one) {
            unique.push(one);
        }
    }
    unique
}

fn is_a(at: &At, name: &str) -> String {
    format!("type({}) == \"{name}\"", at.text())
}

fn lengths(members: &Map<String, Value>, at: &At, least: &str, most: &str) -> All {
    let length = |word: &str| members.get(word).and_then(Value::as_u64);
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

/// A value that can stand in a constraint.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(text) => Some(literal(text)),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A path within a comment: names are the server's.
fn shown(at: &At) -> String {
    let text: String = at.text().chars().take(80).collect();
    format!("`{text}`")
}
