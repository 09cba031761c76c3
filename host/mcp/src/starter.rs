//! A starter policy for the tools of a server: what an operator begins with, and narrows.
//!
//! For each tool the policy names its arguments (`only`) and what the input schema says of them: types, enumerations, ranges, lengths,
//! patterns, nested objects and lists. What the language cannot say of a schema stands in a comment. What a server says of a tool decides
//! nothing by itself: a tool is allowed only if the server says that it only reads **and** its name says so; it is denied if its name says
//! that it destroys; every other tool asks.
//!
//! The result always compiles. Each tool is compiled on its own first; one whose schema cannot be put into words is denied.

mod kind;
mod path;
mod pattern;
mod reference;
mod schema;
mod text;

use std::collections::BTreeSet;

use hexgate_compiler::Compiler;
use serde_json::Value;

pub use kind::{Hints, Kind};

/// The most tools that a policy is written for.
pub const MAX_TOOLS: usize = 2_000;
/// The longest name of a tool in a policy, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// A tool as its server describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSchema {
    /// The server's name for it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The JSON schema of its arguments, of any draft.
    pub input_schema: Value,
    /// What the server says of its effects.
    pub annotations: Hints,
}

/// A policy that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starter {
    /// The policy: YAML that compiles.
    pub policy: String,
    /// What became of each tool, in the order of the server.
    pub tools: Vec<Written>,
}

/// What became of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The server's name for it, as the server wrote it.
    pub name: String,
    /// How the policy decides it.
    pub mode: Mode,
    /// What of its schema is left to the server, in sentences for people.
    pub left: Vec<String>,
}

/// How a policy decides a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Allowed, within its constraints.
    Allow,
    /// A person is asked, within its constraints.
    Ask,
    /// Denied.
    Deny,
    /// Not named, because a policy cannot name it; so denied.
    Unnamed,
}

/// Why no policy was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StarterError {
    /// There are too many tools.
    #[error("a starter policy is for at most {MAX_TOOLS} tools, and there are {found}")]
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// What was written does not compile: a bug of this module.
    #[error("the starter policy does not compile: {reason}")]
    Refused {
        /// The compiler's first error.
        reason: String,
    },
}

/// Writes the policy for the tools of one server. A tool stands in it under its name behind `prefix`, such as `mcp-docs-`.
///
/// ```
/// use hexgate_mcp::starter::{Hints, ToolSchema, starter};
///
/// let tool = ToolSchema {
///     name: "get_order".into(),
///     description: Some("One order.".into()),
///     input_schema: serde_json::json!({"type": "object", "properties": {"id": {"type": "integer", "minimum": 1}}, "required": ["id"]}),
///     annotations: Hints { read_only: Some(true), ..Hints::default() },
/// };
/// let policy = starter("mcp-shop-", &[tool])?.policy;
/// assert!(policy.contains("\"mcp-shop-get_order\":"));
/// assert!(policy.contains("- 'args.id >= 1'"));
/// # Ok::<(), hexgate_mcp::starter::StarterError>(())
/// ```
///
/// # Errors
///
/// There are more than [`MAX_TOOLS`] tools.
pub fn starter(prefix: &str, tools: &[ToolSchema]) -> Result<Starter, StarterError> {
    if tools.len() > MAX_TOOLS {
        return Err(StarterError::TooMany { found: tools.len() });
    }
    let mut written = Vec::with_capacity(tools.len());
    let mut entries = String::new();
    let mut seen = BTreeSet::new();
    for tool in tools {
        let name = format!("{prefix}{}", tool.name);
        let (entry, one) = match unnameable(&name, &mut seen) {
            Some(reason) => unnamed(tool, reason),
            None => entry(&name, tool),
        };
        entries.push_str(&entry);
        written.push(one);
    }
    let policy = format!("{}{}", head(prefix, &written), body(&entries, &written));
    if let Some(reason) = refusal(&policy) {
        return Err(StarterError::Refused { reason });
    }
    Ok(Starter {
        policy,
        tools: written,
    })
}

/// Why a policy cannot name a tool.
fn unnameable(name: &str, seen: &mut BTreeSet<String>) -> Option<&'static str> {
    if name.len() > MAX_NAME_BYTES {
        Some("its name is longer than 256 bytes")
    } else if name.contains('*') {
        Some("its name has a `*`, which would be a pattern")
    } else if !crate::visible::is_visible_name(name) {
        Some("its name has characters that are not seen")
    } else if !seen.insert(name.to_owned()) {
        Some("another tool of the server has the same name")
    } else {
        None
    }
}

