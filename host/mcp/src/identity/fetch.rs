//! Keys of an issuer, fetched and kept.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use hexgate_base::guarded::locked;
use hexgate_base::{Clock, sentence};
use reqwest::Client;
use reqwest::header::ACCEPT;
use reqwest::redirect::Policy;
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::config::SigningAlgorithm;
use super::jwks::{Keys, NoKey};

/// How long an answer may take, all of it.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest key set, in bytes.
const MAX_BYTES: usize = 256 << 10;
/// How long after a request no other one is made, whatever tokens name.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct KeySource {
    address: Url,
    http: Client,
    clock: Arc<dyn Clock>,
    refresh: Duration,
    keep: Duration,
    state: Mutex<State>,
    /// Held while the issuer is asked: by one request at a time.
    asking: AsyncMutex<()>,
}

#[derive(Debug, Default, Clone)]
struct State {
    keys: Arc<Keys>,
    /// When the keys were fetched.
    fetched: Option<SystemTime>,
    /// When the issuer was asked last.
    asked: Option<SystemTime>,
    /// Why the last answer was not used.
    failure: Option<String>,
}

/// Why there is no key.
#[derive(Debug)]
pub(super) enum FindError {
    /// The keys are known, and none fits.
    NoKey(NoKey),
    /// The keys are not known, for this reason.
    Lost(String),
}

impl KeySource {
    /// Nothing is fetched yet. The error is a reason for a message.
    pub(super) fn new(
        address: Url,
        refresh: Duration,
        keep: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let mut builder = Client::builder()
            .user_agent(concat!("hexgate/", env!("CARGO_PKG_VERSION")))
            // Keys come from the address that was configured, and from no other.
            .redirect(Policy::none())
            .timeout(PATIENCE);
        if address.scheme() == "http" {
            // Loopback: a proxy would take the request off this machine.
            builder = builder.no_proxy();
        } else {
            builder = builder.https_only(true);
        }
        Ok(Self {
            http: builder.build().map_err(|error| error.to_string())?,
            address,
            clock,
            refresh,
            keep,
            state: Mutex::default(),
            asking: AsyncMutex::default(),
        })
    }

    /// Hands the key that a token names to `check`.
    pub(super) async fn with_key<R>(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
        check: impl FnOnce(&jsonwebtoken::DecodingKey) -> R,
    ) -> Result<R, FindError> {
        let state = self.state();
        let is_there = self.is_kept(&state) && state.keys.find(kid, algorithm).is_ok();
        if !is_there {
            // A key that the issuer made since, or its first keys. Every such request waits for the one that asks.
            let _asking = self.asking.lock().await;
            self.ask_again(self.state().fetched == state.fetched).await;
        } else if self.is_older(state.fetched, self.refresh)
            && let Ok(_asking) = self.asking.try_lock()
        {
            // The others go on with the keys that there are.
            self.ask_again(true).await;
        }
        let state = self.state();
        if !self.is_kept(&state) {
            let reason = state
                .failure
                .unwrap_or_else(|| "they were not fetched yet".to_owned());
            return Err(FindError::Lost(reason));
        }
        let key = state.keys.find(kid, algorithm).map_err(FindError::NoKey)?;
        Ok(check(key))
    }

    /// Asks the issuer, unless it was asked a moment ago. Keys that cannot be fetched leave those that there are.
    async fn ask_again(&self, is_needed: bool) {
        let now = self.clock.now();
        if !is_needed || !self.is_older(self.state().asked, PAUSE) {
            return;
        }
        // Before the request: one that is given up counts too.
        locked(&self.state).asked = Some(now);
        let answer = self.fetch().await;
        let mut state = locked(&self.state);
        match answer {
            Ok(keys) => {
                state.keys = Arc::new(keys);
                state.fetched = Some(now);
                state.failure = None;
            }
            Err(reason) => {
                tracing::warn!(address = %self.address, %reason, "the keys of an issuer cannot be fetched");
                state.failure = Some(reason);
            }
        }
    }

    async fn fetch(&self) -> Result<Keys, String> {
        let request = self
            .http
            .get(self.address.clone())
            .header(ACCEPT, "application/json");
        let mut answer = request.send().await.map_err(|error| sentence(&error))?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(format!("the issuer answered {}", answer.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| sentence(&error))? {
            if bytes.len() + chunk.len() > MAX_BYTES {
                return Err(format!(
                    "the issuer's key set has more than {MAX_BYTES} bytes"
                ));
            }
            bytes.extend_from_slice(&chunk);
        }
        Keys::read(&bytes)
            .map_err(|reason| format!("the issuer's key set cannot be read: {reason}"))
    }

    fn state(&self) -> State {
        locked(&self.state).clone()
    }

    fn is_kept(&self, state: &State) -> bool {
        state.fetched.is_some() && !self.is_older(state.fetched, self.keep)
    }

    /// Whether so much time has passed, or it never was. A clock that was set back says nothing, and the issuer is asked.
    fn is_older(&self, time: Option<SystemTime>, age: Duration) -> bool {
        match time.map(|time| self.clock.now().duration_since(time)) {
            Some(Ok(passed)) => passed >= age,
            Some(Err(_)) | None => true,
        }
    }
}
