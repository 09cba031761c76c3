//! The engine that policies run in.

use std::collections::BTreeMap;
use std::sync::Mutex;

use hexgate_base::guarded::locked;
use hexgate_enforce::host::{self, EngineError, Limits};
use pyo3::prelude::*;

use crate::fault::Fault;
use crate::here::Here;

/// Runs policies. One for a process is enough, and is there without asking.
#[pyclass(frozen, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct Engine(Here<host::Engine>);

/// The engine of those that name none, made when it is needed, once in a process.
static SHARED: Mutex<Option<Here<host::Engine>>> = Mutex::new(None);

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (**limits))]
    fn new(py: Python<'_>, limits: Option<BTreeMap<String, u64>>) -> PyResult<Self> {
        let mut all = Limits::default();
        for (name, value) in limits.unwrap_or_default() {
            all.set(&name.replace('_', "-"), &value.to_string())
                .map_err(|error| Fault::from(EngineError::from(error)))?;
        }
        let engine = py.detach(|| host::Engine::builder().limits(all).build());
        Ok(Self(Here::new(engine.map_err(Fault::from)?)))
    }

    fn __repr__(&self) -> String {
        "Engine()".to_owned()
    }
}

/// The engine that was named, or the shared one.
pub(crate) fn engine(
    py: Python<'_>,
    named: Option<&Bound<'_, Engine>>,
) -> Result<host::Engine, Fault> {
    if let Some(named) = named {
        return named.get().0.get().cloned();
    }
    py.detach(|| {
        let mut shared = locked(&SHARED);
        if let Some(engine) = shared.as_ref()
            && let Ok(engine) = engine.get()
        {
            return Ok(engine.clone());
        }
        let engine = host::Engine::new()?;
        *shared = Some(Here::new(engine.clone()));
        Ok(engine)
    })
}
