//! The three effects of a decision, and how they are spelled.

use core::fmt;

/// The effect of a decision. In the order of the WIT, and from strict to lax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// The call must not happen.
    Deny,
    /// The call may happen once a human has agreed.
    NeedsApproval,
    /// The call may happen.
    Allow,
}

impl Effect {
    /// All of them, at the index that the ABI gives them.
    pub const ALL: [Self; 3] = [Self::Deny, Self::NeedsApproval, Self::Allow];

    /// In JSON, logs, reports and suites: `deny`, `needs_approval`, `allow`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.spelled("needs_approval")
    }

    /// In WIT: `deny`, `needs-approval`, `allow`.
    #[must_use]
    pub const fn in_wit(self) -> &'static str {
        self.spelled("needs-approval")
    }

    /// As the mode of a tool in a policy: `deny`, `approval_required`, `allow`.
    #[must_use]
    pub const fn in_policy(self) -> &'static str {
        self.spelled("approval_required")
    }

    /// For people: `deny`, `needs approval`, `allow`.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        self.spelled("needs approval")
    }

    /// The code of a call that did not run, for models and the platform: `policy_denied` or `approval_required`. None: it may run.
    #[must_use]
    pub const fn error_type(self) -> Option<&'static str> {
        match self {
            Self::Deny => Some("policy_denied"),
            Self::NeedsApproval => Some("approval_required"),
            Self::Allow => None,
        }
    }

    const fn spelled(self, needs_approval: &'static str) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::NeedsApproval => needs_approval,
            Self::Allow => "allow",
        }
    }
}

/// As [`Effect::as_str`].
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
