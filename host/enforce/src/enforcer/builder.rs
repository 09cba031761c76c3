//! The options of an enforcer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::{Disclosure, Enforcer, Inner};
use crate::approval::Approvals;
use crate::kill::KillSwitch;
use crate::live::LivePolicy;
use crate::observer::{Observer, OnRecordFailure, Recorder};
use crate::shadow::{Beside, Shadow};

/// Gets the enforcer once it is built.
type OnBuild = Box<dyn FnOnce(&Enforcer) + Send + Sync>;

/// Collects the options of an [`Enforcer`].
#[must_use = "an enforcer is there once it is built"]
pub struct EnforcerBuilder {
    inner: Inner,
    built: Vec<OnBuild>,
}

/// The system gave no random numbers for the ids of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers: {source}")]
pub struct RandomError {
    #[source]
    source: getrandom::Error,
}

impl Enforcer {
    /// Options for an enforcer of this agent's calls by a live policy.
    pub fn builder(agent: impl AsRef<str>, live: &LivePolicy) -> EnforcerBuilder {
        EnforcerBuilder {
            inner: Inner {
                agent: agent.as_ref().into(),
                live: live.clone(),
                kill: KillSwitch::new(),
                recorder: None,
                observers: Vec::new(),
                approvals: Approvals::default(),
                disclosure: Disclosure::default(),
                shadow: None,
                // Random bits from `build`, which can fail.
                ids: (0, AtomicU64::new(0)),
                not_recorded: AtomicU64::new(0),
                ends_not_recorded: AtomicU64::new(0),
                observer_panics: AtomicU64::new(0),
            },
            built: Vec::new(),
        }
    }
}

impl EnforcerBuilder {
    /// Keeps a record of every decision, before the host can act on it. Default: none.
    pub fn recorder(
        mut self,
        recorder: impl Recorder + 'static,
        on_failure: OnRecordFailure,
    ) -> Self {
        self.inner.recorder = Some((Arc::new(recorder), on_failure));
        self
    }

    /// Tells an observer of every decision. Default: none.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.inner.observers.push(Arc::new(observer));
        self
    }

    /// What happens to calls that need approval. Default: no one is asked, and they do not happen.
    pub fn approvals(mut self, approvals: Approvals) -> Self {
        self.inner.approvals = approvals;
        self
    }

    /// What stops agents, users and tokens at once. Default: a switch of its own.
    pub fn kill_switch(mut self, switch: &KillSwitch) -> Self {
        self.inner.kill = switch.clone();
        self
    }

    /// How much of the policy a model may learn from a denial. Default: nothing.
    pub fn disclosure(mut self, disclosure: Disclosure) -> Self {
        self.inner.disclosure = disclosure;
        self
    }

    /// Asks a candidate policy about every call that the live one is asked about. Its answers are recorded, counted and reported, and never
    /// act. Default: none.
    pub fn shadow(mut self, shadow: Shadow) -> Self {
        self.inner.shadow = Some(Beside::new(shadow));
        self
    }

    /// Gives the enforcer to a function once it is built, for reading its [counts](Enforcer::counts) later. To keep it, keep it
    /// [downgraded](Enforcer::downgrade). Default: none.
    pub fn on_build(mut self, built: impl FnOnce(&Enforcer) + Send + Sync + 'static) -> Self {
        self.built.push(Box::new(built));
        self
    }

    /// The enforcer.
    ///
    /// # Errors
    ///
    /// The system gives no random numbers.
    pub fn build(mut self) -> Result<Enforcer, RandomError> {
        self.inner.ids.0 = getrandom::u64().map_err(|source| RandomError { source })?;
        let enforcer = Enforcer(Arc::new(self.inner));
        for built in self.built {
            built(&enforcer);
        }
        Ok(enforcer)
    }
}

impl fmt::Debug for EnforcerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnforcerBuilder")
            .field("agent", &self.inner.agent)
            .field("live", &self.inner.live)
            .finish_non_exhaustive()
    }
}
