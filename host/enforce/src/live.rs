//! The policy that decides now, and how another one takes its place.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, Guard};
use hexgate::bundle::{Digest, KeyId, SequenceError, SequenceFloor, SequenceStore};
use hexgate::{Engine, Policy};

use crate::enforcer::guarded::guarded;
use crate::source::{Candidate, PolicySource, Poll, SourceError};

/// The policy that decides now. Cloning is cheap and gives the same one.
///
/// Deciding and replacing do not wait for each other: a decision is made by the one policy that was current when it began.
#[derive(Clone)]
pub struct LivePolicy(Arc<Inner>);

struct Inner {
    engine: Engine,
    sequences: Option<SequenceStore>,
    current: ArcSwap<Version>,
    /// Held while a policy is looked for and loaded, never while one decides.
    source: Mutex<Box<dyn PolicySource>>,
    /// What was admitted so far; held while a policy takes the place of another.
    admission: Mutex<SequenceFloor>,
    failure: ArcSwap<Option<Arc<SourceError>>>,
    failures: AtomicU64,
    /// When the source last had nothing else than the policy that decides, in milliseconds since 1970.
    confirmed: AtomicU64,
}

/// A policy and what it is.
pub(crate) struct Version {
    pub(crate) policy: Policy,
    pub(crate) id: Arc<PolicyId>,
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

/// Which policy it is, where it came from, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyId {
    /// SHA-256 of the component: what decided.
    pub component: Digest,
    /// SHA-256 of the bundle's manifest, which names the component and the terms of its use. None: there is no bundle.
    pub manifest: Option<Digest>,
    /// SHA-256 of the source, 64 hexadecimal digits, as the policy tells it.
    pub source: String,
    /// The release's number. None: an unsigned source, or a bundle without a number, which cannot be told from an older one.
    pub sequence: Option<u64>,
    /// The agent that the bundle is bound to.
    pub agent: Option<String>,
    /// The project that the bundle is bound to.
    pub project: Option<String>,
    /// The trusted key that signed it. None: nobody vouches for it, which somebody asked for by a name that says danger.
    pub signer: Option<KeyId>,
    /// Where it came from, for messages.
    pub origin: String,
}

/// What came of looking for another policy.
#[derive(Debug, Clone)]
#[must_use = "a refresh that failed keeps the policy that is there, and somebody should know"]
pub enum Refresh {
    /// The policy is the one that was there.
    Unchanged,
    /// Another policy decides from now on.
    Replaced(Arc<PolicyId>),
    /// There is something else and it was refused, or nothing could be found out. The last accepted policy still decides.
    Kept(Arc<SourceError>),
}

/// Collects the options of a [`LivePolicy`].
pub struct LivePolicyBuilder {
    engine: Engine,
    sequences: Option<SequenceStore>,
}

impl LivePolicy {
    /// Options for a live policy that runs in this engine.
    #[must_use]
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
    /// nothing changed that costs a look at the file system, and for a remote source, which is asked in the background, nothing.
    ///
    /// Waits for another thread that is looking, so that after this call no policy decides that was replaced before it.
    pub fn refresh(&self) -> Refresh {
        let mut source = locked(&self.0.source);
        // A source can be the host's own.
        let polled = guarded(|| source.poll()).unwrap_or_else(|reason| {
            let origin = self.id().origin.clone();
            Err(Arc::new(SourceError::Panicked { origin, reason }))
        });
        match polled {
            Ok(Poll::Background) => self.failure().map_or(Refresh::Unchanged, Refresh::Kept),
            Ok(Poll::Unchanged) => {
                self.confirm();
                Refresh::Unchanged
            }
            Ok(Poll::Found(candidate)) => {
                let refresh = self.offer(&candidate);
                if !matches!(refresh, Refresh::Kept(_)) {
                    source.accepted();
                }
                refresh
            }
            Err(error) => self.keep(error),
        }
    }

    /// Which policy decides now.
    #[must_use]
    pub fn id(&self) -> Arc<PolicyId> {
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
    pub(crate) fn offer(&self, candidate: &Candidate) -> Refresh {
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
            Err(error) => self.keep(Arc::new(error)),
        }
    }

    /// Notes that the last accepted policy still decides, and says so.
    pub(crate) fn keep(&self, error: Arc<SourceError>) -> Refresh {
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
    pub(crate) fn confirm(&self) {
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
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Remembers on disk the highest sequence number and the bundle that has it, so that an older policy does not come back after a
    /// restart. Default: they are remembered only as long as the process runs.
    #[must_use]
    pub fn sequences(mut self, store: SequenceStore) -> Self {
        self.sequences = Some(store);
        self
    }

    /// The policy that the source has now. From then on [`LivePolicy::refresh`] looks for another one.
    ///
    /// # Errors
    ///
    /// The source has no policy, or one that is refused. There is nothing older to fall back to, so there is no live policy.
    pub fn open(self, source: impl PolicySource + 'static) -> Result<LivePolicy, SourceError> {
        self.open_boxed(Box::new(source))
    }

    pub(crate) fn open_boxed(
        self,
        mut source: Box<dyn PolicySource>,
    ) -> Result<LivePolicy, SourceError> {
        let Poll::Found(candidate) = source.poll().map_err(unshared)? else {
            return Err(SourceError::Nothing {
                origin: source.origin(),
            });
        };
        let mut floor = SequenceFloor::default();
        let version = admit(
            &self.engine,
            self.sequences.as_ref(),
            &candidate,
            &mut floor,
        )?;
        source.accepted();
        Ok(LivePolicy(Arc::new(Inner {
            failures: AtomicU64::new(0),
            confirmed: AtomicU64::new(milliseconds(self.engine.clock().now())),
            engine: self.engine,
            sequences: self.sequences,
            current: ArcSwap::from_pointee(version),
            source: Mutex::new(source),
            admission: Mutex::new(floor),
            failure: ArcSwap::from_pointee(None),
        })))
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
            Policy::dangerous_from_unverified_bytes(engine, &local.component)?
        }
    };
    let component = candidate.component()?.into_owned();
    *floor = raised;
    let id = Arc::new(candidate.id(Digest::of(&component), policy.about()));
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

/// The error of a source that nobody else has seen yet.
pub(crate) fn unshared(error: Arc<SourceError>) -> SourceError {
    Arc::try_unwrap(error).unwrap_or_else(SourceError::Shared)
}

/// What these locks guard is replaced as a whole, so a panic elsewhere leaves it good.
pub(crate) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
