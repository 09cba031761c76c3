//! Signed tokens that say who calls.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use hexgate_enforce::token::{self, Attenuation, Envelope, RootKey};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::fault::Fault;
use crate::identity::{Identity, attribute};
use crate::policy::public_key;

/// Checks tokens of one project and environment.
#[pyclass(frozen, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct TokenVerifier(token::TokenVerifier);

/// A token that was verified.
#[pyclass(frozen, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct Token(token::Token);

fn envelope(text: &str) -> Result<Envelope, Fault> {
    Envelope::parse(text).map_err(|error| token::TokenError::from(error).into())
}

#[pymethods]
impl TokenVerifier {
    #[new]
    #[pyo3(signature = (public_keys, *, project, environment))]
    fn new(
        public_keys: Vec<Bound<'_, PyAny>>,
        project: String,
        environment: String,
    ) -> PyResult<Self> {
        let keys: Result<Vec<_>, Fault> = public_keys.iter().map(public_key).collect();
        let verifier = token::TokenVerifier::new(keys?, environment, project);
        Ok(Self(verifier.map_err(Fault::from)?))
    }

    /// The token of a user, if it holds now.
    fn verify(&self, py: Python<'_>, token: &str) -> PyResult<Token> {
        let envelope = envelope(token)?;
        let verified = py.detach(|| self.0.verify(&envelope, SystemTime::now()));
        Ok(Token(verified.map_err(Fault::from)?))
    }
}

#[pymethods]
impl Token {
    #[getter]
    fn user_id(&self) -> &str {
        self.0.user()
    }

    #[getter]
    fn roles(&self) -> Vec<&str> {
        self.0.roles().iter().map(String::as_str).collect()
    }

    #[getter]
    fn project(&self) -> &str {
        self.0.project()
    }

    #[getter]
    fn environment(&self) -> &str {
        self.0.environment()
    }

    /// For `KillSwitch.revoke_token`.
    #[getter]
    fn revocation_ids<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        let ids = self.0.revocation_ids().iter();
        ids.map(|id| PyBytes::new(py, id)).collect()
    }

    /// Whom it names. Session and attributes are the host's.
    #[pyo3(signature = (session_id=None, attributes=None))]
    fn identity(
        &self,
        session_id: Option<&str>,
        attributes: Option<BTreeMap<String, Bound<'_, PyAny>>>,
    ) -> PyResult<Identity> {
        let mut all = BTreeMap::new();
        for (name, value) in attributes.unwrap_or_default() {
            all.insert(name, attribute(&value)?);
        }
        let caller = self.0.caller(session_id, all).map_err(Fault::from)?;
        Ok(Identity(caller))
    }
}

/// Makes a token for one user of a project's token.
#[pyfunction]
#[pyo3(signature = (token, verifier, *, user_id, roles, ttl_seconds=None))]
pub(crate) fn attenuate(
    token: &str,
    verifier: &TokenVerifier,
    user_id: String,
    roles: Vec<String>,
    ttl_seconds: Option<u64>,
) -> PyResult<String> {
    let expires_at = match ttl_seconds {
        None => None,
        Some(seconds) => {
            let end = SystemTime::now().checked_add(Duration::from_secs(seconds));
            Some(end.filter(|_| seconds > 0).ok_or_else(|| {
                Fault::new(
                    "TokenError",
                    "ttl",
                    format!("`ttl_seconds` is {seconds}"),
                    "give a number of seconds above zero, or none",
                )
            })?)
        }
    };
    let made = token::attenuate(
        &envelope(token)?,
        &verifier.0,
        &Attenuation {
            user: user_id,
            roles,
            expires_at,
        },
    );
    Ok(made.map_err(Fault::from)?.expose().to_owned())
}

/// Makes the token of a project. Its holder can make tokens for any user: only who issues tokens has the key.
#[pyfunction]
#[pyo3(signature = (root_key, *, environment, project))]
pub(crate) fn mint(root_key: [u8; 32], environment: &str, project: &str) -> PyResult<String> {
    let root = RootKey::from_bytes(&root_key).map_err(Fault::from)?;
    let made = token::mint(&root, environment, project).map_err(Fault::from)?;
    Ok(made.expose().to_owned())
}
