//! The engine: what all policies of a process share.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use hexgate_bundle::{Clock, SystemClock};
use wasmtime::Module;
use wasmtime::component::Component;

use crate::cache::{Cache, CacheConfig};
use crate::error::{EngineError, LoadError};
use crate::limits::Limits;
use crate::runtime::config;
use crate::runtime::known::Code;

/// What all policies share: the runtime, its limits, the compiled known engine, and the compile cache.
///
/// Make one and keep it; cloning is cheap and gives the same engine.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    limits: Limits,
    clock: Arc<dyn Clock>,
    cache: Option<Cache>,
    accept_stateless: bool,
    trusted: wasmtime::Engine,
    /// Made when the first component comes that is not of the known engine.
    metered: OnceLock<wasmtime::Engine>,
    code: Mutex<Option<(Vec<u8>, Arc<Code>)>>,
    idle: Mutex<IdleList>,
}

/// Policies whose idle instances may be given up, in turn.
#[derive(Default)]
struct IdleList {
    policies: Vec<Weak<dyn Idle>>,
    next: usize,
}

/// Something that keeps instances which it can do without.
pub(crate) trait Idle: Send + Sync {
    /// Gives up one instance that is not in use. False: there is none.
    fn give_up_one(&self) -> bool;
}

/// Collects the options of an [`Engine`].
#[derive(Debug)]
pub struct EngineBuilder {
    limits: Limits,
    clock: Arc<dyn Clock>,
    cache: Option<CacheConfig>,
    accept_stateless: bool,
}

impl Engine {
    /// An engine with the default limits, the system's clock and no compile cache.
    ///
    /// # Errors
    ///
    /// The runtime does not start, for want of address space for instance.
    pub fn new() -> Result<Self, EngineError> {
        Self::builder().build()
    }

    /// An engine with options of one's own.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder {
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            cache: None,
            accept_stateless: false,
        }
    }

    /// The limits within which this engine runs policies.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The clock that validity windows are held against.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn accepts_stateless(&self) -> bool {
        self.0.accept_stateless
    }

    /// The runtime without metering, for code that is known.
    pub(crate) fn trusted(&self) -> &wasmtime::Engine {
        &self.0.trusted
    }

    /// The runtime that counts instructions.
    pub(crate) fn metered(&self) -> Result<&wasmtime::Engine, LoadError> {
        if self.0.metered.get().is_none() {
            let made = config::metered(&self.0.limits).map_err(|error| LoadError::Host {
                what: format!("{error:#}"),
            })?;
            // Two threads may both make one: the second is dropped.
            let _ = self.0.metered.set(made);
        }
        self.0.metered.get().ok_or(LoadError::Host {
            what: "the runtime did not start".into(),
        })
    }

    /// The compiled code of the known engine. Compiled or read once; later callers wait for the first.
    ///
    /// None: these bytes are not what was compiled first, or not an engine at all.
    pub(crate) fn code(&self, bytes: &[u8]) -> Result<Option<Arc<Code>>, LoadError> {
        let mut slot = locked(&self.0.code);
        if let Some((known, code)) = &*slot {
            return Ok((known == bytes).then(|| code.clone()));
        }
        let module = self.compile_module(bytes)?;
        let Some(code) = Code::new(module).map(Arc::new) else {
            return Ok(None);
        };
        *slot = Some((bytes.to_vec(), code.clone()));
        Ok(Some(code))
    }

    /// Compiles a core module of the known engine, or takes it from the cache.
    pub(crate) fn compile_module(&self, bytes: &[u8]) -> Result<Module, LoadError> {
        let engine = self.trusted();
        if let Some(module) = self
            .0
            .cache
            .as_ref()
            .and_then(|cache| cache.module(engine, bytes))
        {
            return Ok(module);
        }
        let module = Module::from_binary(engine, bytes).map_err(compile_error)?;
        if let Some(cache) = &self.0.cache {
            cache.keep(engine, bytes, module.serialize());
        }
        Ok(module)
    }

    pub(crate) fn compile_component(
        &self,
        engine: &wasmtime::Engine,
        bytes: &[u8],
    ) -> Result<Component, LoadError> {
        if let Some(component) = self
            .0
            .cache
            .as_ref()
            .and_then(|cache| cache.component(engine, bytes))
        {
            return Ok(component);
        }
        let component = Component::from_binary(engine, bytes).map_err(compile_error)?;
        if let Some(cache) = &self.0.cache {
            cache.keep(engine, bytes, component.serialize());
        }
        Ok(component)
    }

    /// Lists a policy among those whose idle instances may be given up.
    pub(crate) fn list_idle(&self, policy: Weak<dyn Idle>) {
        let mut idle = locked(&self.0.idle);
        idle.policies.retain(|policy| policy.strong_count() > 0);
        idle.policies.push(policy);
    }

    /// Gives up one idle instance of some policy, in turn. Called only when all instances are used up.
    pub(crate) fn give_up_one(&self) -> bool {
        let mut idle = locked(&self.0.idle);
        for _ in 0..idle.policies.len() {
            let next = idle.next.checked_rem(idle.policies.len()).unwrap_or(0);
            idle.next = next.wrapping_add(1);
            if idle
                .policies
                .get(next)
                .and_then(Weak::upgrade)
                .is_some_and(|policy| policy.give_up_one())
            {
                return true;
            }
        }
        false
    }
}

impl EngineBuilder {
    /// Replaces the limits. See [`Limits`] for each default.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Replaces the clock that validity windows are held against. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Keeps compiled code in `folder`, under the key in the file `key`, which must lie elsewhere. Default: no cache.
    ///
    /// Both are made if they are not there. An entry is used only if it was written with this key.
    #[must_use]
    pub fn cache(self, folder: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        self.cache_config(CacheConfig::new(folder, key))
    }

    /// Keeps compiled code as `config` says. Default: no cache.
    #[must_use]
    pub fn cache_config(mut self, config: CacheConfig) -> Self {
        self.cache = Some(config);
        self
    }

    /// Whether a component that is not of the known engine may keep instances between decisions if its signed manifest claims
    /// that it is stateless. Default: no. The claim is the signer's; nothing checks it.
    #[must_use]
    pub fn accept_stateless_claims(mut self, accept: bool) -> Self {
        self.accept_stateless = accept;
        self
    }

    /// Starts the engine.
    ///
    /// # Errors
    ///
    /// A limit is out of its range, the cache's folder or key cannot be trusted, or the runtime does not start.
    pub fn build(self) -> Result<Engine, EngineError> {
        self.limits.check()?;
        let cache = self.cache.map(|config| Cache::open(&config)).transpose()?;
        let trusted = config::trusted(&self.limits).map_err(|error| EngineError::Runtime {
            reason: format!("{error:#}"),
        })?;
        Ok(Engine(Arc::new(Shared {
            limits: self.limits,
            clock: self.clock,
            cache,
            accept_stateless: self.accept_stateless,
            trusted,
            metered: OnceLock::new(),
            code: Mutex::new(None),
            idle: Mutex::new(IdleList::default()),
        })))
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("limits", &self.limits)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

/// What these locks guard is replaced as a whole, so a panic elsewhere leaves it good.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn compile_error(error: wasmtime::Error) -> LoadError {
    LoadError::Compile {
        reason: format!("{error:#}"),
    }
}
