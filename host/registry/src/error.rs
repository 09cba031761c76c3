//! Errors of talking to a registry.

use std::time::Duration;

use reqwest::Response;
use serde::Deserialize;

use crate::artifact::shown;

/// A request to a registry failed. Nothing was written on this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// It cannot be reached.
    #[error(
        "cannot reach the registry `{registry}`: {reason}; check the name, the network and, for a registry without TLS, `--plain-http`"
    )]
    Unreachable {
        /// Its name.
        registry: String,
        /// Why.
        reason: String,
    },
    /// It refuses these credentials, or wants some.
    #[error(
        "the registry `{registry}` does not allow this ({reason}); log in with `docker login {registry}`, or pass credentials that are allowed to"
    )]
    Denied {
        /// Its name.
        registry: String,
        /// What it said.
        reason: String,
    },
    /// It names a place for tokens to which credentials must not go.
    #[error(
        "the registry `{registry}` wants credentials sent to `{realm}`, {reason}: they go over TLS, or to the registry itself where TLS was disabled for it; check its configuration, or do without credentials"
    )]
    Realm {
        /// Its name.
        registry: String,
        /// The place.
        realm: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name does not exist there.
    #[error("`{reference}` does not exist; check the repository and the tag")]
    NotFound {
        /// The name.
        reference: String,
    },
    /// It took too long.
    #[error("the registry `{registry}` did not answer in time ({} s in all, {} s without a byte); try again, or raise `--timeout`", .timeout.as_secs(), SILENCE.as_secs())]
    TimedOut {
        /// Its name.
        registry: String,
        /// The time that was allowed in all.
        timeout: Duration,
    },
    /// It sent more than was announced, or than is read.
    #[error(
        "`{reference}`: the registry sent a {what} of more than {limit} bytes, which is the limit for it"
    )]
    TooLarge {
        /// The name.
        reference: String,
        /// What is too large.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
    /// It sent bytes that do not have this digest.
    #[error(
        "`{reference}`: the registry sent a {what} that does not have the digest `{digest}`; do not trust its content"
    )]
    Digest {
        /// The name.
        reference: String,
        /// What is wrong.
        what: &'static str,
        /// The digest that was asked for.
        digest: String,
    },
    /// It failed, or broke the protocol.
    #[error("the registry `{registry}` failed: {reason}")]
    Failed {
        /// Its name.
        registry: String,
        /// What it said.
        reason: String,
    },
    /// This machine fails.
    #[error("cannot talk to registries: {0}")]
    Host(String),
}

/// The most bytes of an error that are read.
const MAX_ERROR: u64 = 4 << 10;

/// How long a registry may be silent.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// The registry and reference of a conversation, for messages.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) registry: String,
    pub(crate) reference: String,
    pub(crate) timeout: Duration,
}

impl Subject {
    pub(crate) fn timed_out(&self) -> RegistryError {
        RegistryError::TimedOut {
            registry: self.registry.clone(),
            timeout: self.timeout,
        }
    }

    pub(crate) fn failed(&self, reason: &str) -> RegistryError {
        RegistryError::Failed {
            registry: self.registry.clone(),
            reason: shown(reason),
        }
    }

    /// An error response.
    pub(crate) fn status(&self, code: u16, said: &str) -> RegistryError {
        match code {
            401 | 403 => RegistryError::Denied {
                registry: self.registry.clone(),
                reason: format!("status {code}"),
            },
            404 => RegistryError::NotFound {
                reference: self.reference.clone(),
            },
            _ => self.failed(format!("status {code} {said}").trim_end()),
        }
    }

    pub(crate) fn request(&self, error: &reqwest::Error) -> RegistryError {
        if let Some(status) = error.status() {
            self.status(status.as_u16(), "")
        } else if error.is_timeout() {
            self.timed_out()
        } else if error.is_connect() {
            RegistryError::Unreachable {
                registry: self.registry.clone(),
                // Outer causes repeat the address.
                reason: innermost(error),
            }
        } else {
            self.failed(&innermost(error))
        }
    }

    pub(crate) fn denied(&self, reason: &str) -> RegistryError {
        RegistryError::Denied {
            registry: self.registry.clone(),
            reason: shown(reason),
        }
    }

    /// The body of a response. None if it has more than `limit` bytes.
    pub(crate) async fn body(
        &self,
        mut answer: Response,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.request(&error))? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }

    /// The standard error codes of a response. Its free text is not shown: it could repeat credentials.
    pub(crate) async fn codes(&self, answer: Response) -> String {
        #[derive(Deserialize)]
        struct Answer {
            errors: Vec<Code>,
        }
        #[derive(Deserialize)]
        struct Code {
            code: String,
        }
        // If the body cannot be read, or is too long, the status is enough.
        let body = self.body(answer, MAX_ERROR).await.ok().flatten();
        let answer = serde_json::from_slice::<Answer>(&body.unwrap_or_default());
        let codes = answer.map(|answer| answer.errors).unwrap_or_default();
        let is_code = |code: &String| {
            code.len() <= 40 && code.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'_'))
        };
        codes
            .into_iter()
            .map(|code| code.code)
            .filter(is_code)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// The innermost cause, which is the informative one.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
