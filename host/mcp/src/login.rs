//! A person who agrees that the gateway acts for them at a server: the authorization code with PKCE.
//!
//! ```rust,ignore
//! let login = Login::begin("tickets", &server, Limits::default()).await?;
//! println!("open {}", login.address());
//! let done = login.finish(Duration::from_secs(300)).await?;
//! ```
//!
//! Nothing here opens the address: whoever calls shows it to the person, or starts a browser. The browser comes back to a port of this
//! machine. Only an answer with the state of this login counts; others are turned away, and it goes on waiting.

mod redirect;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rmcp::transport::auth::{AuthError, AuthorizationManager, OAuthClientConfig};
use url::Url;

use crate::authorization::{
    AuthorizationConfig, CLIENT_NAME, Fetcher, Flow, Found, Grant, Secret, Stored, TokenFile, said,
};
use crate::config::{Reach, ServerConfig};
use crate::limits::Limits;
use crate::server;
use redirect::Redirect;

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The server's configuration names no login.
    #[error(
        "`{0}` is no server that a person logs in at: its configuration has no `authorization` with `flow: login`"
    )]
    NotConfigured(String),
    /// The authorization server, or who claims to be it, is not found or not believed.
    #[error("the login at `{server}` cannot begin: {reason}")]
    NotBegun {
        /// The server.
        server: String,
        /// Why.
        reason: String,
    },
    /// The login ended otherwise than with a token.
    #[error("the login at `{server}` failed: {reason}")]
    Failed {
        /// The server.
        server: String,
        /// Why.
        reason: String,
    },
    /// Nobody came back from the browser in time.
    #[error("nobody came back from the browser within {} seconds", .0.as_secs())]
    Late(Duration),
}

/// A login that waits for a browser.
pub struct Login {
    server: String,
    config: AuthorizationConfig,
    address: String,
    fetcher: Arc<Fetcher>,
    manager: AuthorizationManager,
    issuer: String,
    client: OAuthClientConfig,
    scopes: Vec<String>,
    state: String,
    redirect: Redirect,
    file: TokenFile,
    /// Where the browser goes.
    browser: String,
}

