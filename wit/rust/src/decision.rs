//! `interface decision`.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::Effect;

/// The most roles of a caller.
pub const MAX_ROLES: usize = 32;
/// The longest name of a role or tool, in bytes.
pub const MAX_NAME: usize = 256;
/// The longest reason of a denial, in bytes.
pub const MAX_REASON: usize = 4096;

/// The longest message for the model, in bytes.
pub const MAX_MESSAGE: usize = 500;
/// Whether a text can be a message for the model: at most [`MAX_MESSAGE`] bytes, no control characters.
#[must_use]
pub fn is_message(text: &str) -> bool {
    text.len() <= MAX_MESSAGE && !text.contains(char::is_control)
}

/// The members that facts can have.
pub const FACTS: [&str; 6] = ["ctx", "run", "said", "usage", "user", "user_usage"];

/// One proposed tool call, borrowed from the caller.
///
/// Arguments and facts stay text: the bytes that were decided must be the bytes that run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The caller's roles, in the caller's order, at most [`MAX_ROLES`]. None: the policy's default role decides.
    pub roles: &'a [&'a str],
    /// The tool's exact name: at most [`MAX_NAME`] bytes, no control characters.
    pub tool: &'a str,
    /// The arguments: one JSON object, as text.
    pub arguments: &'a str,
    /// Further facts: one JSON object, as text, with no members other than [`FACTS`].
    pub facts: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A call of `tool` with `arguments`, a JSON object as text, by a caller without roles and without further facts.
    #[inline]
    #[must_use]
    pub const fn new(tool: &'a str, arguments: &'a str) -> Self {
        Self {
            roles: &[],
            tool,
            arguments,
            facts: None,
        }
    }

    /// The caller's roles, in the caller's order.
    #[inline]
    #[must_use]
    pub const fn roles(self, roles: &'a [&'a str]) -> Self {
        Self { roles, ..self }
    }

    /// Further facts: a JSON object as text.
    #[inline]
    #[must_use]
    pub const fn facts(self, facts: &'a str) -> Self {
        self.optional_facts(Some(facts))
    }

    /// As [`facts`](Self::facts), where there may be none.
    #[inline]
    #[must_use]
    pub const fn optional_facts(self, facts: Option<&'a str>) -> Self {
        Self { facts, ..self }
    }
}

/// The pattern lists of a file scope, as written in the policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathScope {
    /// A path must match one of these, if there are any.
    pub allowed: Vec<String>,
    /// A path must not match any of these, nor lie below a match.
    pub denied: Vec<String>,
    /// What lifts `denied` for a path that it matches itself.
    pub except: Vec<String>,
}

/// Why a call may not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// One sentence for the operator, the same in every engine, at most [`MAX_REASON`] bytes.
    pub reason: String,
    /// The constraints that were not true, as written in the policy, in the order of evaluation, without repeats.
    pub violations: Vec<String>,
    /// Where the call could have gone instead, if a file scope was what denied it.
    pub hint: Option<PathScope>,
    /// What the policy's author wants the model to be told: at most [`MAX_MESSAGE`] bytes, no control characters.
    pub message: Option<String>,
}

impl Denial {
    /// A denial for a reason alone.
    #[must_use]
    pub const fn because(reason: String) -> Self {
        Self {
            reason,
            violations: Vec::new(),
            hint: None,
            message: None,
        }
    }
}

/// On whose authority a call may happen, and within which limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Index into the request's roles. None: the policy's default role decided.
    pub role: Option<u32>,
    /// The id of all that a path must satisfy: the file scope of the rule, and those of the exceptions and forbids for the tool. The paths of
    /// the arguments satisfy it. A tool that finds further paths must ask about each whether the scope covers it.
    pub scope: Option<u32>,
}

/// What a call may happen on once a human has agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededApproval {
    /// On whose authority, and within which limits.
    pub grant: Grant,
    /// The id of the terms that say who has to agree. None: the host decides.
    pub terms: Option<u32>,
    /// What the policy's author wants the model to be told: at most [`MAX_MESSAGE`] bytes, no control characters.
    pub message: Option<String>,
}

