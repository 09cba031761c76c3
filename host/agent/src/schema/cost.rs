//! How much work a schema makes, before it is done.
//!
//! A validator looks at a value once for each way that leads to it. Schemas that refer to themselves in several branches double the ways at
//! each level. Here ways are counted, not walked, so that the count takes a time that grows with the value and the schema alone.

use std::collections::{BTreeMap, HashMap};

use regex::RegexBuilder;
use serde_json::{Map, Value};

use super::{PATTERN_BYTES, SchemaError};

/// The parts of a schema, each before those that look at the same value on its behalf.
#[derive(Debug)]
pub(super) struct Graph {
    parts: Vec<Part>,
    root: usize,
}

/// A part of a schema: which parts look at the same value, and which at the values within it.
#[derive(Debug, Default)]
struct Part {
    same: Vec<usize>,
    members: HashMap<String, usize>,
    /// Parts that look at members by other rules than their name.
    other_members: Vec<usize>,
    /// Parts that look at the names of members.
    names: Vec<usize>,
    first_items: Vec<usize>,
    other_items: Vec<usize>,
}

impl Graph {
    /// The parts of a schema that can be reached.
    pub(super) fn of(schema: &Value) -> Result<Self, SchemaError> {
        let mut reader = Reader {
            schema,
            known: HashMap::new(),
            places: Vec::new(),
            parts: Vec::new(),
        };
        reader.part(String::new());
        let mut next = 0;
        while next < reader.places.len() {
            reader.read(next)?;
            next += 1;
        }
        ordered(reader.parts, &reader.places)
    }

    /// How many times parts of the schema look at parts of a value. Counting stops past `most`.
    pub(super) fn steps(&self, value: &Value, most: u64) -> u64 {
        let mut steps = 0_u64;
        let mut open = vec![(value, BTreeMap::from([(self.root, 1_u64)]))];
        while let Some((value, mut ways)) = open.pop() {
            let mut inner: Vec<(&Part, u64)> = Vec::new();
            // Parts come before those that they lead to, so each is complete when it is its turn.
            while let Some((index, count)) = ways.pop_first() {
                let Some(part) = self.parts.get(index) else {
                    continue;
                };
                steps = steps.saturating_add(count);
                if steps > most {
                    return steps;
                }
                add(&mut ways, &part.same, count);
                inner.push((part, count));
            }
            match value {
                Value::Object(members) => {
                    for (name, member) in members {
                        let mut ways = BTreeMap::new();
                        for (part, count) in &inner {
                            steps = steps.saturating_add(1);
                            add(&mut ways, part.members.get(name), *count);
                            add(&mut ways, &part.other_members, *count);
                            let names = part.names.len() as u64;
                            steps = steps.saturating_add(count.saturating_mul(names));
                        }
                        open.push((member, ways));
                    }
                }
                Value::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        let mut ways = BTreeMap::new();
                        for (part, count) in &inner {
                            steps = steps.saturating_add(1);
                            add(&mut ways, part.first_items.get(index), *count);
                            add(&mut ways, &part.other_items, *count);
                        }
                        open.push((item, ways));
                    }
                }
                _ => {}
            }
            if steps > most {
                return steps;
            }
        }
        steps
    }
}

fn add<'a>(
    ways: &mut BTreeMap<usize, u64>,
    parts: impl IntoIterator<Item = &'a usize>,
    count: u64,
) {
    for part in parts {
        let ways = ways.entry(*part).or_default();
        *ways = ways.saturating_add(count);
    }
}

struct Reader<'a> {
    schema: &'a Value,
    known: HashMap<String, usize>,
    /// Where the parts stand, JSON pointers.
    places: Vec<String>,
    parts: Vec<Part>,
}

