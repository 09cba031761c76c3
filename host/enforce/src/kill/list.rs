//! Lists of who is stopped, which others keep.

use std::collections::BTreeMap;
use std::time::Instant;

/// Agents and users, each with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) agents: BTreeMap<String, String>,
    pub(crate) users: BTreeMap<String, String>,
}

/// A list that somebody else keeps.
#[derive(Debug, Clone, Default)]
pub(crate) struct List {
    pub(crate) names: Names,
    /// When it is too old to rely on. None: never.
    pub(crate) good_until: Option<Instant>,
}

impl Names {
    pub(super) fn extend(&mut self, more: Self) {
        self.agents.extend(more.agents);
        self.users.extend(more.users);
    }

    pub(super) fn len(&self) -> usize {
        self.agents.len() + self.users.len()
    }
}

impl List {
    /// Why nobody can be let through by this list, if nobody can.
    pub(super) fn is_too_old(&self) -> Option<String> {
        let end = self.good_until?;
        (Instant::now() >= end)
            .then(|| "the list of bans was not confirmed for too long".to_owned())
    }
}
