//! Asking the platform again and again, on a thread of its own: a host need not have a runtime, and one that has it is not held up.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use hexgate::bundle::UnverifiedBundle;
use reqwest::header::HeaderValue;
use tokio::sync::oneshot;

use super::client::{Client, Fetched};
use super::keys::Trust;
use super::{Platform, PlatformError, payload};
use crate::live::{LivePolicy, LivePolicyBuilder, Refresh, WeakLivePolicy};
use crate::source::{Candidate, PolicySource, Poll, SourceError};
use crate::token::Issuer;

/// What the live policy holds of the background work. Dropping it ends the work.
struct Pushed {
    origin: String,
    first: Option<Candidate>,
    _stop: oneshot::Sender<()>,
}

impl PolicySource for Pushed {
    fn origin(&self) -> String {
        self.origin.clone()
    }

    fn poll(&mut self) -> Result<Poll, Arc<SourceError>> {
        Ok(self.first.take().map_or(Poll::Background, Poll::Found))
    }

    fn accepted(&mut self) {}
}

pub(super) fn open(
    platform: Platform,
    builder: LivePolicyBuilder,
) -> Result<LivePolicy, SourceError> {
    let start = |error: &dyn std::fmt::Display| {
        SourceError::Platform(PlatformError::Start {
            reason: error.to_string(),
        })
    };
    let origin = platform.url.to_string();
    let trust = Trust::new(platform.pins.clone(), platform.trust_on_first_use)?;
    let client = Client::new(platform)?;
    let clock = builder.engine().clone();
    let (stop, stopped) = oneshot::channel();
    let (first, found) = mpsc::sync_channel(1);
    let (lives, live) = oneshot::channel();
    thread::Builder::new()
        .name("hexgate-platform".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => {
                    let reason = error.to_string();
                    // Nobody waits any more: there is nothing left to do.
                    let _ = first.send(Err(PlatformError::Start { reason }.into()));
                    return;
                }
            };
            runtime.block_on(async {
                let mut asker = Asker {
                    client,
                    trust,
                    engine: clock,
                    etag: None,
                };
                let _ = first.send(asker.first().await);
                let Ok(live) = live.await else { return };
                tokio::select! {
                    () = asker.again_and_again(live) => {}
                    _ = stopped => {}
                }
            });
        })
        .map_err(|error| start(&error))?;
    let candidate = found
        .recv()
        .map_err(|error| start(&error))?
        .map_err(crate::live::unshared)?;
    let live = builder.open(Pushed {
        origin,
        first: Some(candidate),
        _stop: stop,
    })?;
    // Without a listener the thread is gone, and with it all that could be told.
    let _ = lives.send(live.downgrade());
    Ok(live)
}

struct Asker {
    client: Client,
    trust: Trust,
    engine: hexgate::Engine,
    /// Of the answer that decides now.
    etag: Option<HeaderValue>,
}

impl Asker {
    async fn first(&mut self) -> Result<Candidate, Arc<SourceError>> {
        // Before the token is shown to anybody: it has to be one that the pinned keys began.
        let named = self.client.keys().await?;
        let keys = self.trust.narrowed(named)?;
        let key = &self.client.platform().key;
        Issuer::new(keys, key.environment(), key.project())
            .and_then(|issuer| issuer.verify_origin(key))
            .map_err(PlatformError::Token)?;
        match self.client.agent(None).await? {
            Fetched::NotModified => Err(PlatformError::NothingToCompare.into()),
            Fetched::Body { bytes, etag } => {
                let candidate = self.verify(&bytes).await?;
                self.etag = etag;
                Ok(candidate)
            }
        }
    }

    async fn again_and_again(&mut self, live: WeakLivePolicy) {
        loop {
            tokio::time::sleep(self.client.platform().interval).await;
            let answer = self.ask().await;
            let Some(live) = live.upgrade() else { return };
            match answer {
                Ok(None) => live.confirm(),
                // Loading is short and this thread has nothing else to do.
                Ok(Some((candidate, etag))) => {
                    if !matches!(live.offer(&candidate), Refresh::Kept(_)) {
                        self.etag = etag;
                    }
                }
                Err(error) => {
                    let _ = live.keep(error);
                }
            }
        }
    }

    /// What the platform has now. None: what it had when it was accepted last.
    async fn ask(&mut self) -> Result<Option<(Candidate, Option<HeaderValue>)>, Arc<SourceError>> {
        match self.client.agent(self.etag.as_ref()).await? {
            Fetched::NotModified => Ok(None),
            Fetched::Body { bytes, etag } => Ok(Some((self.verify(&bytes).await?, etag))),
        }
    }

    /// Verifies an answer by the keys that are pinned and that the platform has not withdrawn by now.
    async fn verify(&mut self, body: &[u8]) -> Result<Candidate, Arc<SourceError>> {
        let platform = self.client.platform();
        let origin = format!("{}agents/{}", platform.url, platform.agent);
        let parts = payload::bundle(body, origin)?;
        let expectation = platform.expectation();
        let named = self.client.keys().await?;
        let keys = self.trust.narrowed(named)?.into_iter().collect();
        let bundle = UnverifiedBundle::from_parts(parts)
            .map_err(SourceError::from)
            .and_then(|bundle| {
                let now = self.engine.clock().now();
                Ok(bundle.verify(&keys, &expectation, now)?)
            });
        Ok(Candidate::Verified(Box::new(bundle.map_err(Arc::new)?)))
    }
}