impl Reader<'_> {
    /// The number of the part at a place.
    fn part(&mut self, place: String) -> usize {
        if let Some(index) = self.known.get(&place) {
            return *index;
        }
        let index = self.places.len();
        self.known.insert(place.clone(), index);
        self.places.push(place);
        self.parts.push(Part::default());
        index
    }

    fn read(&mut self, index: usize) -> Result<(), SchemaError> {
        let place = self.places.get(index).cloned().unwrap_or_default();
        let Some(Value::Object(schema)) = self.schema.pointer(&place) else {
            return Ok(());
        };
        for keyword in ["$dynamicRef", "$recursiveRef"] {
            if schema.contains_key(keyword) {
                return Err(refused(&place, keyword));
            }
        }
        if !place.is_empty() && schema.contains_key("$id") {
            return Err(refused(&place, "$id"));
        }
        let mut part = Part::default();
        if let Some(reference) = schema.get("$ref") {
            let target = self.target(&place, reference)?;
            part.same.push(self.part(target));
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            part.same.extend(self.list(schema, &place, keyword));
        }
        for keyword in ["not", "if", "then", "else"] {
            part.same.extend(self.one(schema, &place, keyword));
        }
        for keyword in ["dependentSchemas", "dependencies"] {
            part.same
                .extend(self.members(schema, &place, keyword).map(|(_, part)| part));
        }
        part.members
            .extend(self.members(schema, &place, "properties"));
        for (pattern, at) in self.members(schema, &place, "patternProperties") {
            fits(&pattern, &format!("{place}/patternProperties"))?;
            part.other_members.push(at);
        }
        for keyword in ["additionalProperties", "unevaluatedProperties"] {
            part.other_members.extend(self.one(schema, &place, keyword));
        }
        part.names.extend(self.one(schema, &place, "propertyNames"));
        for keyword in ["prefixItems", "items"] {
            part.first_items.extend(self.list(schema, &place, keyword));
        }
        for keyword in ["items", "additionalItems", "unevaluatedItems", "contains"] {
            part.other_items.extend(self.one(schema, &place, keyword));
        }
        if let Some(Value::String(pattern)) = schema.get("pattern") {
            fits(pattern, &format!("{place}/pattern"))?;
        }
        if let Some(own) = self.parts.get_mut(index) {
            *own = part;
        }
        Ok(())
    }

    /// The place that a reference leads to.
    fn target(&self, place: &str, reference: &Value) -> Result<String, SchemaError> {
        let text = reference.as_str().unwrap_or_default();
        let target = text
            .strip_prefix('#')
            .filter(|target| target.is_empty() || target.starts_with('/'))
            .filter(|target| !target.contains('%') && self.schema.pointer(target).is_some());
        target
            .map(str::to_owned)
            .ok_or_else(|| refused(place, text))
    }

    /// The part that a keyword has, if it is one.
    fn one(&mut self, schema: &Map<String, Value>, place: &str, keyword: &str) -> Option<usize> {
        schema
            .get(keyword)
            .filter(|value| value.is_object() || value.is_boolean())
            .map(|_| self.part(format!("{place}/{keyword}")))
    }

    /// The parts in the list that a keyword has.
    fn list(&mut self, schema: &Map<String, Value>, place: &str, keyword: &str) -> Vec<usize> {
        let count = schema
            .get(keyword)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        (0..count)
            .map(|index| self.part(format!("{place}/{keyword}/{index}")))
            .collect()
    }

    /// The parts by name that a keyword has.
    fn members(
        &mut self,
        schema: &Map<String, Value>,
        place: &str,
        keyword: &str,
    ) -> impl Iterator<Item = (String, usize)> + use<> {
        let members = schema.get(keyword).and_then(Value::as_object);
        let parts: Vec<_> = members
            .into_iter()
            .flatten()
            .filter(|(_, value)| value.is_object() || value.is_boolean())
            .map(|(name, _)| {
                let step = name.replace('~', "~0").replace('/', "~1");
                (name.clone(), self.part(format!("{place}/{keyword}/{step}")))
            })
            .collect();
        parts.into_iter()
    }
}

fn refused(place: &str, reference: &str) -> SchemaError {
    SchemaError::Reference {
        place: place.to_owned(),
        reference: super::line(reference),
    }
}

/// Whether a pattern is small once it is compiled: a few characters can ask for a great many states.
fn fits(pattern: &str, place: &str) -> Result<(), SchemaError> {
    // The classes of ECMAScript are those of ASCII.
    let mut own = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('d') => own.push_str("[0-9]"),
                Some('D') => own.push_str("[^0-9]"),
                Some('w') => own.push_str("[0-9A-Za-z_]"),
                Some('W') => own.push_str("[^0-9A-Za-z_]"),
                Some(escaped) => own.extend(['\\', escaped]),
                None => own.push('\\'),
            },
            (character, false) => own.push(character),
        }
    }
    RegexBuilder::new(&own)
        .size_limit(PATTERN_BYTES)
        .build()
        .map(|_| ())
        .map_err(|error| SchemaError::Pattern {
            place: place.to_owned(),
            reason: match error {
                regex::Error::CompiledTooBig(limit) => {
                    format!("compiled it is larger than {limit} bytes")
                }
                error => super::line(&error.to_string()),
            },
        })
}

/// The parts in an order in which each comes before those that look at the same value on its behalf.
fn ordered(parts: Vec<Part>, places: &[String]) -> Result<Graph, SchemaError> {
    let mut waiting = vec![0_usize; parts.len()];
    for target in parts.iter().flat_map(|part| &part.same) {
        if let Some(count) = waiting.get_mut(*target) {
            *count += 1;
        }
    }
    let free = |(index, count): (usize, &usize)| (*count == 0).then_some(index);
    let mut ready: Vec<usize> = waiting.iter().enumerate().filter_map(free).collect();
    let mut order = Vec::with_capacity(parts.len());
    while let Some(index) = ready.pop() {
        order.push(index);
        for target in parts.get(index).into_iter().flat_map(|part| &part.same) {
            if let Some(count) = waiting.get_mut(*target) {
                *count -= 1;
                if *count == 0 {
                    ready.push(*target);
                }
            }
        }
    }
    if order.len() < parts.len() {
        let place = waiting.iter().position(|count| *count > 0);
        let place = place.and_then(|index| places.get(index)).cloned();
        return Err(SchemaError::Cycle {
            place: place.unwrap_or_default(),
        });
    }
    let mut numbers = vec![0; parts.len()];
    for (number, index) in order.iter().enumerate() {
        if let Some(place) = numbers.get_mut(*index) {
            *place = number;
        }
    }
    let number = |index: &mut usize| *index = numbers.get(*index).copied().unwrap_or(*index);
    let mut parts: Vec<(usize, Part)> = numbers.iter().copied().zip(parts).collect();
    for (_, part) in &mut parts {
        let lists = [
            &mut part.same,
            &mut part.other_members,
            &mut part.names,
            &mut part.first_items,
            &mut part.other_items,
        ];
        lists.into_iter().flatten().for_each(number);
        part.members.values_mut().for_each(number);
    }
    parts.sort_by_key(|(number, _)| *number);
    Ok(Graph {
        root: numbers.first().copied().unwrap_or_default(),
        parts: parts.into_iter().map(|(_, part)| part).collect(),
    })
}
