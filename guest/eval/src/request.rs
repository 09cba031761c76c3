//! What goes into a decision and what comes out: the Rust mirror of `interface decision` in `wit/policy.wit`.

use alloc::{string::String, vec::Vec};

/// One proposed tool call.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The caller's roles, in the caller's order. None: the policy's default role decides.
    pub roles: &'a [&'a str],
    /// The tool's exact name.
    pub tool: &'a str,
    /// The arguments: one JSON object, as text.
    pub arguments: &'a str,
    /// Further facts: one JSON object with the members `ctx`, `run`, `user` only.
    pub facts: Option<&'a str>,
}

/// What the policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The call must not happen.
    Deny(Denial),
    /// The call may happen once a human has agreed to it.
    NeedsApproval(Grant),
    /// The call may happen.
    Allow(Grant),
}

/// Why a call may not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// One sentence for the operator, at most 4,096 bytes.
    pub reason: String,
    /// The constraints that were not true, as written, in the order of evaluation, without repeats.
    pub violations: Vec<String>,
    /// Where the call could have gone instead, if a file scope was what denied it.
    pub hint: Option<PathScope>,
}

/// The pattern lists of a file scope, as written in the policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathScope {
    /// A path must match one of these, if there are any.
    pub allowed: Vec<String>,
    /// A path must not match any of these, nor lie below a match.
    pub denied: Vec<String>,
}

/// On whose authority a call may happen, and within which limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Index into the request's roles. None: the policy's default role decided.
    pub role: Option<u32>,
    /// The file scope that the path argument satisfied.
    pub scope: Option<u32>,
}

/// A part of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// [`Request::roles`]
    Roles,
    /// [`Request::tool`]
    Tool,
    /// [`Request::arguments`]
    Arguments,
    /// [`Request::facts`]
    Facts,
}

/// Why there is no verdict. A host turns each of these into a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The request cannot be understood.
    Malformed {
        /// The part that cannot.
        field: Field,
        /// Where: a byte offset into a text, an index into a list.
        offset: u32,
        /// What is wrong there.
        reason: &'static str,
    },
    /// The request is larger than the policy accepts.
    Exceeded {
        /// The name of the limit: `arguments-bytes`, `facts-bytes`, `depth`, `number-digits` or `number-exponent`.
        limit: &'static str,
        /// The largest value that is accepted.
        allowed: u64,
    },
    /// The plan is damaged.
    Internal(&'static str),
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Malformed {
                field,
                offset,
                reason,
            } => {
                let field = match field {
                    Field::Roles => "roles",
                    Field::Tool => "tool",
                    Field::Arguments => "arguments",
                    Field::Facts => "facts",
                };
                write!(f, "malformed {field} at {offset}: {reason}")
            }
            Self::Exceeded { limit, allowed } => {
                write!(f, "limit `{limit}` exceeded, at most {allowed}")
            }
            Self::Internal(what) => write!(f, "damaged plan: {what}"),
        }
    }
}

impl core::error::Error for Error {}
