//! Why the platform could not be asked, or what it sends is not used.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use hexgate_base::shortened;

/// Why nothing could be had from the platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// It cannot be reached, or breaks off.
    #[error("the platform cannot be reached: {0}; check HEXGATE_API_URL and the network")]
    Unreachable(#[source] Cause),
    /// It takes too long.
    #[error(
        "the platform did not answer in time; check HEXGATE_API_URL and the network, or allow it more time"
    )]
    Timeout,
    /// It refuses the token.
    #[error("the platform refuses the token (status {status}); check HEXGATE_API_KEY")]
    Unauthorized {
        /// The HTTP status.
        status: u16,
    },
    /// It does not know the agent.
    #[error("the platform does not know the agent `{}`; register it", shortened(.agent, 64))]
    UnknownAgent {
        /// The agent.
        agent: String,
    },
    /// It answers with another status than it should.
    #[error("the platform answered with status {status}: {}", shortened(.body, 200))]
    Status {
        /// The HTTP status.
        status: u16,
        /// What it said.
        body: String,
    },
    /// It says that nothing changed, and nobody asked that.
    #[error(
        "the platform says that nothing changed since something that it never sent; check what answers at HEXGATE_API_URL"
    )]
    NothingToCompare,
    /// It sends more than is accepted.
    #[error("the platform sends more than {allowed} bytes; check what answers at HEXGATE_API_URL")]
    TooLarge {
        /// The most that is accepted.
        allowed: usize,
    },
    /// What it sends cannot be read.
    #[error("the platform sends what cannot be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// It sends a policy without a component.
    #[error("the platform sends a policy and no bundle; compile and sign it there")]
    NoBundle,
    /// It sends a bundle with parts missing.
    #[error("the platform sends a bundle without its {part}; nothing of it is used")]
    Incomplete {
        /// What is missing.
        part: &'static str,
    },
    /// It names no key that is pinned.
    #[error(
        "the platform names none of the pinned keys; they were withdrawn, or somebody answers in its place"
    )]
    Withdrawn,
    /// It names another key by a name that it gave to one before.
    #[error("the platform's key `{}` is another one than before; keys have names of their own, so somebody may answer in its place", shortened(.kid, 64))]
    KeyChanged {
        /// The name.
        kid: String,
    },
    /// The list of its keys is not one.
    #[error("the list of the platform's keys cannot be used: {reason}")]
    Keys {
        /// Why.
        reason: String,
    },
    /// No key is pinned.
    #[error("no key of the platform is pinned, so nothing that it sends can be verified; pin one")]
    NotPinned,
    /// The project's token is not of the project.
    #[error("the token for the platform is refused here: {0}")]
    Token(#[source] Cause),
    /// It keeps no list of who is banned.
    #[error("the platform keeps no list of bans; check HEXGATE_API_URL, or do without bans")]
    NoBans,
    /// Some bans are not understood.
    #[error(
        "{count} of the platform's bans are not understood: {first}; the others count, and nothing is released until all are"
    )]
    UnknownBans {
        /// How many.
        count: usize,
        /// What is wrong with the first of them.
        first: String,
    },
    /// The background work cannot be started.
    #[error("the platform cannot be asked: {0}")]
    Start(#[source] Cause),
}

/// An error of another crate. It prints itself and what caused it, and equals one that prints the same.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    /// Keeps an error.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into().into())
    }

    /// The error.
    #[must_use]
    pub fn get(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        let mut cause = self.0.source();
        while let Some(next) = cause {
            write!(f, ": {next}")?;
            cause = next.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Cause {}

impl PlatformError {
    /// The work cannot be started.
    pub fn start(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Start(Cause::new(cause))
    }
}
