//! The policy that decides now, and its replacement.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, Guard};
use hexgate_host::bundle::{Digest, SequenceError, SequenceFloor, SequenceStore};
use hexgate_host::{Description, Engine, Policy};

use crate::repeat::{Repeated, elsewhere, spread};
use crate::source::{Candidate, PolicyInfo, PolicySource, Poll, SourceError};
use hexgate_base::guarded::{guarded, locked};

/// The policy that decides now. Cloning is cheap and gives the same one.
///
/// Decisions and replacements do not wait for each other: a decision uses the policy that was live when it began.
#[derive(Clone)]
pub struct LivePolicy(Arc<Inner>);

struct Inner {
    engine: Engine,
    sequences: Option<SequenceStore>,
    current: ArcSwap<Version>,
    source: Source,
    /// The background poller of a slow source. None: turns poll it.
    polling: OnceLock<Repeated>,
    /// The bundles that were admitted so far; locked while a policy is replaced.
    admission: Mutex<SequenceFloor>,
    failure: ArcSwap<Option<Arc<SourceError>>>,
    failures: AtomicU64,
    /// When the source last confirmed the policy that decides, in milliseconds since 1970.
    confirmed: AtomicU64,
}

/// Locked while a policy is looked for and loaded, never during a decision.
type Source = Arc<Mutex<Box<dyn PolicySource>>>;

/// A policy and its identity.
pub(crate) struct Version {
    pub(crate) policy: Policy,
    pub(crate) id: Arc<PolicyInfo>,
    /// Its id in records: the digest of its manifest, or of its source if there is no manifest.
    pub(crate) digest: Option<Digest>,
    /// The component, for replaying records.
    pub(crate) component: Vec<u8>,
    /// What it permits by its own description, once somebody asked. None: it cannot be read.
    pub(crate) described: OnceLock<Option<Description>>,
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// The result of looking for another policy.
#[derive(Debug, Clone)]
#[must_use = "a failed refresh keeps the policy that is there, and should be reported"]
pub enum Refresh {
    /// The policy is unchanged.
    Unchanged,
    /// Another policy decides from now on.
    Replaced(Arc<PolicyInfo>),
    /// Another policy was refused, or the source could not be read. The last accepted policy still decides.
    Kept(Arc<SourceError>),
}

/// Builds a [`LivePolicy`].
#[must_use = "a policy lives once it is opened"]
pub struct LivePolicyBuilder {
    engine: Engine,
    sequences: Option<SequenceStore>,
}

impl LivePolicy {
    /// Options for a live policy that runs in this engine.
    pub fn builder(engine: &Engine) -> LivePolicyBuilder {
        LivePolicyBuilder {
            engine: engine.clone(),
            sequences: None,
        }
    }

    /// The policy of a source, with the default options.
    ///
    /// # Errors
    ///
    /// As for [`LivePolicyBuilder::open`].
    pub fn open(engine: &Engine, source: impl PolicySource + 'static) -> Result<Self, SourceError> {
        Self::builder(engine).open(source)
    }

    /// Takes another policy from the source if it has one. Call it at the beginning of each turn: without a change it costs a look at the
    /// file system, and nothing for a source that is [polled in the background](PolicySource::interval).
    ///
    /// Waits for other threads that are looking, so that after this call no policy decides that was replaced before it.
    pub fn refresh(&self) -> Refresh {
        // A slow source is polled in the background, and a turn must not wait for it.
        if self.0.polling.get().is_some() {
            return self.failure().map_or(Refresh::Unchanged, Refresh::Kept);
        }
        let mut source = locked(&self.0.source);
        let polled = guarded(|| source.poll());
        self.settle(&mut **source, polled)
    }

    /// Acts on the result of a poll. The source can be the host's own code, and may panic.
    fn settle(
        &self,
        source: &mut dyn PolicySource,
        polled: Result<Result<Poll, SourceError>, String>,
    ) -> Refresh {
        match polled {
            Ok(Ok(Poll::Unchanged)) => {
                self.confirm();
                Refresh::Unchanged
            }
            Ok(Ok(Poll::Found(candidate))) => {
                let refresh = self.offer(&candidate);
                // A refused policy is not accepted, so that it is found, and reported, again.
                if !matches!(refresh, Refresh::Kept(_)) {
                    accepted(source);
                }
                refresh
            }
            Ok(Err(error)) => self.keep(error),
            Err(reason) => {
                let origin = self.id().origin.clone();
                self.keep(SourceError::Panicked { origin, reason })
            }
        }
    }

