//! The platform as the source of a policy: asked over HTTP, in the background.
//!
//! Nothing that it sends is believed because it sent it. A bundle has to be signed by a pinned key, bound to this agent and this
//! project, valid now, and not older than what decided before; the `ETag` only saves bytes. What fails is said, and the last
//! verified policy decides on.

mod background;
mod bans;
mod client;
mod error;
mod keys;
mod payload;
mod poll;

pub(crate) use background::Background;
pub use error::PlatformError;

use std::sync::Arc;
use std::time::Duration;

use hexgate::bundle::{Expectation, PublicKey};

use crate::kill::KillSwitch;
use crate::live::{LivePolicy, LivePolicyBuilder};
use crate::resolve::ApiUrl;
use crate::source::SourceError;
use crate::token::Envelope;

/// The platform, for one agent.
#[derive(Debug, Clone)]
pub struct Platform {
    agent: String,
    key: Envelope,
    url: ApiUrl,
    pins: Vec<PublicKey>,
    trust_on_first_use: bool,
    accept_unbound: bool,
    interval: Duration,
    timeouts: Timeouts,
    bans_max_age: Option<Duration>,
}

/// How long the platform may take to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a whole answer. Default: 10 seconds.
    pub full: Duration,
    /// Where it is asked whether something changed, until it begins to answer. Default: 2 seconds.
    pub conditional: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            full: Duration::from_secs(10),
            conditional: Duration::from_secs(2),
        }
    }
}

impl Platform {
    /// The platform at this address, for this agent, with the token of its project.
    #[must_use]
    pub fn new(agent: impl Into<String>, key: Envelope, url: ApiUrl) -> Self {
        Self {
            agent: agent.into(),
            key,
            url,
            pins: Vec::new(),
            trust_on_first_use: false,
            accept_unbound: false,
            interval: Duration::from_secs(30),
            timeouts: Timeouts::default(),
            bans_max_age: None,
        }
    }

    /// Trusts this key. The platform can withdraw it, by no longer naming it, and never add one.
    #[must_use]
    pub fn pin(mut self, key: PublicKey) -> Self {
        self.pins.push(key);
        self
    }

    /// How long to wait between two looks, give or take a tenth, so that hosts that began together do not ask together. Default: 30
    /// seconds.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How long the platform may take to answer.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Without a pinned key, trusts the keys that the platform names first, for as long as this lives.
    ///
    /// CAUTION: whoever answers in the platform's place at that moment decides what is permitted.
    #[must_use]
    pub fn dangerous_trust_on_first_use(mut self) -> Self {
        self.trust_on_first_use = true;
        self
    }

    /// Accepts a bundle that leaves the agent or the project open, as all of version 1 do.
    ///
    /// CAUTION: such a bundle can be replayed for another agent, or be an old one.
    #[must_use]
    pub fn dangerous_accept_unbound(mut self) -> Self {
        self.accept_unbound = true;
        self
    }

    /// Fetches the policy, and goes on looking in the background until the live policy is dropped. Waits for the first answer; in an
    /// asynchronous program call it where blocking is allowed.
    ///
    /// # Errors
    ///
    /// There is no answer, or none that may decide.
    pub fn open(self, builder: LivePolicyBuilder) -> Result<LivePolicy, SourceError> {
        poll::open(self, builder)
    }

    /// Keeps the switch as the platform's list of bans says, until the switch is dropped. Waits for the first list, so that nobody who
    /// is banned gets through when a host begins; in an asynchronous program call it where blocking is allowed. Each later list takes
    /// the place of the one before, [`interval`](Self::interval) by interval; what the host itself stopped stays stopped.
    ///
    /// The list is not signed: it counts because the platform sent it over TLS. [`KillSwitch::failure`] says why the last one could not
    /// be had; the one before goes on to count, as long as [`bans_max_age`](Self::bans_max_age) allows.
    ///
    /// # Errors
    ///
    /// There is no first list, or not all of it is understood.
    pub fn enforce_bans(&self, switch: &KillSwitch) -> Result<(), PlatformError> {
        bans::enforce(self.clone(), switch, false).map(|_| ())
    }

    /// The same, but if `optional`, a platform that has no list is asked again and again: what it said then is returned.
    pub(crate) fn enforce_bans_unless_missing(
        &self,
        switch: &KillSwitch,
        optional: bool,
    ) -> Result<Option<PlatformError>, PlatformError> {
        bans::enforce(self.clone(), switch, optional)
    }

    /// Stops everybody once the list of bans was not confirmed for this long, by the system's clock or by the time that this process ran,
    /// whichever is longer. Default: the last list counts for ever.
    #[must_use]
    pub fn bans_max_age(mut self, max_age: Duration) -> Self {
        self.bans_max_age = Some(max_age);
        self
    }

    /// How long to wait now.
    fn pause(&self) -> Duration {
        // Without random numbers it is the interval itself.
        let random = getrandom::u32().unwrap_or(u32::MAX / 2);
        self.interval
            .mul_f64(0.9 + 0.2 * f64::from(random) / f64::from(u32::MAX))
    }

    fn expectation(&self) -> Expectation {
        let expectation = Expectation::agent(&self.agent).in_project(self.key.project());
        if self.accept_unbound {
            expectation.dangerous_accept_unbound()
        } else {
            expectation
        }
    }
}

impl From<PlatformError> for Arc<SourceError> {
    fn from(error: PlatformError) -> Self {
        Self::new(SourceError::Platform(error))
    }
}
