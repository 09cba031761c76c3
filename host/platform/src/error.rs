//! Why the platform could not be asked, or its answer is not used.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use hexgate_base::shortened;

/// Why the platform gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// The platform cannot be reached, or the connection breaks off.
    #[error("the platform cannot be reached: {0}; check HEXGATE_API_URL and the network")]
    Unreachable(#[source] Cause),
    /// The platform takes too long.
    #[error(
        "the platform did not answer in time; check HEXGATE_API_URL and the network, or allow it more time"
    )]
    Timeout,
    /// The platform refuses the token.
    #[error("the platform refuses the token (status {status}); check HEXGATE_API_KEY")]
    Unauthorized {
        /// The HTTP status.
        status: u16,
    },
    /// The platform does not know the agent.
    #[error("the platform does not know the agent `{}`; register it", shortened(.agent, 64))]
    UnknownAgent {
        /// The agent.
        agent: String,
    },
    /// The platform answers with an unexpected status.
    #[error("the platform answered with status {status}: {}", shortened(.body, 200))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The answer's text.
        body: String,
    },
    /// The platform says "not modified" without having been asked for changes.
    #[error(
        "the platform says `not modified` of an answer that it never sent; check what answers at HEXGATE_API_URL"
    )]
    NothingToCompare,
    /// The answer is too large.
    #[error("the platform sends more than {allowed} bytes; check what answers at HEXGATE_API_URL")]
    TooLarge {
        /// The most that is accepted.
        allowed: usize,
    },
    /// The answer cannot be read.
    #[error("the platform's answer cannot be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// The platform sends a policy without a bundle.
    #[error("the platform sends a policy and no bundle; compile and sign it there")]
    NoBundle,
    /// A part of the bundle is missing.
    #[error("the platform sends a bundle without its {part}; the bundle is not used")]
    Incomplete {
        /// What is missing.
        part: &'static str,
    },
    /// The platform names none of the pinned keys.
    #[error(
        "the platform names none of the pinned keys; they were withdrawn, or an attacker answers in its place"
    )]
    Withdrawn,
    /// The platform reuses a key's name for another key.
    #[error("the platform's key `{}` is another one than before; names of keys are never reused, so an attacker may answer in its place", shortened(.kid, 64))]
    KeyChanged {
        /// The name.
        kid: String,
    },
    /// The list of the platform's keys is invalid.
    #[error("the list of the platform's keys cannot be used: {reason}")]
    Keys {
        /// Why.
        reason: String,
    },
    /// No key is pinned.
    #[error("no key of the platform is pinned, so its answers cannot be verified; pin one")]
    NotPinned,
    /// The project's token is refused by this host.
    #[error("the token for the platform is refused here: {0}")]
    Token(#[source] Cause),
    /// The platform has no list of bans.
    #[error("the platform has no list of bans; check HEXGATE_API_URL, or do without bans")]
    NoBans,
    /// Some bans cannot be read.
    #[error(
        "{count} of the platform's bans cannot be read: {first}; the others count, and no ban is released until all can be read"
    )]
    UnknownBans {
        /// How many.
        count: usize,
        /// What is wrong with the first of them.
        first: String,
    },
    /// The client or its background work cannot be started.
    #[error("the platform cannot be asked: {0}")]
    Start(#[source] Cause),
}

/// An error of another crate. It prints itself and its causes, and equals an error that prints the same.
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
    /// The client or its background work cannot be started.
    pub fn start(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Start(Cause::new(cause))
    }
}
