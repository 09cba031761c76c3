//! One policy, one call, and an answer to it.

use crate::json::Json;

/// A policy in JSON form and a call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The policy's document. JSON is YAML, so a compiler reads its text.
    pub policy: Json,
    /// The call.
    pub call: Call,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The caller's roles.
    pub roles: Vec<String>,
    /// The tool's name.
    pub tool: String,
    /// The arguments as text.
    pub args: String,
    /// Further facts as text.
    pub facts: Option<String>,
}

/// What an engine answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The call may happen; the deciding role's index (none: the default role) and the scope that travels along.
    Allow(Grant),
    /// The call may happen once a human agrees.
    NeedsApproval(Grant),
    /// The call must not happen.
    Deny(Denial),
    /// A part of the request is malformed: `roles`, `tool`, `arguments` or `facts`.
    Malformed(&'static str),
    /// A limit is exceeded; its name.
    Exceeded(String),
    /// Something else went wrong. Never a right answer.
    Broken(String),
}

/// On whose authority, within which paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The deciding role as an index into the call's roles; none if the default role stood in.
    pub role: Option<u32>,
    /// The pattern lists of the scope that was satisfied.
    pub scope: Option<Paths>,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The sentence.
    pub reason: String,
    /// The constraints that were not true.
    pub violations: Vec<String>,
    /// The pattern lists of the scope that was not satisfied.
    pub hint: Option<Paths>,
}

/// The pattern lists of a file scope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// What a path must match.
    pub allowed: Vec<String>,
    /// What it must not.
    pub denied: Vec<String>,
}
