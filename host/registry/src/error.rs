//! What can go wrong with a registry.

use std::time::Duration;

use oci_client::errors::OciDistributionError;

use crate::artifact::shown;

/// A registry did not do what it was asked for. Nothing was written here.
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
    /// It does not take these credentials, or none.
    #[error(
        "the registry `{registry}` does not allow this ({reason}); log in with `docker login {registry}`, or pass credentials that may"
    )]
    Denied {
        /// Its name.
        registry: String,
        /// What it said.
        reason: String,
    },
    /// There is nothing of this name.
    #[error("`{reference}` is not there; check the repository and the tag")]
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
    /// It sent more than was asked for, or than is read.
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
    /// It sent other bytes than those with this digest.
    #[error(
        "`{reference}`: the registry sent a {what} with another digest than the one that was asked for, `{digest}`; do not trust what is in it"
    )]
    Digest {
        /// The name.
        reference: String,
        /// What is wrong.
        what: &'static str,
        /// The digest that was asked for.
        digest: String,
    },
    /// It failed, or answered as registries do not.
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

/// How long a registry may be silent.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// Whom a conversation is with and about what, for messages.
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

    /// An answer that is no success.
    pub(crate) fn status(&self, code: u16, said: &str) -> RegistryError {
        match code {
            401 | 403 => RegistryError::Denied {
                registry: self.registry.clone(),
                reason: format!("status {code}"),
            },
            404 => RegistryError::NotFound {
                reference: self.reference.clone(),
            },
            _ => self.failed(&format!("status {code} {said}")),
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
                reason: innermost(error),
            }
        } else {
            self.failed(&innermost(error))
        }
    }

    pub(crate) fn library(
        &self,
        what: &'static str,
        digest: &str,
        error: OciDistributionError,
    ) -> RegistryError {
        use oci_client::errors::OciErrorCode as Code;
        match error {
            OciDistributionError::RequestError(error) => self.request(&error),
            OciDistributionError::UnauthorizedError { .. } => self.status(401, ""),
            OciDistributionError::AuthenticationFailure(said) => RegistryError::Denied {
                registry: self.registry.clone(),
                reason: if said.is_empty() {
                    "no token".to_owned()
                } else {
                    shown(&said)
                },
            },
            OciDistributionError::ServerError { code, message, .. } => self.status(code, &message),
            OciDistributionError::RegistryError { envelope, .. } => {
                let codes: Vec<&Code> = envelope.errors.iter().map(|error| &error.code).collect();
                if codes
                    .iter()
                    .any(|code| matches!(code, Code::Unauthorized | Code::Denied))
                {
                    self.status(401, "")
                } else if codes.iter().any(|code| {
                    matches!(
                        code,
                        Code::ManifestUnknown | Code::NameUnknown | Code::BlobUnknown
                    )
                }) {
                    self.status(404, "")
                } else {
                    self.failed(&envelope.to_string())
                }
            }
            OciDistributionError::ImageManifestNotFoundError(_) => self.status(404, ""),
            OciDistributionError::DigestError(_) => RegistryError::Digest {
                reference: self.reference.clone(),
                what,
                digest: digest.to_owned(),
            },
            other => self.failed(&other.to_string()),
        }
    }
}

/// The cause that says something.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
