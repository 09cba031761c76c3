//! `interface description`.

use alloc::{string::String, vec::Vec};

use crate::{Effect, PathScope};

/// Whether a description covers everything that the policy may permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// All that is not described is denied.
    Complete,
    /// The policy is code that cannot be described (own Rego, own Rust). A missing rule means nothing.
    Opaque,
}

impl Coverage {
    /// All of them, at the index that the ABI gives them.
    pub const ALL: [Self; 2] = [Self::Complete, Self::Opaque];

    /// The name in WIT and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Opaque => "opaque",
        }
    }
}

/// The limits that can change a verdict, counted by the policy itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest accepted [`Request::arguments`](crate::Request::arguments), in bytes. At most [`Limits::MAX_BYTES`].
    pub arguments_bytes: u32,
    /// The longest accepted [`Request::facts`](crate::Request::facts), in bytes. At most [`Limits::MAX_BYTES`].
    pub facts_bytes: u32,
}

impl Limits {
    /// The largest value of either limit: 16 MiB.
    pub const MAX_BYTES: u32 = 16 << 20;
    /// The defaults: 1 MiB each.
    pub const DEFAULT: Self = Self {
        arguments_bytes: 1 << 20,
        facts_bytes: 1 << 20,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The policy as a whole. Digest and text are parameters: the evaluator hands out what lies in a plan, a host owns what it has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary<D = String, T = String> {
    /// Whether `roles`, `rules` and `scope` tell everything.
    pub coverage: Coverage,
    /// SHA-256 of the policy's source; as text, 64 lower-case hexadecimal digits.
    pub source_digest: D,
    /// The compiler's name and version.
    pub compiler: T,
    /// How many roles there are.
    pub roles: u32,
    /// How many file scopes there are.
    pub scopes: u32,
    /// How many approval terms there are.
    pub terms: u32,
    /// The limits that can change a verdict.
    pub limits: Limits,
    /// The facts that conditions look at, in the order of their bytes: a member of the facts and one of that, `usage.tool_calls_24h`; or a
    /// member alone, where all of it is looked at. A host need not tell others.
    pub facts: Vec<T>,
    /// What the policy is about, for people.
    pub description: Option<T>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Who has it, for people.
    pub description: Option<String>,
}

/// What happens to a call of a tool if every constraint holds.
pub type Mode = Effect;

/// Which tools a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tools<T = String> {
    /// Those that have no rule of their own, match no pattern and have no closed name.
    Unlisted,
    /// The one of that exact name.
    Exact(T),
    /// Those whose names match, with `*` for any run of characters, also none; unless they have a rule of their own, or match a pattern with
    /// more bytes that are not `*`. A closed name matches only if its closed prefix stands before the first `*`.
    Pattern(T),
}

/// What a role may do with some tools. Several rules can be for the same ones. Then those that deny are exceptions: a call is denied unless
/// their condition (the constraints and the scope) is false; of the others the first best one that holds decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which tools.
    pub tools: Tools,
    /// The effect if every constraint holds.
    pub mode: Mode,
    /// The constraints as written, in the order of evaluation.
    pub constraints: Vec<String>,
    /// The id of all that a path must satisfy; for a pattern or unlisted tools without what is forbidden for some of them alone. Of an
    /// exception the paths that it is about, as `denied`.
    pub scope: Option<u32>,
    /// The id of the terms that say who has to agree.
    pub terms: Option<u32>,
    /// What the model is told if this rule denies or asks.
    pub message: Option<String>,
    /// What it is for, for people.
    pub description: Option<String>,
}

/// Calls that are denied unless a condition (the constraints and the scope) is false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbid {
    /// The names of the tools, or patterns of names, which have a `*`. Empty: all whose names are not closed.
    pub tools: Vec<String>,
    /// The constraints as written, in the order of evaluation.
    pub constraints: Vec<String>,
    /// The id of the scope whose `denied` are the paths that it is about.
    pub scope: Option<u32>,
    /// What the model is told if it denies.
    pub message: Option<String>,
    /// What it is for, for people.
    pub description: Option<String>,
}

/// How paths are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PathStyle {
    /// Segments are separated by `/`.
    #[default]
    Posix,
    /// As on Windows: `\` is `/`, and a path may begin with a drive.
    Windows,
}

impl PathStyle {
    /// All of them, at the index that the ABI gives them.
    pub const ALL: [Self; 2] = [Self::Posix, Self::Windows];

    /// The name in WIT and in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Posix => "posix",
            Self::Windows => "windows",
        }
    }
}

/// Paths that are excluded: those that `denied` covers and `except` does not lift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// The patterns; without `allowed`.
    pub paths: PathScope,
    /// How paths are written.
    pub style: PathStyle,
}

/// All that a path must satisfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileScope {
    /// The arguments that hold paths. None, if there are exclusions alone.
    pub arguments: Vec<String>,
    /// Whether the tool searches below the path, so that an absent one starts at the root.
    pub search: bool,
    /// The patterns.
    pub paths: PathScope,
    /// How paths are written.
    pub style: PathStyle,
    /// What the exceptions and forbids for the tool exclude.
    pub exclusions: Vec<Exclusion>,
}

/// Who has to agree to a call, on what terms. What is absent is the host's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApprovalTerms {
    /// The roles of approvers, any of which suffices. Empty: the host's.
    pub roles: Vec<String>,
    /// For how many seconds an answer is waited for.
    pub expires: Option<u32>,
    /// How many have to agree, all different, none the caller: 1 to 8.
    pub approvers: Option<u32>,
    /// Whether an approver has to give a reason.
    pub reason_required: Option<bool>,
}

impl ApprovalTerms {
    /// The most people who can have to agree.
    pub const MAX_APPROVERS: u32 = 8;

    /// Whether the numbers are in their ranges, so that the terms can be fulfilled, and not by nobody.
    #[must_use]
    pub fn are_possible(&self) -> bool {
        self.expires != Some(0)
            && self
                .approvers
                .is_none_or(|approvers| (1..=Self::MAX_APPROVERS).contains(&approvers))
    }
}
