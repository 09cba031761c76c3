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
    /// The call may happen.
    Allow(Grant),
    /// The call may happen once a human agrees.
    NeedsApproval(Needed),
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
    /// All that a path must satisfy, if anything.
    pub scope: Option<Bounds>,
}

/// What has to happen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// On whose authority, within which paths.
    pub grant: Grant,
    /// Who has to agree, if the policy says so.
    pub terms: Option<Terms>,
    /// What the model is told.
    pub message: Option<String>,
}

/// Who has to agree. What is absent is the host's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// The roles of approvers.
    pub roles: Vec<String>,
    /// For how many seconds an answer is waited for.
    pub expires: Option<u32>,
    /// How many have to agree.
    pub approvers: Option<u32>,
    /// Whether a reason has to be given.
    pub reason_required: Option<bool>,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Denial {
    /// The sentence.
    pub reason: String,
    /// The constraints that were not true.
    pub violations: Vec<String>,
    /// The pattern lists of the scope that was not satisfied.
    pub hint: Option<Paths>,
    /// What the model is told.
    pub message: Option<String>,
}

/// The pattern lists of a file scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Paths {
    /// What a path must match.
    pub allowed: Vec<String>,
    /// What it must not.
    pub denied: Vec<String>,
    /// What lifts `denied`.
    pub except: Vec<String>,
}

/// All that a path must satisfy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounds {
    /// The arguments that hold paths. None: only exclusions are known.
    pub arguments: Vec<String>,
    /// Whether the tool searches below the path.
    pub search: bool,
    /// The patterns.
    pub paths: Paths,
    /// Whether paths are written as on Windows.
    pub windows: bool,
    /// What is excluded besides, in order and each once.
    pub exclusions: Vec<Exclusion>,
}

/// Paths that are excluded: those that `denied` covers and `except` does not lift.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exclusion {
    /// The patterns, none of them allowed.
    pub paths: Paths,
    /// Whether paths are written as on Windows.
    pub windows: bool,
}
