//! Constraints from a JSON schema.
//!
//! The schema is a server's: every step is counted, references are followed within the schema alone and a bounded number of times, and what
//! is left out is said. A constraint may be narrower than the schema (an object without `additionalProperties` is closed), and is wider only
//! where `left` says so.

mod at;
mod join;
mod object;
mod values;

use serde_json::{Map, Value};

use super::path::Path;
use super::reference;
use at::{At, shown};
use join::{All, dedup, either};

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
                if word == "oneOf" && branches.len() > 1 {
                    self.leave(at, "that no second alternative of `oneOf` fits");
                }
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
