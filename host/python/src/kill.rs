//! Stopping agents, users, tokens, everything.

use hexgate_enforce as enforce;
use pyo3::prelude::*;

use crate::here::Here;

/// Denies every call of what is stopped, from the next one on. Give one switch to every enforcer of a process.
#[pyclass(frozen, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct KillSwitch(pub(crate) Here<enforce::KillSwitch>);

#[pymethods]
impl KillSwitch {
    #[new]
    fn new() -> Self {
        Self(Here::new(enforce::KillSwitch::new()))
    }

    fn stop_agent(&self, agent: String, reason: String) -> PyResult<()> {
        self.0.get()?.stop_agent(agent, reason);
        Ok(())
    }

    fn release_agent(&self, agent: &str) -> PyResult<()> {
        self.0.get()?.release_agent(agent);
        Ok(())
    }

    fn stop_user(&self, user_id: String, reason: String) -> PyResult<()> {
        self.0.get()?.stop_user(user_id, reason);
        Ok(())
    }

    fn release_user(&self, user_id: &str) -> PyResult<()> {
        self.0.get()?.release_user(user_id);
        Ok(())
    }

    fn stop_everything(&self, reason: String) -> PyResult<()> {
        self.0.get()?.stop_everything(reason);
        Ok(())
    }

    fn release_everything(&self) -> PyResult<()> {
        self.0.get()?.release_everything();
        Ok(())
    }

    fn revoke_token(&self, revocation_id: Vec<u8>, reason: String) -> PyResult<()> {
        self.0.get()?.revoke_token(revocation_id, reason);
        Ok(())
    }

    /// Why calls of the agent, on behalf of the user, are stopped. None: they are not.
    #[pyo3(signature = (agent, user_id=None))]
    fn stops(&self, agent: &str, user_id: Option<&str>) -> PyResult<Option<String>> {
        let stop = self.0.get()?.stops(agent, user_id);
        Ok(stop.map(|stop| stop.to_string()))
    }
}