    /// The identity of the policy that decides now.
    #[must_use]
    pub fn id(&self) -> Arc<PolicyInfo> {
        self.0.current.load().id.clone()
    }

    #[cfg(feature = "watch")]
    pub(crate) fn watched(&self) -> Option<std::path::PathBuf> {
        locked(&self.0.source).watched()
    }

    /// Why the last look for another policy failed. None: it succeeded.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<SourceError>> {
        Option::clone(&self.0.failure.load())
    }

    /// How often another policy was refused, or the source could not be read.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }

    /// When the source last confirmed the policy that decides. A source that cannot be read does not change it.
    #[must_use]
    pub fn confirmed_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.confirmed.load(Ordering::Relaxed))
    }

    /// The policy itself, for example to describe it. CAUTION: a decision made with it directly bypasses scope, kill switch and recorder.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.0.current.load().policy.clone()
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.0.engine.clock().now()
    }

    pub(crate) fn current(&self) -> Guard<Arc<Version>> {
        self.0.current.load()
    }

    pub(crate) fn downgrade(&self) -> WeakLivePolicy {
        WeakLivePolicy(Arc::downgrade(&self.0))
    }

    /// Replaces the policy that decides, unless the new one is refused.
    fn offer(&self, candidate: &Candidate) -> Refresh {
        let mut floor = locked(&self.0.admission);
        let current = self.0.current.load_full();
        if candidate.is(&current.id) {
            self.confirm();
            return Refresh::Unchanged;
        }
        let inner = &*self.0;
        match admit(
            &inner.engine,
            inner.sequences.as_ref(),
            candidate,
            &mut floor,
        ) {
            Ok(version) => {
                let id = version.id.clone();
                self.0.current.store(Arc::new(version));
                self.confirm();
                tracing::info!(origin = %id.origin, component = %id.component, "policy replaced");
                Refresh::Replaced(id)
            }
            Err(error) => self.keep(error),
        }
    }

    /// Notes and logs that the last accepted policy still decides.
    fn keep(&self, error: SourceError) -> Refresh {
        let error = match error {
            SourceError::Shared(error) => error,
            error => Arc::new(error),
        };
        self.0.failures.fetch_add(1, Ordering::Relaxed);
        // Logged once, not at every turn.
        let known = self.failure();
        if known.is_none_or(|known| known.to_string() != error.to_string()) {
            let current = self.id();
            tracing::warn!(
                origin = %current.origin, component = %current.component, %error,
                "policy not replaced; the last accepted one still decides"
            );
        }
        self.0.failure.store(Arc::new(Some(error.clone())));
        Refresh::Kept(error)
    }

    /// Notes that the source has no policy that is refused.
    fn confirm(&self) {
        let now = milliseconds(self.now());
        self.0.confirmed.store(now, Ordering::Relaxed);
        if self.0.failure.load().is_some() {
            self.0.failure.store(Arc::new(None));
        }
    }
}

/// A weak reference to a live policy, for its background work.
#[derive(Clone)]
pub(crate) struct WeakLivePolicy(Weak<Inner>);

impl WeakLivePolicy {
    pub(crate) fn upgrade(&self) -> Option<LivePolicy> {
        self.0.upgrade().map(LivePolicy)
    }
}

impl LivePolicyBuilder {
    #[cfg(feature = "platform")]
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Remembers on disk the highest sequence number and the bundle that has it, so that an older policy does not come back after a
    /// restart. Default: they are remembered only as long as the process runs.
    pub fn sequences(mut self, store: SequenceStore) -> Self {
        self.sequences = Some(store);
        self
    }

