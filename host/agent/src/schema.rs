//! The JSON schema of a tool's arguments: compiled when an agent is built, asked before a tool runs.
//!
//! Some schemas come from strangers, such as a server of tools. So they are bounded: nothing is fetched, a schema has a size, a pattern has
//! a size, and a schema whose parts refer to each other so that few arguments take exponential time is stopped.

mod cost;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use boon::{Compiler, Draft, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

use cost::Graph;

/// How long a schema may be, in bytes of compact JSON.
pub const SCHEMA_BYTES: usize = 256 * 1024;

/// How deeply values may be nested in a schema, and in arguments.
pub const DEPTH: usize = 64;

/// How many times a part of a schema may look at a part of the arguments, in one check.
pub const STEPS: u64 = 1_000_000;

/// How large a compiled pattern may be, in bytes.
pub const PATTERN_BYTES: usize = 1024 * 1024;

/// How much of the reasons why arguments do not fit is told.
const REASONS: usize = 5;
const REASON_CHARACTERS: usize = 300;

/// Where a schema is read from. It is in memory, and a name that nothing else has.
const PLACE: &str = "urn:hexgate:arguments";

/// A compiled JSON schema of arguments. Drafts 4 to 2020-12; 2020-12 unless `$schema` names another.
pub struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
    graph: Graph,
}

/// Why a schema is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// It is no object, or says of arguments something else than that they are an object.
    #[error("a schema of arguments is an object with `\"type\": \"object\"`")]
    NoObject,
    /// It is longer than [`SCHEMA_BYTES`], or nested more deeply than [`DEPTH`].
    #[error(
        "the schema is larger than {SCHEMA_BYTES} bytes or nested more deeply than {DEPTH} levels"
    )]
    TooLarge,
    /// It refers to something else than a place in itself, written as a JSON pointer. Nothing is fetched.
    #[error(
        "`{reference}` at `{place}` does not lead to a place in the schema itself: write it as `#/$defs/NAME`"
    )]
    Reference {
        /// Where it stands, a JSON pointer.
        place: String,
        /// What is referred to, or the keyword that is not taken.
        reference: String,
    },
    /// A part that is to hold for the same value as itself.
    #[error("the schema at `{place}` refers to itself about the same value")]
    Cycle {
        /// Where it stands, a JSON pointer.
        place: String,
    },
    /// A regular expression that is not valid, or whose compiled form is larger than [`PATTERN_BYTES`].
    #[error("the pattern at `{place}` is not taken: {reason}")]
    Pattern {
        /// Where it stands, a JSON pointer.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is not valid by the rules of its draft.
    #[error("the schema is not valid: {0}")]
    Invalid(String),
}

impl Schema {
    /// Compiles a schema of arguments.
    ///
    /// # Errors
    ///
    /// It is none, or is not taken, see [`SchemaError`].
    pub fn new(schema: &Value) -> Result<Self, SchemaError> {
        if schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err(SchemaError::NoObject);
        }
        if depth(schema) > DEPTH || schema.to_string().len() > SCHEMA_BYTES {
            return Err(SchemaError::TooLarge);
        }
        let graph = Graph::of(schema)?;
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.use_loader(Box::new(Nothing));
        let invalid = |error: boon::CompileError| SchemaError::Invalid(compile_error(&error));
        compiler
            .add_resource(PLACE, schema.clone())
            .map_err(invalid)?;
        let mut schemas = Schemas::new();
        let index = compiler.compile(PLACE, &mut schemas).map_err(invalid)?;
        Ok(Self {
            schemas,
            index,
            graph,
        })
    }

    /// Whether arguments fit.
    ///
    /// # Errors
    ///
    /// They do not: where and why, in a few lines for the model that wrote them. So do arguments that would take too long to look at.
    pub fn check(&self, arguments: &Value) -> Result<(), String> {
        if depth(arguments) > DEPTH {
            return Err(format!(
                "the arguments are nested more deeply than {DEPTH} levels"
            ));
        }
        if self.graph.steps(arguments, STEPS) > STEPS {
            return Err("the arguments are too large for their schema".to_owned());
        }
        self.schemas
            .validate(arguments, self.index)
            .map_err(|error| reasons(&error))
    }
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").finish_non_exhaustive()
    }
}

/// A schema fetches nothing.
struct Nothing;

impl UrlLoader for Nothing {
    fn load(&self, _: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err("a schema is not fetched".into())
    }
}

fn compile_error(error: &boon::CompileError) -> String {
    match error {
        boon::CompileError::ValidationError { src, .. } => reasons(src),
        boon::CompileError::LoadUrlError { url, .. } => {
            line(&format!("it needs `{url}`, and a schema is not fetched"))
        }
        error => line(&error.to_string()),
    }
}

/// The innermost errors: where, and what.
fn reasons(error: &ValidationError<'_, '_>) -> String {
    let mut leaves = Vec::new();
    let mut open = vec![error];
    while let Some(error) = open.pop() {
        if error.causes.is_empty() {
            leaves.push(error);
        } else {
            open.extend(error.causes.iter().rev());
        }
    }
    let mut text = String::new();
    for (index, leaf) in leaves.iter().take(REASONS).enumerate() {
        let between = if index == 0 { "" } else { "; " };
        let place = leaf.instance_location.to_string();
        let place = if place.is_empty() {
            String::new()
        } else {
            format!("at `{place}` ")
        };
        let what = match &leaf.kind {
            ErrorKind::AdditionalProperties { got } => {
                format!("there is no argument `{}`", got.join("`, `"))
            }
            ErrorKind::Required { want } => format!("`{}` is missing", want.join("`, `")),
            kind => kind.to_string(),
        };
        // Writing to a text does not fail.
        let _ = write!(text, "{between}{}", line(&format!("{place}{what}")));
    }
    if leaves.len() > REASONS {
        let _ = write!(text, "; and {} more", leaves.len() - REASONS);
    }
    text
}

fn line(text: &str) -> String {
    hexgate_base::shortened(&text.replace(char::is_control, " "), REASON_CHARACTERS)
}

/// How deeply values are nested; a text or an empty list has one level.
fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 1)];
    while let Some((value, depth)) = open.pop() {
        deepest = deepest.max(depth);
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(members) => open.extend(members.values().map(|item| (item, depth + 1))),
            _ => {}
        }
    }
    deepest
}
