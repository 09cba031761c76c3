//! The platform as the source of a policy: asked over HTTP, in the background.
//!
//! Nothing that it sends is believed because it sent it. A bundle has to be signed by a pinned key, bound to this agent and this
//! project, valid now, and not older than what decided before; the `ETag` only saves bytes. What fails is said, and the last
//! verified policy decides on.

mod bans;
mod source;

pub use hexgate_platform::{Address, AddressError, PlatformError, Timeouts};

use std::time::Duration;

use hexgate_host::bundle::{Expectation, PublicKey};
use hexgate_platform::{Blocking, Cause, Client, Envelope, KeyTrust};

use crate::kill::KillSwitch;
use crate::live::{LivePolicy, LivePolicyBuilder};
use crate::source::SourceError;
use crate::token::TokenVerifier;

/// The platform, for one agent.
#[derive(Debug, Clone)]
pub struct Platform {
    agent: String,
    token: Envelope,
    address: Address,
    pins: Vec<PublicKey>,
    trust_on_first_use: bool,
    accept_unbound: bool,
    interval: Duration,
    timeouts: Timeouts,
    bans_max_age: Option<Duration>,
}

impl Platform {
    /// The platform at this address, for this agent, with the token of its project.
    #[must_use]
    pub fn new(agent: impl Into<String>, token: Envelope, address: Address) -> Self {
        Self {
            agent: agent.into(),
            token,
            address,
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
        source::open(self, builder)
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
        bans::enforce(self, switch, false).map(|_| ())
    }

    /// The same, but if `optional`, a platform that has no list is asked again and again: what it said then is returned.
    pub(crate) fn enforce_bans_unless_missing(
        &self,
        switch: &KillSwitch,
        optional: bool,
    ) -> Result<Option<PlatformError>, PlatformError> {
        bans::enforce(self, switch, optional)
    }

    /// Stops everybody once the list of bans was not confirmed for this long, by the system's clock or by the time that this process ran,
    /// whichever is longer. Default: the last list counts for ever.
    #[must_use]
    pub fn bans_max_age(mut self, max_age: Duration) -> Self {
        self.bans_max_age = Some(max_age);
        self
    }

    /// Asks it. Not yet shown is the token.
    fn asker(&self) -> Result<Asker, PlatformError> {
        let trust = KeyTrust::new(self.pins.clone(), self.trust_on_first_use)?;
        let client = Client::new(self.address.clone(), self.token.clone(), self.timeouts)?;
        Ok(Asker {
            trust,
            blocking: Blocking::new(client)?,
            is_checked: false,
        })
    }

    fn expectation(&self) -> Expectation {
        let expectation = Expectation::agent(&self.agent).in_project(self.token.project());
        if self.accept_unbound {
            expectation.dangerous_accept_unbound()
        } else {
            expectation
        }
    }
}

/// Asks the platform, by the keys that are trusted now.
struct Asker {
    blocking: Blocking,
    trust: KeyTrust,
    /// Whether the token is known to be one that the trusted keys began.
    is_checked: bool,
}

impl Asker {
    /// Asks with the token. It is shown to nobody before the trusted keys are known to have begun it.
    fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&Client) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        if !self.is_checked {
            let keys = self.trusted()?;
            let token = self.blocking.client().token();
            TokenVerifier::new(keys, token.environment(), token.project())
                .and_then(|verifier| verifier.verify_origin(token))
                .map_err(|error| PlatformError::Token(Cause::new(error)))?;
            self.is_checked = true;
        }
        self.blocking.ask(question)
    }

    /// The keys that are pinned and that the platform has not withdrawn by now.
    fn trusted(&mut self) -> Result<Vec<PublicKey>, PlatformError> {
        let named = self.blocking.ask(async |client| client.keys().await)?;
        self.trust.narrowed(named)
    }
}
