//! The policy that decides now, and how another one takes its place.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, Guard};
use hexgate_host::bundle::{Digest, SequenceError, SequenceFloor, SequenceStore};
use hexgate_host::{Engine, Policy};

use crate::guarded::{guarded, locked};
use crate::repeat::{Repeated, elsewhere, spread};
use crate::source::{Candidate, PolicyInfo, PolicySource, Poll, SourceError};

/// The policy that decides now. Cloning is cheap and gives the same one.
///
/// Deciding and replacing do not wait for each other: a decision is made by the one policy that was current when it began.
#[derive(Clone)]
pub struct LivePolicy(Arc<Inner>);

struct Inner {
    engine: Engine,
    sequences: Option<SequenceStore>,
    current: ArcSwap<Version>,
    source: Source,
    /// What polls the source, if that takes its time. None: turns do.
    polling: OnceLock<Repeated>,
    /// What was admitted so far; held while a policy takes the place of another.
    admission: Mutex<SequenceFloor>,
    failure: ArcSwap<Option<Arc<SourceError>>>,
    failures: AtomicU64,
    /// When the source last had nothing else than the policy that decides, in milliseconds since 1970.
    confirmed: AtomicU64,
}

/// Held while a policy is looked for and loaded, never while one decides.
type Source = Arc<Mutex<Box<dyn PolicySource>>>;

/// A policy and what it is.
pub(crate) struct Version {
    pub(crate) policy: Policy,
    pub(crate) id: Arc<PolicyInfo>,
    /// What identifies it in records: the digest of its manifest, or of its source where there is none.
    pub(crate) digest: Option<Digest>,
    /// What a record is replayed with.
    pub(crate) component: Vec<u8>,
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// What came of looking for another policy.
#[derive(Debug, Clone)]
#[must_use = "a refresh that failed keeps the policy that is there, and somebody should know"]
pub enum Refresh {
    /// The policy is the one that was there.
    Unchanged,
    /// Another policy decides from now on.
    Replaced(Arc<PolicyInfo>),
    /// There is something else and it was refused, or nothing could be found out. The last accepted policy still decides.
    Kept(Arc<SourceError>),
}

/// Collects the options of a [`LivePolicy`].
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

    /// Looks whether the source has another policy, and lets it decide from now on. To be called at the beginning of each turn: if
    /// nothing changed that costs a look at the file system, and for a source that is [polled in the
    /// background](PolicySource::interval) nothing.
    ///
    /// Waits for another thread that is looking, so that after this call no policy decides that was replaced before it.
    pub fn refresh(&self) -> Refresh {
        if self.0.polling.get().is_some() {
            return self.failure().map_or(Refresh::Unchanged, Refresh::Kept);
        }
        let mut source = locked(&self.0.source);
        let polled = guarded(|| source.poll());
        self.settle(&mut **source, polled)
    }

    /// What comes of polling the source. It can be the host's own, and may panic.
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

    /// Which policy decides now.
    #[must_use]
    pub fn id(&self) -> Arc<PolicyInfo> {
        self.0.current.load().id.clone()
    }

    #[cfg(feature = "watch")]
    pub(crate) fn watched(&self) -> Option<std::path::PathBuf> {
        locked(&self.0.source).watched()
    }

    /// Why the last look for another policy failed. None: it did not.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<SourceError>> {
        Option::clone(&self.0.failure.load())
    }

    /// How often another policy was refused, or nothing could be found out.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }

    /// When the source last said that the policy that decides is the one to decide by. A source that cannot be asked leaves this where it is.
    #[must_use]
    pub fn confirmed_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.confirmed.load(Ordering::Relaxed))
    }

    /// The policy that decides now, to decide by or to describe. A decision made with it directly passes no scope, no kill switch
    /// and no recorder.
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

    /// Lets a policy decide from now on, unless it is refused.
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

    /// Notes that the last accepted policy still decides, and says so.
    fn keep(&self, error: SourceError) -> Refresh {
        let error = match error {
            SourceError::Shared(error) => error,
            error => Arc::new(error),
        };
        self.0.failures.fetch_add(1, Ordering::Relaxed);
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

    /// Notes that the source has nothing that would be refused.
    fn confirm(&self) {
        let now = milliseconds(self.now());
        self.0.confirmed.store(now, Ordering::Relaxed);
        if self.0.failure.load().is_some() {
            self.0.failure.store(Arc::new(None));
        }
    }
}

/// A live policy as its background work sees it: it does not keep it alive.
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

    /// The policy that the source has now. From then on [`LivePolicy::refresh`] looks for another one, or a thread does, as the source
    /// [says](PolicySource::interval).
    ///
    /// # Errors
    ///
    /// The source has no policy, or one that is refused. There is nothing older to fall back to, so there is no live policy.
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

/// Polls the source on a thread of its own. While it waits for the source it does not hold the policy, whose last user may leave meanwhile.
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

/// Lets a source know that what it found decides. It can be the host's own, and may panic.
fn accepted(source: &mut dyn PolicySource) {
    if let Err(panic) = guarded(|| source.accepted()) {
        tracing::error!(%panic, "the source of the policy panicked when its policy was accepted");
    }
}

/// Makes a policy of a candidate, if it may decide: still within its time, not older than what was there, and loadable. Then the floor rises.
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
            // Nobody vouches for either of them: a developer builds again without raising the number.
            Err(SequenceError::Another { .. })
                if matches!(candidate, Candidate::DangerousUnsigned(_)) => {}
            admitted => admitted?,
        }
    }
    let policy = match candidate {
        Candidate::Verified(bundle) => {
            bundle.check_validity(now)?;
            // Loaded first: a bundle that cannot decide must not shut the door on the one before.
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
    *floor = raised;
    let id = Arc::new(candidate.info(Digest::of(&component), policy.about()));
    Ok(Version {
        policy,
        digest: id.manifest.or_else(|| id.source.parse().ok()),
        id,
        component,
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
