//! A folder with a bundle.

use std::path::PathBuf;
use std::sync::Arc;

use hexgate_host::Clock;
use hexgate_host::bundle::{Expectation, TrustedKeys, UnverifiedBundle};

use super::fingerprint::Seen;
use super::guard::guard;
use super::{Candidate, PolicySource, Poll, SourceError};

/// A folder with a bundle, as `hexgate policy build` writes it. The folder is replaced as a whole; a link to it may be turned.
#[derive(Debug)]
pub struct BundleDir {
    path: PathBuf,
    trust: Trust,
    expectation: Expectation,
    clock: Arc<dyn Clock>,
    seen: Seen,
}

#[derive(Debug)]
enum Trust {
    Keys(TrustedKeys),
    DangerousNobody,
}

impl BundleDir {
    /// The bundle in this folder, if one of the keys signed it for whom it is expected.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, keys: TrustedKeys, expectation: Expectation) -> Self {
        Self {
            path: path.into(),
            trust: Trust::Keys(keys),
            expectation,
            clock: Arc::new(hexgate_host::SystemClock),
            seen: Seen::default(),
        }
    }

    /// The bundle in this folder, whoever made it: its signature is not looked at.
    ///
    /// CAUTION: whoever can write to the folder decides what is permitted. For development. One that somebody else than this user and root
    /// can change is refused.
    #[must_use]
    pub fn dangerous_without_signature(path: impl Into<PathBuf>, expectation: Expectation) -> Self {
        Self {
            trust: Trust::DangerousNobody,
            ..Self::new(path, TrustedKeys::new(), expectation)
        }
    }

    /// Replaces the clock that validity is held against. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    fn read(&self) -> Result<Candidate, SourceError> {
        if let Trust::DangerousNobody = self.trust {
            guard(&self.path)?;
        }
        let bundle = UnverifiedBundle::read(&self.path)?;
        let now = self.clock.now();
        Ok(match &self.trust {
            Trust::Keys(keys) => bundle.verify(keys, &self.expectation, now)?.into(),
            Trust::DangerousNobody => Candidate::DangerousUnsigned(Box::new(
                bundle.dangerous_without_signature(&self.expectation, now)?,
            )),
        })
    }
}

impl PolicySource for BundleDir {
    fn origin(&self) -> String {
        self.path.display().to_string()
    }

    fn poll(&mut self) -> Result<Poll, SourceError> {
        let Some(fingerprint) = self.seen.look(&self.path)? else {
            return Ok(Poll::Unchanged);
        };
        let settled = fingerprint.is_settled(self.clock.now());
        // A bundle that is refused today may be good tomorrow, when its validity begins: nothing is remembered of it.
        let candidate = self.read()?;
        self.seen.found(fingerprint, settled);
        Ok(Poll::Found(candidate))
    }

    fn watched(&self) -> Option<PathBuf> {
        Some(self.path.clone())
    }

    fn accepted(&mut self) {
        self.seen.accept();
    }
}
