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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// The limits that can change a verdict.
    pub limits: Limits,
}

/// What happens to a call of a tool if every constraint holds.
pub type Mode = Effect;

/// What a role may do with one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The tool's exact name. None: every tool that has no rule of its own and no closed name.
    pub tool: Option<String>,
    /// The effect if every constraint holds.
    pub mode: Mode,
    /// The constraints as written, in the order of evaluation.
    pub constraints: Vec<String>,
    /// The id of the file scope.
    pub scope: Option<u32>,
}

/// A file scope: which paths a tool may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileScope {
    /// The argument that holds the path.
    pub argument: String,
    /// Its patterns.
    pub paths: PathScope,
}
