//! The permission to run one call.

use std::sync::Mutex;

use hexgate_base::guarded::locked;
use hexgate_gate::{End, Permitted};
use pyo3::prelude::*;

use crate::decision::Decision;
use crate::fault::Fault;
use crate::here::Here;
use crate::identity::Identity;

/// The permission to run one call, once, with the text that was decided. Dropped before its end, the call is recorded as cancelled.
#[pyclass(frozen, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct Permit {
    permitted: Here<Mutex<Option<Permitted>>>,
    started: Mutex<bool>,
    tool: String,
    arguments: String,
    decision: Py<Decision>,
}

impl Permit {
    pub(crate) fn new(py: Python<'_>, permitted: Permitted) -> PyResult<Self> {
        Ok(Self {
            tool: permitted.tool().to_owned(),
            arguments: permitted.arguments().to_owned(),
            decision: Py::new(py, Decision::new(permitted.decision().clone()))?,
            permitted: Here::new(Mutex::new(Some(permitted))),
            started: Mutex::new(false),
        })
    }

    fn end(&self, py: Python<'_>, end: End<'_>) -> PyResult<()> {
        let permitted = self.permitted.get()?;
        let ended = py.detach(|| {
            let permitted = locked(permitted).take();
            permitted.map(|permitted| permitted.end(end))
        });
        Ok(ended.ok_or_else(Fault::used)?)
    }
}

#[pymethods]
impl Permit {
    #[getter]
    fn tool_name(&self) -> &str {
        &self.tool
    }

    /// The text that was decided, to run the tool with.
    #[getter]
    fn arguments_json(&self) -> &str {
        &self.arguments
    }

    #[getter]
    fn decision(&self, py: Python<'_>) -> Py<Decision> {
        self.decision.clone_ref(py)
    }

    /// On whose behalf it runs.
    #[getter]
    fn identity(&self, py: Python<'_>) -> PyResult<Option<Identity>> {
        let caller = self.decision.bind(py).get().get()?.caller().cloned();
        Ok(caller.map(Identity))
    }

    /// Whether it covers a path that the call did not name.
    fn covers(&self, py: Python<'_>, path: &str) -> PyResult<bool> {
        let permitted = self.permitted.get()?;
        Ok(py.detach(|| {
            locked(permitted)
                .as_ref()
                .is_some_and(|permitted| permitted.covers(path))
        }))
    }

    /// The tool starts now. Once.
    fn start(&self) -> PyResult<()> {
        let mut permitted = locked(self.permitted.get()?);
        let mut started = locked(&self.started);
        match permitted.as_mut() {
            Some(permitted) if !*started => {
                *started = true;
                permitted.start();
                Ok(())
            }
            _ => Err(Fault::used().into()),
        }
    }

    /// The tool answered this.
    #[pyo3(signature = (result=None))]
    fn complete(&self, py: Python<'_>, result: Option<&str>) -> PyResult<()> {
        self.end(py, End::Completed(result.unwrap_or_default()))
    }

    /// The tool failed or was not started: a short stable name for why, and what the model reads.
    #[pyo3(signature = (error, result=None))]
    fn fail(&self, py: Python<'_>, error: &str, result: Option<&str>) -> PyResult<()> {
        self.end(py, End::Failed(error, result))
    }

    /// The run ended before the call did.
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        self.end(py, End::Cancelled)
    }

    /// Whether its end is recorded.
    #[getter]
    fn ended(&self) -> PyResult<bool> {
        Ok(locked(self.permitted.get()?).is_none())
    }

    fn __repr__(&self) -> String {
        format!(
            "Permit({:?})",
            hexgate_base::harmless(&self.tool).to_string()
        )
    }
}
