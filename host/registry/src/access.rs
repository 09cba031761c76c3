//! How a registry is reached.

use std::{env, fs::File, io, path::PathBuf, time::Duration};

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::secrets::RegistryAuth;

use crate::Reference;

/// How a registry is reached: credentials, transport and timeout.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Access {
    /// The credentials.
    pub credentials: Credentials,
    /// The transport. Default: [`Transport::Tls`].
    pub transport: Transport,
    /// How long pushing or pulling may take in all. Default: five minutes.
    pub timeout: Duration,
}

/// The transport of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Transport {
    /// TLS, with certificates that this machine trusts.
    #[default]
    Tls,
    /// No TLS: an attacker on the way reads credentials and policies. A bundle is signed, so they cannot change it.
    Plain,
}

/// Credentials. `{:?}` shows no secret.
#[derive(Debug, Clone)]
pub struct Credentials(pub(crate) RegistryAuth);

const TIMEOUT: Duration = Duration::from_secs(300);

/// The names under which credentials of Docker's own registry are kept.
const DOCKER: (&str, &str) = ("docker.io", "https://index.docker.io/v1/");

/// What credential helpers print if they have nothing for a registry, by their protocol.
const HELPER_HAS_NONE: &str = "credentials not found in native keychain";

impl Access {
    /// The credentials of Docker's configuration for this registry, over TLS.
    ///
    /// # Errors
    ///
    /// If the configuration cannot be used.
    pub fn of(reference: &Reference) -> Result<Self, CredentialsError> {
        Ok(Self::with(Credentials::of_docker(reference)?))
    }

    /// With these credentials, over TLS.
    pub fn with(credentials: Credentials) -> Self {
        Self {
            credentials,
            transport: Transport::default(),
            timeout: TIMEOUT,
        }
    }
}

impl Credentials {
    /// No credentials.
    pub fn anonymous() -> Self {
        Self(RegistryAuth::Anonymous)
    }

    /// A user with a password.
    pub fn password(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self(RegistryAuth::Basic(user.into(), password.into()))
    }

    /// A registry token.
    pub fn token(token: impl Into<String>) -> Self {
        Self(RegistryAuth::Bearer(token.into()))
    }

    /// The credentials that `docker login` stored for the registry in `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`, or in the
    /// credential helper named there. Without an entry, no credentials.
    ///
    /// # Errors
    ///
    /// If the file or the helper cannot be used.
    pub fn of_docker(reference: &Reference) -> Result<Self, CredentialsError> {
        let registry = reference.registry();
        let name = if registry == DOCKER.0 {
            DOCKER.1
        } else {
            registry
        };
        let unreadable = |reason: String| CredentialsError::Docker {
            registry: registry.to_owned(),
            reason,
        };
        let Some(path) = docker_config() else {
            return Ok(Self::anonymous());
        };
        let config = match File::open(&path) {
            Ok(config) => config,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::anonymous()),
            Err(error) => return Err(unreadable(format!("`{}`: {error}", path.display()))),
        };
        match docker_credential::get_credential_from_reader(config, name) {
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                Ok(Self::password(user, password))
            }
            Ok(DockerCredential::IdentityToken(_)) => Err(CredentialsError::IdentityToken {
                registry: registry.to_owned(),
            }),
            Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(Self::anonymous()),
            Err(CredentialRetrievalError::HelperFailure { stdout, .. })
                // Helpers report an absent entry as a failure.
                if stdout.contains(HELPER_HAS_NONE) =>
            {
                Ok(Self::anonymous())
            }
            Err(error) => Err(unreadable(reason(&error))),
        }
    }
}

/// Where Docker keeps its configuration.
fn docker_config() -> Option<PathBuf> {
    let folder = match env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => env::home_dir()?.join(".docker"),
    };
    Some(folder.join("config.json"))
}

/// What helpers print can hold secrets, so it is not repeated.
fn reason(error: &CredentialRetrievalError) -> String {
    match error {
        CredentialRetrievalError::HelperFailure { helper, .. } => {
            format!("the credential helper `{helper}` failed")
        }
        other => other.to_string(),
    }
}

/// The stored credentials cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// Docker's configuration cannot be used.
    #[error(
        "the credentials for `{registry}` in Docker's configuration cannot be used: {reason}; run `docker login {registry}` again, or pass credentials otherwise"
    )]
    Docker {
        /// The registry.
        registry: String,
        /// Why.
        reason: String,
    },
    /// Docker's configuration holds a token of a kind that is not supported.
    #[error(
        "Docker's configuration holds an identity token for `{registry}`, which is not supported; pass a user and a password, or a registry token"
    )]
    IdentityToken {
        /// The registry.
        registry: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        for credentials in [
            Credentials::password("user", "hunter2"),
            Credentials::token("hunter2"),
        ] {
            assert!(!format!("{:?}", Access::with(credentials)).contains("hunter2"));
        }
    }

    #[test]
    fn what_a_helper_said_is_not_repeated() {
        let error = CredentialRetrievalError::HelperFailure {
            helper: "pass".into(),
            stdout: "hunter2".into(),
            stderr: "hunter2".into(),
        };
        assert_eq!(reason(&error), "the credential helper `pass` failed");
    }
}
