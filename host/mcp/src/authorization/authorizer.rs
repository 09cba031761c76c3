//! The token of each request to a server.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hexgate_base::guarded::locked;
use hexgate_base::shortened;
use rmcp::transport::auth::{
    AuthError, ClientCredentialsConfig, CredentialStore as _, InMemoryCredentialStore,
    OAuthClientConfig, StoredCredentials,
};
use serde_json::json;
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::{AuthorizationConfig, Fetcher, Flow, Found, Grant, Secret, Stored, TokenFile, said};

/// How long after a request to an authorization server no other one is made, however many calls want a token.
const PAUSE: Duration = Duration::from_secs(5);
/// How much of what a server wants is shown and kept.
const MOST_WANTED: usize = 64;

/// Gives each request to one server its token, and gets a new one when it is over.
#[derive(Debug)]
pub(crate) struct Authorizer {
    /// The server's name, for messages.
    name: String,
    url: Url,
    /// The address as it is configured.
    address: String,
    config: AuthorizationConfig,
    fetcher: Arc<Fetcher>,
    /// Where a login keeps its tokens.
    file: Option<TokenFile>,
    /// What was granted to the gateway's own credentials. Held while a new one is asked for.
    own: AsyncMutex<Option<Grant>>,
    /// Likewise, for a login.
    refreshing: AsyncMutex<()>,
    /// When a new token was asked for last, and why there is none.
    asked: Mutex<Option<(Instant, Option<String>)>>,
    /// Why the last request had no token that the server takes.
    refusal: Mutex<Option<String>>,
}

impl Authorizer {
    /// For the server of this name at this address. Nobody is asked yet.
    pub(crate) fn new(
        name: &str,
        address: &str,
        config: &AuthorizationConfig,
    ) -> Result<Self, String> {
        config
            .check(address)
            .map_err(|why| format!("its `authorization` {why}"))?;
        let url = Url::parse(address).map_err(|error| error.to_string())?;
        let file = config.tokens.clone();
        Ok(Self {
            name: name.to_owned(),
            fetcher: Arc::new(Fetcher::new(&url, config.issuer.as_deref())?),
            url,
            address: address.to_owned(),
            file: file.map(|path| TokenFile::new(path, address.to_owned())),
            config: config.clone(),
            own: AsyncMutex::default(),
            refreshing: AsyncMutex::default(),
            asked: Mutex::default(),
            refusal: Mutex::default(),
        })
    }

    /// The token for a request. The error is a reason for a message, with the remedy.
    pub(crate) async fn token(&self) -> Result<Secret, String> {
        let token = match self.config.flow {
            Flow::Login => self.of_login(None).await,
            Flow::ClientCredentials => self.of_credentials(None).await,
        };
        self.remembered(token)
    }

    /// Another token, because the server refused this one.
    pub(crate) async fn renewed(&self, refused: &Secret) -> Result<Secret, String> {
        let token = match self.config.flow {
            Flow::Login => self.of_login(Some(refused)).await,
            Flow::ClientCredentials => self.of_credentials(Some(refused)).await,
        };
        self.remembered(token)
    }

    /// The server refused a new token too.
    pub(crate) fn rejected(&self) -> String {
        let why = match self.config.flow {
            Flow::Login => format!(
                "the server refuses the token of the login; {}",
                self.remedy()
            ),
            Flow::ClientCredentials => {
                "the server refuses the token that was granted to the gateway".to_owned()
            }
        };
        *locked(&self.refusal) = Some(why.clone());
        why
    }

    /// The server wants a token that is for more. What to do about it.
    pub(crate) async fn lacking(&self, wanted: Option<&str>) -> String {
        let wanted: Vec<String> = wanted
            .unwrap_or_default()
            .split_ascii_whitespace()
            .take(MOST_WANTED)
            .map(str::to_owned)
            .collect();
        let shown = shortened(&wanted.join(" "), 200);
        if wanted.is_empty() {
            return "the server refuses what the token may do, and does not say what it wants"
                .to_owned();
        }
        if !self.config.scopes.is_empty() {
            let then = match self.config.flow {
                Flow::Login => format!(", and {}", self.remedy()),
                Flow::ClientCredentials => String::new(),
            };
            return format!(
                "the server wants a token with the scopes `{shown}`; if it is to have them, name them in its `scopes`{then}"
            );
        }
        match self.want(wanted).await {
            Ok(true) => format!(
                "the server wants a token with the scopes `{shown}`; {}, which asks for them",
                self.remedy()
            ),
            Ok(false) => format!(
                "the server refuses the token although it has the scopes `{shown}` that it wants; another login would not help"
            ),
            Err(why) => why,
        }
    }

