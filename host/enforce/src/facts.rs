//! What a host tells of a call beside its caller.

use serde_json::value::RawValue;

use crate::source::PolicyInfo;

/// What a host tells of a call beside its caller, each a member of the facts.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallFacts {
    pub(crate) run: Option<Box<RawValue>>,
    pub(crate) said: Option<Box<RawValue>>,
    pub(crate) usage: Option<Box<RawValue>>,
    pub(crate) user_usage: Option<Box<RawValue>>,
}

impl CallFacts {
    /// The members for a policy. One that it does not look at is left out, unless it is of the run: policies of version 0.1.0 of the contract
    /// take no other.
    pub(crate) fn members<'a>(
        &'a self,
        policy: &'a PolicyInfo,
    ) -> impl Iterator<Item = (&'static str, &'a RawValue)> {
        [
            ("run", &self.run),
            ("said", &self.said),
            ("usage", &self.usage),
            ("user_usage", &self.user_usage),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, &**value.as_ref()?)))
        .filter(|(name, _)| *name == "run" || policy.uses_fact(name))
    }
}
