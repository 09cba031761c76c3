//! What an approval that comes later is for.

use std::collections::BTreeMap;

use hexgate_base::Digest;
use hexgate_enforce::source::PolicyInfo;
use hexgate_enforce::{Attribute, Caller, Decision};

/// Under which policy, and on whose behalf, a person was asked about a call. An approval that a framework keeps until the call is made again names
/// the call alone. It counts where this is the same, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    component: Digest,
    manifest: Option<Digest>,
    user: String,
    roles: Vec<String>,
    session: Option<String>,
    attributes: BTreeMap<String, Attribute>,
}

impl Asked {
    /// What was asked with this decision. None: it has no caller, and nobody is asked.
    #[must_use]
    pub fn of(decision: &Decision) -> Option<Self> {
        Some(Self::under(decision.policy(), decision.caller()?))
    }

    /// What was asked under this policy on behalf of this caller, where the framework asks before anything is decided.
    #[must_use]
    pub fn under(policy: &PolicyInfo, caller: &Caller) -> Self {
        Self {
            component: policy.component,
            manifest: policy.manifest,
            user: caller.user_id().to_owned(),
            roles: caller.roles().to_vec(),
            session: caller.session().map(str::to_owned),
            attributes: caller.attributes().clone(),
        }
    }

    /// Whether a decision is by the same policy, on behalf of the same caller.
    #[must_use]
    pub fn is_same(&self, decision: &Decision) -> bool {
        Self::of(decision).as_ref() == Some(self)
    }
}
