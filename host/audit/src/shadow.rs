//! A candidate policy that decides beside the live one, without effect.

use hexgate_bundle::Digest;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// What a candidate policy would have said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowOutcome {
    /// As [`Record::policy`](crate::Record::policy), of the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<Digest>,
    /// SHA-256 of the candidate's component.
    pub(crate) component: Digest,
    /// What it would have said.
    pub(crate) verdict: Outcome,
}

impl ShadowOutcome {
    /// What a candidate said: what identifies it as [`Record::policy`](crate::Record::policy) does, and SHA-256 of its component.
    #[must_use]
    pub fn new(policy: Option<Digest>, component: Digest, verdict: Outcome) -> Self {
        Self {
            policy,
            component,
            verdict,
        }
    }

    /// What identifies the candidate, as [`Record::policy`](crate::Record::policy) does.
    #[must_use]
    pub fn policy(&self) -> Option<Digest> {
        self.policy
    }

    /// SHA-256 of the candidate's component.
    #[must_use]
    pub fn component(&self) -> Digest {
        self.component
    }

    /// What it would have said.
    #[must_use]
    pub fn verdict(&self) -> &Outcome {
        &self.verdict
    }
}

/// A candidate policy. Its answers go only into the log: this type gives no verdict that a host could act on.
#[cfg(feature = "replay")]
#[derive(Debug, Clone)]
pub struct Shadow {
    policy: hexgate_host::Policy,
    digest: Option<Digest>,
    component: Digest,
}

#[cfg(feature = "replay")]
impl Shadow {
    /// A candidate: its policy, what identifies it as [`Record::policy`](crate::Record::policy) does, and SHA-256 of its component.
    #[must_use]
    pub fn new(policy: hexgate_host::Policy, digest: Option<Digest>, component: Digest) -> Self {
        Self {
            policy,
            digest,
            component,
        }
    }

    /// What the candidate would have said to the same request, for [`Record::shadow`](crate::Record::shadow). It takes as long as a decision and
    /// cannot fail.
    #[must_use]
    pub fn ask(
        &self,
        roles: &[&str],
        tool: &str,
        arguments: &str,
        facts: Option<&str>,
    ) -> ShadowOutcome {
        ShadowOutcome {
            policy: self.digest,
            component: self.component,
            verdict: Outcome::ask(&self.policy, roles, tool, arguments, facts),
        }
    }
}
