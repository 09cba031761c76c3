//! What an engine needs for components that are not of the known engine: the compiler, its cache, a runtime that counts.

use std::path::Path;
use std::sync::OnceLock;

use wasmtime::Module;
use wasmtime::component::Component;

use super::{Engine, EngineBuilder};
use crate::cache::{Cache, CacheConfig};
use crate::error::{CacheError, LoadError};
use crate::runtime::config;

#[derive(Debug, Default)]
pub(super) struct Options {
    cache: Option<CacheConfig>,
    accept_stateless: bool,
}

pub(super) struct Compiling {
    cache: Option<Cache>,
    accept_stateless: bool,
    /// Made when the first component comes that is not of the known engine.
    metered: OnceLock<wasmtime::Engine>,
}

impl Compiling {
    pub(super) fn new(options: Options) -> Result<Self, CacheError> {
        Ok(Self {
            cache: options.cache.as_ref().map(Cache::open).transpose()?,
            accept_stateless: options.accept_stateless,
            metered: OnceLock::new(),
        })
    }
}

impl EngineBuilder {
    /// Keeps the compiled code of components that are not of the known engine in `folder`, under the key in the file `key`, which must
    /// lie elsewhere. Default: no cache. Needs the feature `cranelift`.
    ///
    /// Both are made if they are not there. An entry is used only if it was written with this key.
    #[must_use]
    pub fn cache(self, folder: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        self.cache_config(CacheConfig::new(folder, key))
    }

    /// Keeps compiled code as `config` says. Default: no cache. Needs the feature `cranelift`.
    #[must_use]
    pub fn cache_config(mut self, config: CacheConfig) -> Self {
        self.compiling.cache = Some(config);
        self
    }

    /// Whether a component that is not of the known engine may keep instances between decisions if its signed manifest claims
    /// that it is stateless. Default: no. The claim is the signer's; nothing checks it. Needs the feature `cranelift`.
    #[must_use]
    pub fn accept_stateless_claims(mut self, accept: bool) -> Self {
        self.compiling.accept_stateless = accept;
        self
    }
}

impl Engine {
    pub(crate) fn accepts_stateless(&self) -> bool {
        self.0.compiling.accept_stateless
    }

    /// The runtime that counts instructions.
    pub(crate) fn metered(&self) -> Result<&wasmtime::Engine, LoadError> {
        let metered = &self.0.compiling.metered;
        if metered.get().is_none() {
            let made = config::metered(&self.0.limits).map_err(|error| LoadError::Host {
                what: format!("{error:#}"),
            })?;
            // Two threads may both make one: the second is dropped.
            let _ = metered.set(made);
        }
        metered.get().ok_or(LoadError::Host {
            what: "the runtime did not start".into(),
        })
    }

    /// Compiles the known engine where it is not shipped compiled.
    pub(super) fn compile_engine(&self, _: &str) -> Result<Module, LoadError> {
        let engine = hexgate_component::engine_module();
        Module::from_binary(self.trusted(), engine).map_err(compile_error)
    }

    /// Compiles a component, or takes it from the cache.
    pub(crate) fn compile_component(
        &self,
        engine: &wasmtime::Engine,
        bytes: &[u8],
    ) -> Result<Component, LoadError> {
        let cache = self.0.compiling.cache.as_ref();
        if let Some(component) = cache.and_then(|cache| cache.component(engine, bytes)) {
            return Ok(component);
        }
        let component = Component::from_binary(engine, bytes).map_err(compile_error)?;
        if let Some(cache) = cache {
            cache.keep(engine, bytes, component.serialize());
        }
        Ok(component)
    }
}

fn compile_error(error: wasmtime::Error) -> LoadError {
    LoadError::Compile {
        reason: format!("{error:#}"),
    }
}
