//! Asking the platform for the policy again and again.

use std::sync::Arc;

use hexgate::bundle::{PublicKey, UnverifiedBundle};
use reqwest::header::HeaderValue;
use tokio::sync::oneshot;

use super::background::{self, Background};
use super::client::{Client, Fetched};
use super::keys::Trust;
use super::{Platform, PlatformError, payload};
use crate::enforcer::guarded::guarded_async;
use crate::live::{LivePolicy, LivePolicyBuilder, Refresh, WeakLivePolicy};
use crate::source::{Candidate, PolicySource, Poll, SourceError};

/// What the live policy holds of the background work.
struct Pushed {
    origin: String,
    first: Option<Candidate>,
    _background: Background,
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
    let origin = platform.url.to_string();
    let mut asker = Asker {
        trust: Trust::of(&platform)?,
        client: Client::new(platform)?,
        engine: builder.engine().clone(),
        etag: None,
    };
    let (lives, live) = oneshot::channel();
    let (candidate, background) = background::start("hexgate-platform", move |first| async move {
        let candidate = asker.first().await;
        // Nobody waits any more: nobody will say that it lives.
        let _ = first.send(Ok(candidate));
        if let Ok(live) = live.await {
            asker.again_and_again(live).await;
        }
    })?;
    let live = builder.open(Pushed {
        origin,
        first: Some(candidate.map_err(crate::live::unshared)?),
        _background: background,
    })?;
    // Without a listener the thread is gone, and with it all that could be told.
    let _ = lives.send(live.downgrade());
    Ok(live)
}

/// What the platform has now.
enum Answer {
    /// What it had when it was accepted last, and these keys are trusted now.
    Unchanged { trusted: Vec<PublicKey> },
    /// Something else.
    Changed {
        candidate: Candidate,
        etag: Option<HeaderValue>,
    },
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
        self.client.check_token(&mut self.trust).await?;
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
            tokio::time::sleep(self.client.platform().pause()).await;
            // Loading is short and this thread has nothing else to do.
            if let Err(panic) = guarded_async(self.look(&live)).await
                && let Some(live) = live.upgrade()
            {
                let _ = live.keep(PlatformError::start(&panic).into());
            }
        }
    }

    /// Looks once whether the platform has another policy.
    async fn look(&mut self, live: &WeakLivePolicy) {
        let answer = self.ask().await;
        let Some(live) = live.upgrade() else { return };
        match answer {
            Ok(Answer::Unchanged { trusted }) => {
                let signer = live.id().signer;
                if trusted.iter().any(|key| Some(key.id()) == signer) {
                    live.confirm();
                } else {
                    let _ = live.keep(PlatformError::Withdrawn.into());
                }
            }
            Ok(Answer::Changed { candidate, etag }) => {
                if !matches!(live.offer(&candidate), Refresh::Kept(_)) {
                    self.etag = etag;
                }
            }
            Err(error) => {
                let _ = live.keep(error);
            }
        }
    }

    async fn ask(&mut self) -> Result<Answer, Arc<SourceError>> {
        match self.client.agent(self.etag.as_ref()).await? {
            Fetched::NotModified => {
                let named = self.client.keys().await?;
                let trusted = self.trust.narrowed(named)?;
                Ok(Answer::Unchanged { trusted })
            }
            Fetched::Body { bytes, etag } => {
                let candidate = self.verify(&bytes).await?;
                Ok(Answer::Changed { candidate, etag })
            }
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
