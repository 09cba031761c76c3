//! What `gateway.yaml` says of the authorization at a server.

use std::path::PathBuf;

use hexgate_address::is_loopback;
use hexgate_base::harmless;
use rmcp::transport::auth::JwtSigningAlgorithm;
use serde::Deserialize;
use url::Url;

use crate::names;

/// The most scopes that are asked for.
const MOST_SCOPES: usize = 64;
/// The longest scope, in bytes.
const MOST_OF_SCOPE: usize = 256;

/// How the gateway gets tokens for a server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct AuthorizationConfig {
    /// Who agrees: a person who logs in, or nobody.
    pub flow: Flow,
    /// The name of this gateway at the authorization server, where it was registered there by hand.
    pub client_id: Option<String>,
    /// The variable of the environment that holds its secret.
    pub client_secret_from: Option<String>,
    /// The variable of the environment that holds its private key in PEM, in place of a secret.
    pub private_key_from: Option<String>,
    /// What that key signs with.
    pub algorithm: Option<KeyAlgorithm>,
    /// The `https` address of a document that describes this gateway (client id metadata), where the authorization server takes that.
    pub client_metadata: Option<String>,
    /// The scopes that are asked for. Empty: those that the server names.
    pub scopes: Vec<String>,
    /// The one authorization server that is believed. None: the one that the server names.
    pub issuer: Option<String>,
    /// Where a browser is sent after the login, on this machine. None: `http://127.0.0.1/callback` at a free port.
    pub redirect: Option<String>,
    /// The private file that holds the tokens. A login needs one.
    pub tokens: Option<PathBuf>,
}

/// Who agrees that the gateway acts at a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// A person, by `hexgate mcp login`: the authorization code with PKCE.
    #[default]
    Login,
    /// Nobody: the gateway shows its own credentials.
    ClientCredentials,
}

/// What a private key signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the names of RFC 7518 say everything")]
pub enum KeyAlgorithm {
    RS256,
    RS384,
    RS512,
    ES256,
    ES384,
}

impl KeyAlgorithm {
    pub(super) fn named(self) -> JwtSigningAlgorithm {
        match self {
            Self::RS256 => JwtSigningAlgorithm::RS256,
            Self::RS384 => JwtSigningAlgorithm::RS384,
            Self::RS512 => JwtSigningAlgorithm::RS512,
            Self::ES256 => JwtSigningAlgorithm::ES256,
            Self::ES384 => JwtSigningAlgorithm::ES384,
        }
    }
}

impl AuthorizationConfig {
    /// The variables of the environment that hold its secrets.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let all = [&self.client_secret_from, &self.private_key_from];
        all.into_iter().filter_map(|name| name.as_deref())
    }

    /// Whether tokens for the server at this address can be got so. The error completes "its `authorization` ...".
    pub(crate) fn check(&self, server: &str) -> Result<(), String> {
        let server = Url::parse(server).map_err(|error| error.to_string())?;
        let is_local = is_loopback(&server);
        let is_safe = |url: &Url| url.scheme() == "https" || is_local && is_loopback(url);
        if !is_safe(&server) {
            return Err(
                "needs a server at an `https` address: whoever listens would have its tokens; `http` is for this machine alone"
                    .to_owned(),
            );
        }
        if let Some(bad) = self.variables().find(|name| !names::is_variable(name)) {
            return Err(format!(
                "has `{}`, which is no name of a variable; secrets come from the environment",
                harmless(bad)
            ));
        }
        if self.scopes.len() > MOST_SCOPES {
            return Err(format!("has more than {MOST_SCOPES} `scopes`"));
        }
        if let Some(bad) = self.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(format!("has the scope `{}`, which is none", harmless(bad)));
        }
        if let Some(issuer) = &self.issuer
            && !Url::parse(issuer).is_ok_and(|url| is_safe(&url))
        {
            return Err("has an `issuer` that is no `https` address".to_owned());
        }
        if self.algorithm.is_some() != self.private_key_from.is_some() {
            return Err("needs `private_key_from` and `algorithm` together".to_owned());
        }
        if self.client_id.as_ref().is_some_and(String::is_empty) {
            return Err("has an empty `client_id`".to_owned());
        }
        match self.flow {
            Flow::Login => self.check_login()?,
            Flow::ClientCredentials => self.check_credentials()?,
        }
        // The server names who authorizes for it: it could name itself, and would have the secret.
        if self.client_secret_from.is_some() && self.issuer.is_none() && !is_local {
            return Err(
                "has `client_secret_from` without the `issuer` that may read it: name the authorization server"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn check_login(&self) -> Result<(), String> {
        if self.private_key_from.is_some() {
            return Err(
                "has `private_key_from`, which `flow: client_credentials` takes".to_owned(),
            );
        }
        if self.client_secret_from.is_some() && self.client_id.is_none() {
            return Err("has `client_secret_from` without `client_id`".to_owned());
        }
        if self.client_id.is_some() && self.client_metadata.is_some() {
            return Err(
                "has `client_id` and `client_metadata`: who asks would be said twice".to_owned(),
            );
        }
        let is_document = |text: &String| {
            Url::parse(text)
                .is_ok_and(|url| url.scheme() == "https" && url.has_host() && url.path() != "/")
        };
        if self
            .client_metadata
            .as_ref()
            .is_some_and(|it| !is_document(it))
        {
            return Err(
                "has a `client_metadata` that is no `https` address with a path".to_owned(),
            );
        }
        if self
            .redirect
            .as_ref()
            .is_some_and(|text| !is_redirect(text))
        {
            return Err(
                "has a `redirect` that is not on this machine, such as `http://127.0.0.1:8910/callback`"
                    .to_owned(),
            );
        }
        if self.tokens.is_none() {
            return Err("needs `tokens`, the private file in which a login keeps them".to_owned());
        }
        Ok(())
    }

    fn check_credentials(&self) -> Result<(), String> {
        if self.client_id.is_none() {
            return Err("needs a `client_id`".to_owned());
        }
        if self.client_secret_from.is_some() == self.private_key_from.is_some() {
            return Err("needs either `client_secret_from` or `private_key_from`".to_owned());
        }
        if self.client_metadata.is_some() || self.redirect.is_some() || self.tokens.is_some() {
            return Err(
                "has `client_metadata`, `redirect` or `tokens`, which `flow: login` takes"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// Whether a browser that is sent there stays on this machine.
fn is_redirect(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "http"
            && is_loopback(&url)
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

/// RFC 6749, section 3.3.
pub(super) fn is_scope(text: &str) -> bool {
    (1..=MOST_OF_SCOPE).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