    /// Why the last request had no token that the server takes, if so.
    pub(crate) fn refusal(&self) -> Option<String> {
        locked(&self.refusal).clone()
    }

    /// Waits for a login that may change what was refused.
    pub(crate) async fn changed(&self) {
        let before = self.access().await;
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            if self.access().await != before {
                return;
            }
        }
    }

    fn remedy(&self) -> String {
        format!("run `hexgate mcp login {}`", self.name)
    }

    fn remembered(&self, token: Result<Secret, String>) -> Result<Secret, String> {
        *locked(&self.refusal) = token.as_ref().err().cloned();
        token
    }

    async fn access(&self) -> Option<Secret> {
        let stored = self.stored().await;
        stored.ok().flatten().map(|stored| stored.grant.access)
    }

    /// What the last login gave.
    async fn stored(&self) -> Result<Option<Stored>, String> {
        let Some(file) = self.file.clone() else {
            return Ok(None);
        };
        on_disk(move || file.read().map_err(|error| error.to_string())).await
    }

    /// Keeps what the server wants for the next login. False: the token has all of it.
    async fn want(&self, wanted: Vec<String>) -> Result<bool, String> {
        let Some(file) = self.file.clone() else {
            return Ok(false);
        };
        on_disk(move || {
            let _lock = file.lock().map_err(|error| error.to_string())?;
            let Some(mut stored) = file.read().map_err(|error| error.to_string())? else {
                return Ok(true);
            };
            if wanted.iter().all(|it| stored.grant.scopes.contains(it)) {
                return Ok(false);
            }
            let all: BTreeSet<String> = stored.wanted.drain(..).chain(wanted).collect();
            stored.wanted = all.into_iter().take(MOST_WANTED).collect();
            file.write(stored).map_err(|error| error.to_string())?;
            Ok(true)
        })
        .await
    }

    async fn of_login(&self, refused: Option<&Secret>) -> Result<Secret, String> {
        let usable =
            |stored: &Stored| !stored.grant.is_over() && refused != Some(&stored.grant.access);
        let nobody = || format!("nobody has logged in; {}", self.remedy());
        let stored = self.stored().await?.ok_or_else(nobody)?;
        if usable(&stored) {
            return Ok(stored.grant.access);
        }
        // One at a time in this process, and then among processes: a refresh token may count once.
        let _turn = self.refreshing.lock().await;
        let file = self.file.clone().ok_or_else(nobody)?;
        let _lock = on_disk({
            let file = file.clone();
            move || file.lock().map_err(|error| error.to_string())
        })
        .await?;
        let mut stored = self.stored().await?.ok_or_else(nobody)?;
        if usable(&stored) {
            return Ok(stored.grant.access);
        }
        self.pause()?;
        let refreshed = self.refreshed(&stored).await;
        *locked(&self.asked) = Some((Instant::now(), refreshed.as_ref().err().cloned()));
        let mut grant = refreshed?;
        // A new one need not be granted: the old one goes on then.
        grant.refresh = grant.refresh.or(stored.grant.refresh.take());
        let access = grant.access.clone();
        stored.grant = grant;
        on_disk(move || file.write(stored).map_err(|error| error.to_string())).await?;
        Ok(access)
    }

    async fn refreshed(&self, stored: &Stored) -> Result<Grant, String> {
        let Some(refresh) = &stored.grant.refresh else {
            return Err(format!("the login is over; {}", self.remedy()));
        };
        let cannot = |why: String| format!("the token cannot be refreshed: {why}");
        let Found {
            mut manager,
            issuer,
            ..
        } = Found::by(&self.url, &self.config, &self.fetcher, None)
            .await
            .map_err(cannot)?;
        // The token of one authorization server is shown to no other one.
        if issuer != stored.issuer {
            return Err(format!(
                "the login was at `{}`, and the server names `{}` now; {}",
                shortened(&stored.issuer, 200),
                shortened(&issuer, 200),
                self.remedy()
            ));
        }
        let said = |error: AuthError| cannot(said(&error, &self.fetcher));
        let held = serde_json::from_value(json!({
            "access_token": stored.grant.access,
            "token_type": "bearer",
            "refresh_token": refresh,
        }))
        .map_err(|_| cannot("the stored token is none".to_owned()))?;
        let credentials = StoredCredentials::new(
            stored.client_id.clone(),
            Some(held),
            stored.grant.scopes.clone(),
            None,
        );
        let store = InMemoryCredentialStore::new();
        store.save(credentials).await.map_err(said)?;
        manager.set_credential_store(store);
        let mut client = OAuthClientConfig::new(&stored.client_id, self.url.as_str());
        let configured = match &self.config.client_secret_from {
            Some(variable) => Some(Secret::of_variable(variable).map_err(cannot)?),
            None => None,
        };
        if let Some(secret) = configured.as_ref().or(stored.client_secret.as_ref()) {
            client = client.with_client_secret(secret.text());
        }
        manager.configure_client(client).map_err(said)?;
        match manager.refresh_token().await {
            Ok(answer) => Grant::of(&answer, manager.get_current_scopes().await).map_err(cannot),
            Err(AuthError::TokenRefreshRejected(_) | AuthError::AuthorizationRequired) => {
                Err(format!(
                    "the login is over: its token is not refreshed any more; {}",
                    self.remedy()
                ))
            }
            Err(error) => Err(said(error)),
        }
    }

    async fn of_credentials(&self, refused: Option<&Secret>) -> Result<Secret, String> {
        let mut own = self.own.lock().await;
        if let Some(grant) = &*own
            && !grant.is_over()
            && refused != Some(&grant.access)
        {
            return Ok(grant.access.clone());
        }
        self.pause()?;
        let granted = self.granted().await;
        *locked(&self.asked) = Some((Instant::now(), granted.as_ref().err().cloned()));
        let grant = granted?;
        let access = grant.access.clone();
        *own = Some(grant);
        Ok(access)
    }

    async fn granted(&self) -> Result<Grant, String> {
        let cannot = |why: String| format!("no token was granted to the gateway: {why}");
        let said = |error: AuthError| cannot(said(&error, &self.fetcher));
        let Found { mut manager, .. } = Found::by(&self.url, &self.config, &self.fetcher, None)
            .await
            .map_err(cannot)?;
        let scopes = match &*self.config.scopes {
            [] => manager.select_initial_scopes(&[]).await,
            named => named.to_vec(),
        };
        let credentials = self.credentials(scopes).map_err(cannot)?;
        manager
            .validate_client_credentials_metadata(&credentials)
            .map_err(said)?;
        manager
            .configure_client_credentials(&credentials)
            .map_err(said)?;
        // The library's future stays on its thread.
        let runtime = tokio::runtime::Handle::current();
        let asked = tokio::task::spawn_blocking(move || {
            runtime.block_on(async {
                let answer = manager.exchange_client_credentials(&credentials).await?;
                Ok((answer, manager.get_current_scopes().await))
            })
        });
        let asked = asked.await.map_err(|error| cannot(error.to_string()))?;
        let (answer, scopes) = asked.map_err(said)?;
        Grant::of(&answer, scopes).map_err(cannot)
    }

    fn credentials(&self, scopes: Vec<String>) -> Result<ClientCredentialsConfig, String> {
        let client_id = self.config.client_id.clone().unwrap_or_default();
        let resource = Some(self.address.clone());
        let config = &self.config;
        if let (Some(variable), Some(algorithm)) = (&config.private_key_from, config.algorithm) {
            return Ok(ClientCredentialsConfig::PrivateKeyJwt {
                client_id,
                signing_key: Secret::of_variable(variable)?.text().as_bytes().to_vec(),
                signing_algorithm: algorithm.named(),
                token_endpoint_audience: None,
                scopes,
                resource,
            });
        }
        let variable = config.client_secret_from.as_deref().unwrap_or_default();
        Ok(ClientCredentialsConfig::ClientSecret {
            client_id,
            client_secret: Secret::of_variable(variable)?.text().to_owned(),
            scopes,
            resource,
        })
    }

    /// Whether somebody may be asked for a token now.
    fn pause(&self) -> Result<(), String> {
        match &*locked(&self.asked) {
            Some((when, why)) if when.elapsed() < PAUSE => Err(why.clone().unwrap_or_else(|| {
                "the server refuses the token that was just granted".to_owned()
            })),
            _ => Ok(()),
        }
    }
}

/// Runs what waits for a disk or for another process.
async fn on_disk<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let ran = tokio::task::spawn_blocking(run).await;
    ran.map_err(|error| error.to_string())?
}
