//! Stopping an agent or a user at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// Denies every call of agents, users and tokens that were stopped, from the next call on, whatever the policy says.
///
/// Cloning is cheap and gives the same switch: keep one, give it to every enforcer of the process. Reading it takes no lock.
#[derive(Debug, Clone, Default)]
pub struct KillSwitch(Arc<ArcSwap<Stopped>>);

/// Who is stopped, and why. The reason is for the operator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Stopped {
    agents: BTreeMap<String, String>,
    users: BTreeMap<String, String>,
    tokens: BTreeMap<Vec<u8>, String>,
}

/// Why a call is denied without asking the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
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
    /// A switch that stops nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops every call of an agent, whoever asks.
    pub fn stop_agent(&self, agent: impl Into<String>, reason: impl Into<String>) {
        let (agent, reason) = (agent.into(), reason.into());
        self.change(|stopped| {
            stopped.agents.insert(agent.clone(), reason.clone());
        });
    }

    /// Stops every call on behalf of a user, whichever agent makes it.
    pub fn stop_user(&self, user_id: impl Into<String>, reason: impl Into<String>) {
        let (user, reason) = (user_id.into(), reason.into());
        self.change(|stopped| {
            stopped.users.insert(user.clone(), reason.clone());
        });
    }

    /// Revokes every token that has a block with this revocation id.
    pub fn revoke_token(&self, revocation_id: impl Into<Vec<u8>>, reason: impl Into<String>) {
        let (id, reason) = (revocation_id.into(), reason.into());
        self.change(|stopped| {
            stopped.tokens.insert(id.clone(), reason.clone());
        });
    }

    /// Lets an agent call again.
    pub fn release_agent(&self, agent: &str) {
        self.change(|stopped| {
            stopped.agents.remove(agent);
        });
    }

    /// Lets a user call again.
    pub fn release_user(&self, user_id: &str) {
        self.change(|stopped| {
            stopped.users.remove(user_id);
        });
    }

    /// Why a call of this agent for this user is stopped, if it is.
    #[must_use]
    pub fn stops(&self, agent: &str, user_id: Option<&str>) -> Option<Stop> {
        let stopped = self.0.load();
        let copied = |reason: &String| reason.clone();
        if let Some(reason) = stopped.agents.get(agent).map(copied) {
            return Some(Stop::Agent { reason });
        }
        let reason = user_id
            .and_then(|user| stopped.users.get(user))
            .map(copied)?;
        Some(Stop::User { reason })
    }

    /// Why a token with these revocation ids is stopped, if it is.
    #[must_use]
    pub fn stops_token(&self, revocation_ids: &[Vec<u8>]) -> Option<Stop> {
        let stopped = self.0.load();
        if stopped.tokens.is_empty() {
            return None;
        }
        let reason = revocation_ids
            .iter()
            .find_map(|id| stopped.tokens.get(id))
            .cloned()?;
        Some(Stop::Token { reason })
    }

    fn change(&self, change: impl Fn(&mut Stopped)) {
        self.0.rcu(|stopped| {
            let mut changed = Stopped::clone(stopped);
            change(&mut changed);
            changed
        });
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Agent { reason } => write!(f, "the agent is stopped: {reason}"),
            Self::User { reason } => write!(f, "the user is stopped: {reason}"),
            Self::Token { reason } => write!(f, "the token is revoked: {reason}"),
        }
    }
}
