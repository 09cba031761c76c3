//! Stopping an agent, a user or everything at once.

#[cfg(feature = "platform")]
mod keep;
pub(crate) mod list;

#[cfg(feature = "platform")]
pub(crate) use keep::WeakKillSwitch;
use list::{List, ListId, Names};

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hexgate_base::names::folded;

/// Denies every call of stopped agents, users and tokens from the next call on, before the policy is asked.
///
/// Cloning is cheap and gives the same switch: keep one, give it to every enforcer of the process. Reading it takes no lock. Names are
/// compared [folded](hexgate_base::names::folded), without regard to spelling, case and blanks around them: where two names are taken for
/// one, more is stopped.
#[derive(Clone, Default)]
pub struct KillSwitch(Arc<Inner>);

#[derive(Default)]
struct Inner {
    stopped: ArcSwap<Stopped>,
    #[cfg(feature = "platform")]
    keepers: keep::Keepers,
}

/// Who is stopped, and why. The reason is for the operator.
#[derive(Debug, Clone, Default)]
struct Stopped {
    /// Stopped by the host.
    names: Names,
    tokens: BTreeMap<Vec<u8>, String>,
    everything: Option<String>,
    /// Stopped by lists from elsewhere.
    lists: BTreeMap<ListId, List>,
}

/// Why a call is denied without asking the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// Every call is stopped.
    Everything {
        /// Why, for the operator.
        reason: String,
    },
    /// The agent is stopped.
    Agent {
        /// Why, for the operator.
        reason: String,
    },
    /// The user is stopped.
    User {
        /// Why, for the operator.
        reason: String,
    },
    /// The token is revoked.
    Token {
        /// Why, for the operator.
        reason: String,
    },
}

impl KillSwitch {
    /// A switch that stops no call.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops every call, of all agents and on behalf of all users.
    pub fn stop_everything(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.change(|stopped| stopped.everything = Some(reason.clone()));
    }

    /// Stops every call of an agent, for all users.
    pub fn stop_agent(&self, agent: impl Into<String>, reason: impl Into<String>) {
        let (agent, reason) = (folded(&agent.into()).into_owned(), reason.into());
        self.change(|stopped| {
            stopped.names.agents.insert(agent.clone(), reason.clone());
        });
    }

    /// Stops every call on behalf of a user, by all agents.
    pub fn stop_user(&self, user_id: impl Into<String>, reason: impl Into<String>) {
        let (user, reason) = (folded(&user_id.into()).into_owned(), reason.into());
        self.change(|stopped| {
            stopped.names.users.insert(user.clone(), reason.clone());
        });
    }

    /// Revokes every token that has a block with this revocation id.
    pub fn revoke_token(&self, revocation_id: impl Into<Vec<u8>>, reason: impl Into<String>) {
        let (id, reason) = (revocation_id.into(), reason.into());
        self.change(|stopped| {
            stopped.tokens.insert(id.clone(), reason.clone());
        });
    }

    /// Takes back [`stop_everything`](Self::stop_everything). Agents and users that are stopped by name stay stopped.
    pub fn release_everything(&self) {
        self.change(|stopped| stopped.everything = None);
    }

    /// Lets an agent call again, unless the platform bans it.
    pub fn release_agent(&self, agent: &str) {
        self.change(|stopped| {
            stopped.names.agents.remove(&*folded(agent));
        });
    }

    /// Lets a user call again, unless the platform bans them.
    pub fn release_user(&self, user_id: &str) {
        self.change(|stopped| {
            stopped.names.users.remove(&*folded(user_id));
        });
    }

    /// Why a call of this agent for this user is stopped, if it is.
    #[must_use]
    pub fn stops(&self, agent: &str, user_id: Option<&str>) -> Option<Stop> {
        let stopped = self.0.stopped.load();
        if let Some(reason) = &stopped.everything {
            let reason = reason.clone();
            return Some(Stop::Everything { reason });
        }
        let lists = || stopped.lists.values();
        if let Some(reason) = lists().find_map(List::is_too_old) {
            return Some(Stop::Everything { reason });
        }
        let all = || {
            let lists = lists().flat_map(|list| [&list.names, &list.more]);
            lists.chain([&stopped.names])
        };
        if let Some(reason) = all().find_map(|names| names.agent(agent)) {
            let reason = reason.clone();
            return Some(Stop::Agent { reason });
        }
        let user = user_id?;
        let reason = all().find_map(|names| names.user(user)).cloned()?;
        Some(Stop::User { reason })
    }

    /// Why a token with these revocation ids is stopped, if it is.
    #[must_use]
    pub fn stops_token(&self, revocation_ids: &[Vec<u8>]) -> Option<Stop> {
        let stopped = self.0.stopped.load();
        if stopped.tokens.is_empty() {
            return None;
        }
        let reason = revocation_ids
            .iter()
            .find_map(|id| stopped.tokens.get(id))
            .cloned()?;
        Some(Stop::Token { reason })
    }

    /// Why the last attempt to fetch a list of bans failed. The previous list still counts. None: it succeeded, or there is no list.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<dyn Error + Send + Sync>> {
        let stopped = self.0.stopped.load();
        stopped.lists.values().find_map(|list| list.failure.clone())
    }

    fn change(&self, change: impl Fn(&mut Stopped)) {
        self.0.stopped.rcu(|stopped| {
            let mut changed = Stopped::clone(stopped);
            change(&mut changed);
            changed
        });
    }
}

impl fmt::Debug for KillSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KillSwitch")
            .field(&self.0.stopped.load())
            .finish()
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything { reason } => write!(f, "everything is stopped: {reason}"),
            Self::Agent { reason } => write!(f, "the agent is stopped: {reason}"),
            Self::User { reason } => write!(f, "the user is stopped: {reason}"),
            Self::Token { reason } => write!(f, "the token is revoked: {reason}"),
        }
    }
}