fn unnamed(tool: &ToolSchema, reason: &str) -> (String, Written) {
    let name = text::comment(&tool.name, 100);
    let entry = format!("\n  # The tool {name} is not named here, so it is denied: {reason}.\n");
    let written = Written {
        name: tool.name.clone(),
        mode: Mode::Unnamed,
        left: vec![reason.to_owned()],
    };
    (entry, written)
}

fn entry(name: &str, tool: &ToolSchema) -> (String, Written) {
    let (kind, why) = kind::of(&tool.name, tool.annotations);
    let mode = match kind {
        Kind::Reads => Mode::Allow,
        Kind::Acts => Mode::Ask,
        Kind::Destroys => Mode::Deny,
    };
    let arguments = schema::constraints(&tool.input_schema);
    let mut left = arguments.left;
    let (mode, constraints, why) = match arguments.constraints {
        // A denied tool compiles with its constraints too once somebody lets it ask.
        Some(constraints)
            if refusal(&format!(
                "tools:\n{}",
                rule(name, tool, Mode::Ask, &constraints, &[], "")
            ))
            .is_none() =>
        {
            (mode, constraints, why)
        }
        _ => {
            left.clear();
            let why =
                "denied: its input schema cannot be put into constraints. Write a rule by hand";
            (Mode::Deny, Vec::new(), why)
        }
    };
    let entry = rule(name, tool, mode, &constraints, &left, why);
    let written = Written {
        name: tool.name.clone(),
        mode,
        left,
    };
    (entry, written)
}

/// One entry below `tools`.
fn rule(
    name: &str,
    tool: &ToolSchema,
    mode: Mode,
    constraints: &[String],
    left: &[String],
    why: &str,
) -> String {
    let mut out = String::from("\n");
    for line in text::comment_lines(tool.description.as_deref().unwrap_or_default()) {
        out.push_str(&format!("  # {line}\n"));
    }
    out.push_str(&format!("  {}:\n", text::yaml_key(name)));
    if !why.is_empty() {
        out.push_str(&format!("    # {why}.\n"));
    }
    for one in left {
        out.push_str(&format!("    # not checked here: {one}.\n"));
    }
    let (word, before) = match mode {
        Mode::Allow => ("allow", ""),
        Mode::Ask => ("approval_required", ""),
        // The constraints of a rule that denies are dead; here they wait for who changes the mode.
        Mode::Deny | Mode::Unnamed => ("deny", "# "),
    };
    out.push_str(&format!("    mode: {word}\n"));
    if !constraints.is_empty() {
        out.push_str(&format!("    {before}constraints:\n"));
    }
    for constraint in constraints {
        out.push_str(&format!(
            "    {before}  - {}\n",
            text::yaml_text(constraint)
        ));
    }
    out
}

fn head(prefix: &str, written: &[Written]) -> String {
    let of = |mode| written.iter().filter(|one| one.mode == mode).count();
    format!(
        "# A starter policy for {} tools whose names begin with {}: {} allowed, {} ask, {} denied.\n\
         # Read it, and narrow it: `hexgate mcp init` knows the schemas of the server, and not what your users may do.\n\
         # What is not listed is denied. A tool is allowed only if the server says that it reads and its name says so too.\n\
         # Numbers may have fractions, where the server asks for whole ones too.\n\
         # Which files, hosts and accounts a tool may reach is not limited yet: `file_scope`, `startswith`, `in`.\n\
         version: 1\n",
        written.len(),
        text::comment(prefix, 100),
        of(Mode::Allow),
        of(Mode::Ask),
        of(Mode::Deny) + of(Mode::Unnamed),
    )
}

fn body(entries: &str, written: &[Written]) -> String {
    if written.iter().all(|one| one.mode == Mode::Unnamed) {
        format!("tools: {{}}\n{entries}")
    } else {
        format!("tools:{entries}")
    }
}

/// The first error of the compiler.
fn refusal(policy: &str) -> Option<String> {
    let outcome = Compiler::default().compile_str("starter.yaml", policy);
    if outcome.policy.is_some() {
        return None;
    }
    let first = outcome.diagnostics.iter().find(|one| one.is_error());
    Some(first.map_or_else(String::new, |one| format!("{}: {}", one.code, one.message)))
}
