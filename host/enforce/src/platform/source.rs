//! The platform as a source.

use std::time::Duration;

use hexgate_host::Engine;
use hexgate_host::bundle::{KeyId, UnverifiedBundle};
use hexgate_platform::wire::Agent;
use hexgate_platform::{Etag, Fetched, PlatformError};

use super::{Asker, Platform};
use crate::live::{LivePolicy, LivePolicyBuilder};
use crate::source::{Candidate, PolicySource, Poll, SourceError};

struct Source {
    platform: Platform,
    asker: Asker,
    engine: Engine,
    /// What decides now: by which to ask whether it changed, and who signed it.
    accepted: Seen,
    found: Seen,
}

#[derive(Clone, Default)]
struct Seen {
    etag: Option<Etag>,
    signer: Option<KeyId>,
}

pub(super) fn open(
    platform: Platform,
    builder: LivePolicyBuilder,
) -> Result<LivePolicy, SourceError> {
    let source = Source {
        asker: platform.asker().map_err(SourceError::other)?,
        engine: builder.engine().clone(),
        platform,
        accepted: Seen::default(),
        found: Seen::default(),
    };
    builder.open(source)
}

impl PolicySource for Source {
    fn origin(&self) -> String {
        self.platform.address.to_string()
    }

    fn poll(&mut self) -> Result<Poll, SourceError> {
        let (name, etag) = (&self.platform.agent, self.accepted.etag.as_ref());
        let fetched = self
            .asker
            .ask(async |client| client.agent(name, etag).await)
            .map_err(SourceError::other)?;
        let trusted = self.asker.trusted().map_err(SourceError::other)?;
        match fetched {
            Fetched::NotModified => {
                let signer = self.accepted.signer;
                if trusted.iter().any(|key| Some(key.id()) == signer) {
                    Ok(Poll::Unchanged)
                } else {
                    Err(SourceError::other(PlatformError::Withdrawn))
                }
            }
            Fetched::Body { bytes, etag } => {
                let origin = format!("{}agents/{name}", self.platform.address);
                let parts = Agent::read_bundle(&bytes, origin).map_err(SourceError::other)?;
                let keys = trusted.into_iter().collect();
                let bundle = UnverifiedBundle::from_parts(parts)?.verify(
                    &keys,
                    &self.platform.expectation(),
                    self.engine.clock().now(),
                )?;
                let signer = Some(bundle.key_id());
                self.found = Seen { etag, signer };
                Ok(Poll::Found(Candidate::from(bundle)))
            }
        }
    }

    fn accepted(&mut self) {
        self.accepted = self.found.clone();
    }

    fn interval(&self) -> Option<Duration> {
        Some(self.platform.interval)
    }
}
