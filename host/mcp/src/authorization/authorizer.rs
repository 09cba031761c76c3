//! The token of each request to a server.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hexgate_base::guarded::locked;
use hexgate_base::shortened;
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::asking::Asker;
use super::config::is_scope;
use super::{AuthorizationConfig, Fetcher, Flow, Grant, Secret, Stored, TokenFile};

/// How long after a request to an authorization server no other one is made, however many calls want a token.
const PAUSE: Duration = Duration::from_secs(5);
/// How much of what a server wants is shown and kept.
const MOST_WANTED: usize = 64;

/// Gives each request to one server its token, and gets a new one when it is over.
#[derive(Debug)]
pub(crate) struct Authorizer {
    asker: Asker,
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
            asker: Asker {
                name: name.to_owned(),
                fetcher: Arc::new(Fetcher::new(&url, config.issuer.as_deref())?),
                url,
                address: address.to_owned(),
                config: config.clone(),
            },
            file: file.map(|path| TokenFile::new(path, address.to_owned())),
            own: AsyncMutex::default(),
            refreshing: AsyncMutex::default(),
            asked: Mutex::default(),
            refusal: Mutex::default(),
        })
    }

    /// The token for a request: another one than that which the server refused. The error is a reason for a message, with the remedy.
    pub(crate) async fn token(
        self: &Arc<Self>,
        refused: Option<&Secret>,
    ) -> Result<Secret, String> {
        let token = match self.asker.config.flow {
            Flow::Login => self.of_login(refused).await,
            Flow::ClientCredentials => self.of_credentials(refused).await,
        };
        self.remembered(token)
    }

    /// The server refused a new token too.
    pub(crate) fn rejected(&self) -> String {
        let why = match self.asker.config.flow {
            Flow::Login => format!(
                "the server refuses the token of the login; {}",
                self.asker.remedy()
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
            .filter(|scope| is_scope(scope))
            .take(MOST_WANTED)
            .map(str::to_owned)
            .collect();
        let shown = shortened(&wanted.join(" "), 200);
        if wanted.is_empty() {
            return "the server refuses what the token may do, and does not say what it wants"
                .to_owned();
        }
        if !self.asker.config.scopes.is_empty() {
            let then = match self.asker.config.flow {
                Flow::Login => format!(", and {}", self.asker.remedy()),
                Flow::ClientCredentials => String::new(),
            };
            return format!(
                "the server wants a token with the scopes `{shown}`; if it is to have them, name them in its `scopes`{then}"
            );
        }
        match self.want(wanted).await {
            Ok(true) => format!(
                "the server wants a token with the scopes `{shown}`; {}, which asks for them",
                self.asker.remedy()
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

    async fn of_login(self: &Arc<Self>, refused: Option<&Secret>) -> Result<Secret, String> {
        let stored = self.stored().await?.ok_or_else(|| self.nobody())?;
        if is_usable(&stored, refused) {
            return Ok(stored.grant.access);
        }
        // On its own: a call that is given up must not lose a refresh token that counts once.
        let (this, refused) = (Arc::clone(self), refused.cloned());
        let refreshing = tokio::spawn(async move { this.refresh(refused.as_ref()).await });
        refreshing.await.map_err(|error| error.to_string())?
    }

    async fn refresh(&self, refused: Option<&Secret>) -> Result<Secret, String> {
        // One at a time in this process, and then among processes.
        let _turn = self.refreshing.lock().await;
        let file = self.file.clone().ok_or_else(|| self.nobody())?;
        let _lock = on_disk({
            let file = file.clone();
            move || file.lock().map_err(|error| error.to_string())
        })
        .await?;
        let mut stored = self.stored().await?.ok_or_else(|| self.nobody())?;
        if is_usable(&stored, refused) {
            return Ok(stored.grant.access);
        }
        self.pause()?;
        let refreshed = self.asker.refreshed(&stored).await;
        *locked(&self.asked) = Some((Instant::now(), refreshed.as_ref().err().cloned()));
        let mut grant = refreshed?;
        // A new one need not be granted: the old one goes on then.
        grant.refresh = grant.refresh.or(stored.grant.refresh.take());
        let access = grant.access.clone();
        stored.grant = grant;
        on_disk(move || file.write(stored).map_err(|error| error.to_string())).await?;
        Ok(access)
    }

    fn nobody(&self) -> String {
        format!("nobody has logged in; {}", self.asker.remedy())
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
        let granted = self.asker.granted().await;
        *locked(&self.asked) = Some((Instant::now(), granted.as_ref().err().cloned()));
        let grant = granted?;
        let access = grant.access.clone();
        *own = Some(grant);
        Ok(access)
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

fn is_usable(stored: &Stored, refused: Option<&Secret>) -> bool {
    !stored.grant.is_over() && refused != Some(&stored.grant.access)
}

/// Runs what waits for a disk or for another process.
async fn on_disk<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let ran = tokio::task::spawn_blocking(run).await;
    ran.map_err(|error| error.to_string())?
}
