//! Lists of bans from elsewhere.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use hexgate_base::names::folded;

/// The number of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ListId(pub(super) u64);

/// Agents and users, [folded], each with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) agents: BTreeMap<String, String>,
    pub(crate) users: BTreeMap<String, String>,
}

/// A list of bans from elsewhere.
#[derive(Debug, Clone)]
pub(super) struct List {
    /// The list's origin, for messages.
    pub(super) origin: Arc<str>,
    pub(super) names: Names,
    /// The readable part of a newer list that could not be read as a whole.
    pub(super) more: Names,
    /// When the list expires. None: never.
    pub(super) good_until: Option<Moment>,
    /// Why the last fetch failed.
    pub(super) failure: Option<Arc<dyn Error + Send + Sync>>,
}

/// A moment by two clocks: the system's can be set back, and the monotonic one stops while the machine sleeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(pub(super) SystemTime, pub(super) Instant);

impl Names {
    pub(super) fn agent(&self, agent: &str) -> Option<&String> {
        find(&self.agents, agent)
    }

    pub(super) fn user(&self, user: &str) -> Option<&String> {
        find(&self.users, user)
    }
}

fn find<'a>(names: &'a BTreeMap<String, String>, name: &str) -> Option<&'a String> {
    if names.is_empty() {
        return None;
    }
    names.get(&*folded(name))
}

impl List {
    /// Why this list stops every call, if it does.
    pub(super) fn is_too_old(&self) -> Option<String> {
        let Moment(time, instant) = self.good_until?;
        (SystemTime::now() >= time || Instant::now() >= instant).then(|| {
            format!(
                "the list of bans of `{}` was not confirmed for too long",
                self.origin
            )
        })
    }
}