    /// Opens the source's policy. From then on [`LivePolicy::refresh`] looks for another one, or a background thread, as the source
    /// [says](PolicySource::interval).
    ///
    /// # Errors
    ///
    /// The source has no policy, or one that is refused. There is no older policy to fall back to.
    pub fn open(self, mut source: impl PolicySource + 'static) -> Result<LivePolicy, SourceError> {
        let interval = source.interval();
        let polled = match interval {
            None => guarded(|| source.poll()),
            Some(_) => elsewhere(|| source.poll()),
        };
        let origin = || guarded(|| source.origin()).unwrap_or_default();
        let candidate = match polled {
            Ok(Ok(Poll::Found(candidate))) => candidate,
            Ok(Ok(Poll::Unchanged)) => return Err(SourceError::Nothing { origin: origin() }),
            Ok(Err(error)) => return Err(error),
            Err(reason) => {
                let origin = origin();
                return Err(SourceError::Panicked { origin, reason });
            }
        };
        let mut floor = SequenceFloor::default();
        let version = admit(
            &self.engine,
            self.sequences.as_ref(),
            &candidate,
            &mut floor,
        )?;
        accepted(&mut source);
        let live = LivePolicy(Arc::new(Inner {
            failures: AtomicU64::new(0),
            confirmed: AtomicU64::new(milliseconds(self.engine.clock().now())),
            engine: self.engine,
            sequences: self.sequences,
            current: ArcSwap::from_pointee(version),
            source: Arc::new(Mutex::new(Box::new(source))),
            polling: OnceLock::new(),
            admission: Mutex::new(floor),
            failure: ArcSwap::from_pointee(None),
        }));
        if let Some(interval) = interval {
            let polling = poll_again(&live, interval).map_err(SourceError::other)?;
            let _ = live.0.polling.set(polling);
        }
        Ok(live)
    }
}

/// Polls the source on a thread of its own. While it waits it holds no reference to the policy, which may be dropped meanwhile.
fn poll_again(live: &LivePolicy, interval: Duration) -> io::Result<Repeated> {
    let (source, timed) = (Arc::clone(&live.0.source), Arc::clone(&live.0.source));
    let (lives, told) = (live.downgrade(), live.downgrade());
    let pause = move || {
        let next = guarded(|| locked(&timed).interval());
        spread(next.ok().flatten().unwrap_or(interval))
    };
    let look = move || {
        let mut source = locked(&source);
        let polled = guarded(|| source.poll());
        let Some(live) = lives.upgrade() else {
            return false;
        };
        let _ = live.settle(&mut **source, polled);
        true
    };
    let failed = move |reason| {
        if let Some(live) = told.upgrade() {
            let origin = live.id().origin.clone();
            let _ = live.keep(SourceError::Panicked { origin, reason });
        }
    };
    Repeated::start("hexgate-source", pause, look, failed)
}

/// Tells a source that the policy it found decides. The source can be the host's own code, and may panic.
fn accepted(source: &mut dyn PolicySource) {
    if let Err(panic) = guarded(|| source.accepted()) {
        tracing::error!(%panic, "the source of the policy panicked when its policy was accepted");
    }
}

/// Makes a policy of a candidate, if it is valid now, not older than the bundles before it, and loadable. Then it records the number as the
/// new floor.
fn admit(
    engine: &Engine,
    sequences: Option<&SequenceStore>,
    candidate: &Candidate,
    floor: &mut SequenceFloor,
) -> Result<Version, SourceError> {
    let now = engine.clock().now();
    let mut raised = floor.clone();
    if let Some(contents) = candidate.contents() {
        match raised.admit(contents) {
            // Neither signature is checked: a developer builds again without raising the number.
            Err(SequenceError::Another { .. })
                if matches!(candidate, Candidate::DangerousUnsigned(_)) => {}
            admitted => admitted?,
        }
    }
    let policy = match candidate {
        Candidate::Verified(bundle) => {
            bundle.check_validity(now)?;
            // Loaded first: a bundle that cannot be loaded must not block the one before it.
            let policy = Policy::load(engine, bundle)?;
            if let Some(store) = sequences {
                store.admit(bundle)?;
            }
            policy
        }
        Candidate::DangerousUnsigned(bundle) => {
            bundle.check_validity(now)?;
            Policy::dangerous_load_unsigned(engine, bundle)?
        }
        Candidate::DangerousLocal(local) => {
            Policy::dangerous_from_unverified_bytes(engine, local.component())?
        }
    };
    let component = candidate.component()?.into_owned();
    // Only now: a bundle that failed to load must not raise the floor.
    *floor = raised;
    let id = Arc::new(candidate.info(Digest::of(&component), policy.about()));
    Ok(Version {
        policy,
        digest: id.manifest.or_else(|| id.source.parse().ok()),
        id,
        component,
        described: OnceLock::new(),
    })
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for LivePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePolicy")
            .field("id", &self.id())
            .field("failure", &self.failure())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LivePolicyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePolicyBuilder")
            .field("sequences", &self.sequences)
            .finish_non_exhaustive()
    }
}
