//! A bundle in an OCI registry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hexgate_host::Clock;
use hexgate_host::bundle::{Expectation, TrustedKeys};
use hexgate_registry::{Access, Reference};

use super::{PolicySource, Poll, SourceError};

/// A bundle in an OCI registry, pulled again when the reference names another one. What the registry says of it means nothing: it
/// counts if a trusted key signed it.
pub struct RegistryBundle {
    reference: Reference,
    access: Access,
    keys: TrustedKeys,
    expectation: Expectation,
    clock: Arc<dyn Clock>,
    interval: Duration,
    /// The digest, in the registry, of the bundle that decides, and of the one that was found last.
    accepted: Option<String>,
    found: Option<String>,
}

impl RegistryBundle {
    /// The bundle that the reference names, if one of the keys signed it for whom it is expected.
    #[must_use]
    pub fn new(
        reference: Reference,
        access: Access,
        keys: TrustedKeys,
        expectation: Expectation,
    ) -> Self {
        Self {
            reference,
            access,
            keys,
            expectation,
            clock: Arc::new(hexgate_host::SystemClock),
            interval: Duration::from_secs(60),
            accepted: None,
            found: None,
        }
    }

    /// How long to wait between two looks, give or take a tenth. Default: 60 seconds.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Replaces the clock that validity is held against. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl PolicySource for RegistryBundle {
    fn origin(&self) -> String {
        self.reference.to_string()
    }

    fn poll(&mut self) -> Result<Poll, SourceError> {
        if self.accepted.is_some() {
            let named = hexgate_registry::digest(&self.reference, &self.access);
            if self.accepted == Some(named.map_err(SourceError::other)?) {
                return Ok(Poll::Unchanged);
            }
        }
        let pulled =
            hexgate_registry::pull(&self.reference, &self.access).map_err(SourceError::other)?;
        let bundle = pulled
            .bundle
            .verify(&self.keys, &self.expectation, self.clock.now())?;
        self.found = Some(pulled.digest);
        Ok(Poll::Found(bundle.into()))
    }

    fn accepted(&mut self) {
        self.accepted = self.found.take();
    }

    fn interval(&self) -> Option<Duration> {
        Some(self.interval)
    }
}

impl fmt::Debug for RegistryBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBundle")
            .field("reference", &self.origin())
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
