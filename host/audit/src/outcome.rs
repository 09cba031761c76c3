//! The outcome of a proposed call, as a record keeps it.

#[cfg(feature = "replay")]
mod answer;

use hexgate_contract::Effect;
use serde::{Deserialize, Serialize};

/// The outcome of a proposed call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The policy allows it.
    Allow {
        /// Index into the caller's roles. None: the policy's default role decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<u32>,
        /// The file scope that the tool has to apply, by its number in the policy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<u32>,
    },
    /// The call needs a human's approval.
    NeedsApproval {
        /// Index into the caller's roles. None: the policy's default role decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<u32>,
        /// The file scope that the tool has to apply, by its number in the policy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<u32>,
        /// The terms that say who has to agree, by their number in the policy. None: the host's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<u32>,
        /// What the policy's author wants the model to be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The policy denies it.
    Deny {
        /// One sentence for the operator.
        reason: String,
        /// The constraints that were not true.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        violations: Vec<String>,
        /// Where the call could have gone instead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<Hint>,
        /// What the policy's author wants the model to be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The policy was asked and gave no verdict. A denial.
    Error {
        /// Who has to act.
        error: ErrorClass,
        /// The error's text.
        reason: String,
    },
    /// The host denied it without asking a policy: no caller, a revoked token, a kill switch.
    Refused {
        /// A short stable name for the kind of refusal, such as `no_caller`.
        code: String,
        /// One sentence for the operator.
        reason: String,
    },
}

/// The pattern lists of the file scope that denied a call: `hexgate_contract::PathScope` as a record keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hint {
    /// A path must match one of these, if there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// A path must not match any of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// What lifts `denied` for a path that it matches itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// Who has to act on an error: `hexgate_host::ErrorKind` as a record keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The caller: the request is malformed.
    Malformed,
    /// The caller: the request is too large.
    Exceeded,
    /// The author of the component.
    Guest,
    /// The signer: the policy is outside of its validity.
    Validity,
    /// The operator.
    Host,
}

impl Outcome {
    /// The effect for the host: every error and refusal is a denial.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::Allow { .. } => Effect::Allow,
            Self::NeedsApproval { .. } => Effect::NeedsApproval,
            Self::Deny { .. } | Self::Error { .. } | Self::Refused { .. } => Effect::Deny,
        }
    }

    /// The reason; empty if the call is allowed or needs approval.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Allow { .. } | Self::NeedsApproval { .. } => "",
            Self::Deny { reason, .. }
            | Self::Error { reason, .. }
            | Self::Refused { reason, .. } => reason,
        }
    }

    /// Whether the request and the policy alone determine the outcome, so that a replay gives the same. Outcomes of the clock, the machine
    /// and the host's own refusals are not replayable.
    #[must_use]
    pub fn is_of_the_policy(&self) -> bool {
        match self {
            Self::Allow { .. } | Self::NeedsApproval { .. } | Self::Deny { .. } => true,
            Self::Error { error, .. } => !matches!(error, ErrorClass::Validity | ErrorClass::Host),
            Self::Refused { .. } => false,
        }
    }
}