impl From<Grant> for NeededApproval {
    /// On the host's own terms.
    fn from(grant: Grant) -> Self {
        Self {
            grant,
            terms: None,
            message: None,
        }
    }
}

/// A policy's answer about a call.
///
/// Exhaustive on purpose: a host that lacks a case must fail to compile, not deny at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an unused verdict permits nothing"]
pub enum Verdict {
    /// The call must not happen.
    Deny(Denial),
    /// The call may happen once a human has agreed to it.
    NeedsApproval(NeededApproval),
    /// The call may happen.
    Allow(Grant),
}

impl Verdict {
    /// The verdict without its details.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        match self {
            Self::Deny(_) => Effect::Deny,
            Self::NeedsApproval(_) => Effect::NeedsApproval,
            Self::Allow(_) => Effect::Allow,
        }
    }

    /// Whether the call may happen now. A call that needs approval may not.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }

    /// Whether a human has to agree first.
    #[must_use]
    pub const fn needs_approval(&self) -> bool {
        matches!(self, Self::NeedsApproval(_))
    }

    /// Whether the call must not happen.
    #[must_use]
    pub const fn is_denied(&self) -> bool {
        matches!(self, Self::Deny(_))
    }
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

impl Field {
    /// All of them, at the index that the ABI gives them.
    pub const ALL: [Self; 4] = [Self::Roles, Self::Tool, Self::Arguments, Self::Facts];

    /// The name of the part, as in the WIT.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Roles => "roles",
            Self::Tool => "tool",
            Self::Arguments => "arguments",
            Self::Facts => "facts",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The request is malformed. The texts of this and the other errors are a parameter: a policy has them as literals, a host owns what it has
/// read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed<T = String> {
    /// The malformed part.
    pub field: Field,
    /// The place: a byte offset into a text, an index into a list.
    pub offset: u32,
    /// What is wrong there.
    pub reason: T,
}

/// The request exceeds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded<T = String> {
    /// The name of the limit: `arguments-bytes`, `facts-bytes`, `depth`, `number-digits` or `number-exponent`.
    pub limit: T,
    /// The largest value that is accepted.
    pub allowed: u64,
}

/// Why there is no verdict. A host turns each of these into a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error<T = String> {
    /// The request is malformed.
    Malformed(Malformed<T>),
    /// The request exceeds a limit of the policy.
    Exceeded(Exceeded<T>),
    /// The policy itself is damaged.
    Internal(T),
}

impl<T> Error<T> {
    /// The same error with texts of another type.
    pub fn map<U>(self, text: impl FnOnce(T) -> U) -> Error<U> {
        match self {
            Self::Malformed(Malformed {
                field,
                offset,
                reason,
            }) => Error::Malformed(Malformed {
                field,
                offset,
                reason: text(reason),
            }),
            Self::Exceeded(Exceeded { limit, allowed }) => Error::Exceeded(Exceeded {
                limit: text(limit),
                allowed,
            }),
            Self::Internal(what) => Error::Internal(text(what)),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Malformed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            offset,
            reason,
        } = self;
        write!(f, "malformed {field} at {offset}: {reason}")
    }
}

impl<T: fmt::Display> fmt::Display for Exceeded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, allowed } = self;
        write!(f, "limit `{limit}` exceeded, at most {allowed}")
    }
}

impl<T: fmt::Display> fmt::Display for Error<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::Exceeded(exceeded) => exceeded.fmt(f),
            Self::Internal(what) => write!(f, "the policy is damaged: {what}"),
        }
    }
}

impl<T: fmt::Debug + fmt::Display> core::error::Error for Malformed<T> {}
impl<T: fmt::Debug + fmt::Display> core::error::Error for Exceeded<T> {}
impl<T: fmt::Debug + fmt::Display> core::error::Error for Error<T> {}
