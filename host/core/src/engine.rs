//! The engine: what all policies of a process share.

#[cfg(feature = "cranelift")]
mod compiling;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hexgate_bundle::{Clock, SystemClock};
use wasmtime::Module;

use crate::error::{EngineError, LoadError};
use crate::limits::Limits;
use crate::runtime::known::Code;
use crate::runtime::{config, shipped};
#[cfg(feature = "cranelift")]
use compiling::Compiling;

/// What all policies share: the runtime, its limits, the known engine's code, and the compile cache of other components.
///
/// Make one and keep it; cloning is cheap and gives the same engine.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    limits: Limits,
    clock: Arc<dyn Clock>,
    trusted: wasmtime::Engine,
    code: Mutex<Option<Arc<Code>>>,
    #[cfg(feature = "cranelift")]
    compiling: Compiling,
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
    #[cfg(feature = "cranelift")]
    compiling: compiling::Options,
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
            #[cfg(feature = "cranelift")]
            compiling: compiling::Options::default(),
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

    /// The runtime without metering, for code that is known.
    pub(crate) fn trusted(&self) -> &wasmtime::Engine {
        &self.0.trusted
    }

    /// The code of the known engine. Loaded once; later callers wait for the first.
    pub(crate) fn code(&self) -> Result<Arc<Code>, LoadError> {
        self.code_from(shipped::engine)
    }

    fn code_from(
        &self,
        shipped: impl FnOnce(&wasmtime::Engine) -> Result<Module, String>,
    ) -> Result<Arc<Code>, LoadError> {
        let mut slot = locked(&self.0.code);
        if let Some(code) = &*slot {
            return Ok(code.clone());
        }
        let module = shipped(self.trusted()).or_else(|reason| self.compile_engine(&reason))?;
        let code = Code::new(module).map(Arc::new).ok_or(LoadError::Host {
            what: "the engine that this host ships is damaged".into(),
        })?;
        *slot = Some(code.clone());
        Ok(code)
    }

    #[cfg(not(feature = "cranelift"))]
    fn compile_engine(&self, reason: &str) -> Result<Module, LoadError> {
        Err(LoadError::NoCompiler {
            reason: format!("the engine has to be compiled here, because {reason}"),
        })
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

    /// Starts the engine.
    ///
    /// # Errors
    ///
    /// A limit is out of its range, the cache's folder or key cannot be trusted, or the runtime does not start.
    pub fn build(self) -> Result<Engine, EngineError> {
        self.limits.check()?;
        #[cfg(feature = "cranelift")]
        let compiling = Compiling::new(self.compiling)?;
        let trusted = config::trusted(&self.limits).map_err(|error| EngineError::Runtime {
            reason: format!("{error:#}"),
        })?;
        Ok(Engine(Arc::new(Shared {
            limits: self.limits,
            clock: self.clock,
            trusted,
            code: Mutex::new(None),
            #[cfg(feature = "cranelift")]
            compiling,
            idle: Mutex::new(IdleList::default()),
        })))
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What these locks guard is replaced as a whole, so a panic elsewhere leaves it good.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_is_not_shipped_for_this_machine_is_compiled_or_the_error_says_so() {
        let engine = Engine::new().unwrap();
        let code = engine.code_from(|_| Err("it is not shipped".into()));
        if cfg!(feature = "cranelift") {
            let (compiled, kept) = (code.unwrap(), engine.code().unwrap());
            assert!(Arc::ptr_eq(&compiled, &kept), "it is compiled once");
            let plan = hexgate_compiler::Compiler::default()
                .compile_str("p.yaml", "tools: {a: {mode: allow}}")
                .policy
                .unwrap();
            let policy =
                crate::Policy::dangerous_from_unverified_bytes(&engine, &plan.component).unwrap();
            let verdict = policy.decide(&crate::Request::new("a", "{}")).unwrap();
            assert!(policy.is_of_known_engine() && verdict.is_allowed());
        } else {
            let error = code.err().unwrap().to_string();
            assert_eq!(
                error,
                "the engine has to be compiled here, because it is not shipped, and this host is built without a compiler; build `hexgate-host` with its feature `cranelift`"
            );
        }
    }
}