/// How a login ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedIn {
    /// Who granted the token.
    pub issuer: String,
    /// What it is for.
    pub scopes: Vec<String>,
    /// The private file that holds it.
    pub tokens: PathBuf,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("server", &self.server)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl Login {
    /// Asks the server who authorizes for it, and prepares a login there. The gateway is what the configuration names; else it shows its
    /// metadata document, or registers itself.
    ///
    /// # Errors
    ///
    /// The configuration names no login, somebody does not answer, or is not believed.
    pub async fn begin(
        name: &str,
        server: &ServerConfig,
        limits: Limits,
    ) -> Result<Self, LoginError> {
        let not_configured = || LoginError::NotConfigured(name.to_owned());
        let (Reach::Http { url: address, .. }, Some(config)) =
            (&server.reach, &server.authorization)
        else {
            return Err(not_configured());
        };
        let (Flow::Login, Some(tokens)) = (config.flow, config.tokens.clone()) else {
            return Err(not_configured());
        };
        let file = TokenFile::new(tokens, address.clone());
        let begun = async {
            config
                .check(address)
                .map_err(|why| format!("its `authorization` {why}"))?;
            let challenge = server::challenge(server, &limits).await?;
            Self::prepare(name, address, config, file, challenge.as_deref()).await
        };
        begun.await.map_err(|reason| LoginError::NotBegun {
            server: name.to_owned(),
            reason,
        })
    }

    async fn prepare(
        name: &str,
        address: &str,
        config: &AuthorizationConfig,
        file: TokenFile,
        challenge: Option<&str>,
    ) -> Result<Self, String> {
        let url = Url::parse(address).map_err(|error| error.to_string())?;
        let fetcher = Arc::new(Fetcher::new(&url, config.issuer.as_deref())?);
        let Found {
            mut manager,
            issuer,
            metadata,
        } = Found::by(&url, config, &fetcher, challenge).await?;
        fetcher.check(&metadata.authorization_endpoint)?;
        // Without PKCE a code that somebody saw could be exchanged by them.
        let methods = metadata.code_challenge_methods_supported.as_ref();
        if !methods.is_some_and(|all| all.iter().any(|it| it == "S256")) {
            return Err(
                "the authorization server does not say that it takes PKCE (`S256`)".to_owned(),
            );
        }
        let redirect = Redirect::listen(config.redirect.as_deref()).await?;
        let scopes = scopes(config, &file, &issuer, &manager).await;
        let takes_documents = metadata
            .additional_fields
            .get("client_id_metadata_document_supported")
            .and_then(serde_json::Value::as_bool)
            .unwrap_or_default();
        let asked: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let said = |error: AuthError| said(&error, &fetcher);
        let client = match (&config.client_id, &config.client_metadata) {
            (Some(id), _) => {
                let mut client = OAuthClientConfig::new(id, redirect.address());
                if let Some(variable) = &config.client_secret_from {
                    client = client.with_client_secret(Secret::of_variable(variable)?.text());
                }
                client
            }
            (None, Some(document)) if takes_documents => {
                OAuthClientConfig::new(document, redirect.address())
            }
            (None, _) => manager
                .register_client(CLIENT_NAME, redirect.address(), &asked)
                .await
                .map_err(said)?,
        };
        manager.configure_client(client.clone()).map_err(said)?;
        let browser = manager.get_authorization_url(&asked).await.map_err(said)?;
        let state = Url::parse(&browser)
            .map_err(|error| error.to_string())?
            .query_pairs()
            .find_map(|(name, value)| (name == "state").then(|| value.into_owned()))
            .ok_or("there is no state to know the answer by")?;
        Ok(Self {
            server: name.to_owned(),
            config: config.clone(),
            address: address.to_owned(),
            fetcher,
            manager,
            issuer,
            client,
            scopes,
            state,
            redirect,
            file,
            browser,
        })
    }

    /// Where the browser has to go. It counts once, and is for the one who logs in.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.browser
    }

    /// Who asks the person.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What is asked for.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Waits for the browser, gets the token, and keeps it.
    ///
    /// # Errors
    ///
    /// Nobody comes back in time, the authorization server refuses, its answer is not believed, or the token cannot be kept.
    pub async fn finish(self, patience: Duration) -> Result<LoggedIn, LoginError> {
        let server = self.server;
        let failed = |reason: String| LoginError::Failed {
            server: server.clone(),
            reason,
        };
        let answer = tokio::time::timeout(patience, self.redirect.answer(&self.state)).await;
        let answer = answer.map_err(|_| LoginError::Late(patience))?;
        let answer = answer.map_err(failed)?;
        let granted = self
            .manager
            .exchange_code_for_token_with_issuer(
                answer.code.text(),
                &self.state,
                answer.issuer.as_deref(),
            )
            .await;
        let granted = granted.map_err(|error| failed(said(&error, &self.fetcher)))?;
        let scopes = self.manager.get_current_scopes().await;
        let grant = Grant::of(&granted, scopes.clone()).map_err(failed)?;
        // A secret that is configured is not written down.
        let registered = self.client.client_secret.clone();
        let registered = registered.filter(|_| self.config.client_secret_from.is_none());
        let stored = Stored {
            server: self.address.clone(),
            issuer: self.issuer.clone(),
            client_id: self.client.client_id.clone(),
            client_secret: registered.map(Secret::new),
            grant,
            wanted: Vec::new(),
        };
        let file = self.file.clone();
        let kept = tokio::task::spawn_blocking(move || {
            let _lock = file.lock()?;
            file.write(stored)
        });
        let kept = kept.await.map_err(|error| failed(error.to_string()))?;
        kept.map_err(|error| failed(error.to_string()))?;
        Ok(LoggedIn {
            issuer: self.issuer,
            scopes,
            tokens: self.file.path().to_owned(),
        })
    }
}

/// What to ask for: what is configured; else what the token has and the server wanted beside it; else what the server names.
async fn scopes(
    config: &AuthorizationConfig,
    file: &TokenFile,
    issuer: &str,
    manager: &AuthorizationManager,
) -> Vec<String> {
    if !config.scopes.is_empty() {
        return config.scopes.clone();
    }
    let named = manager.select_initial_scopes(&[]).await;
    // What is damaged, exposed or of another server is said by those who use it; here it is replaced.
    let Ok(Some(before)) = file.read() else {
        return named;
    };
    if before.wanted.is_empty() || before.issuer != issuer {
        return named;
    }
    let mut all = before.grant.scopes;
    all.extend(before.wanted);
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|scope| seen.insert(scope.clone()));
    all
}
