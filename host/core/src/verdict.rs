//! The result of a decision.

/// What a policy says about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an unused verdict permits nothing"]
pub enum Verdict {
    /// The call must not happen.
    Deny(Denial),
    /// The call may happen once a human has agreed to it.
    NeedsApproval(Grant),
    /// The call may happen.
    Allow(Grant),
}

impl Verdict {
    /// Whether the call may happen now. A call that needs approval may not.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }

    /// Whether a human has to agree first.
    #[must_use]
    pub fn needs_approval(&self) -> bool {
        matches!(self, Self::NeedsApproval(_))
    }

    /// Whether the call must not happen.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Deny(_))
    }
}

/// On whose authority a call may happen, and within which limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Index into the request's roles. None: the policy's default role decided.
    pub role: Option<u32>,
    /// The file scope that the path argument satisfied, for [`Policy::scope`](crate::Policy::scope). A tool that searches below
    /// a path must apply it to each result.
    pub scope: Option<u32>,
}

/// Why a call may not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// One sentence for the operator, the same in every engine.
    pub reason: String,
    /// The constraints that were not true, as written in the policy, in the order of evaluation, each once.
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
