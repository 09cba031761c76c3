//! What an enforcer is built with.

use std::path::PathBuf;
use std::sync::Arc;

use hexgate_enforce as enforce;
use hexgate_enforce::{
    ApprovalFiles, Approvals, AuditRecorder, Disclosure, EnforcerBuilder, LivePolicy,
    OnRecordFailure,
};
use pyo3::prelude::*;

use crate::asking::{Desk, see};
use crate::engine::Engine;
use crate::fault::Fault;
use crate::here::Here;
use crate::kill::KillSwitch;

/// Approvals that are kept in a database until an approver answers.
#[pyclass(frozen, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct DurableApprovals(pub(crate) Here<enforce::DurableApprovals>);

#[pymethods]
impl DurableApprovals {
    #[new]
    #[pyo3(signature = (database, *, approvers, roles, used=None))]
    fn new(
        py: Python<'_>,
        database: PathBuf,
        approvers: PathBuf,
        roles: Vec<String>,
        used: Option<PathBuf>,
    ) -> PyResult<Self> {
        let files = ApprovalFiles {
            database,
            approvers,
            used,
            roles,
        };
        let opened = py.detach(|| files.open()).map_err(Fault::from)?;
        Ok(Self(Here::new(opened)))
    }
}

/// The options, by name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options<'py> {
    pub(crate) engine: Option<Bound<'py, Engine>>,
    pub(crate) durable: Option<Bound<'py, DurableApprovals>>,
    pub(crate) audit_log: Option<PathBuf>,
    pub(crate) dangerous_continue_unrecorded: bool,
    pub(crate) kill_switch: Option<Bound<'py, KillSwitch>>,
    pub(crate) disclose_constraints: bool,
}

/// The options without Python.
pub(crate) struct Settings {
    durable: Option<enforce::DurableApprovals>,
    audit_log: Option<PathBuf>,
    on_failure: OnRecordFailure,
    pub(crate) kill: Option<enforce::KillSwitch>,
    disclosure: Disclosure,
}

impl Options<'_> {
    pub(crate) fn settings(&self) -> Result<Settings, Fault> {
        let durable = self.durable.as_ref();
        let kill = self.kill_switch.as_ref();
        Ok(Settings {
            durable: durable.map(|it| it.get().0.get().cloned()).transpose()?,
            audit_log: self.audit_log.clone(),
            on_failure: if self.dangerous_continue_unrecorded {
                OnRecordFailure::Continue
            } else {
                OnRecordFailure::Deny
            },
            kill: kill.map(|it| it.get().0.get().cloned()).transpose()?,
            disclosure: if self.disclose_constraints {
                Disclosure::Constraints
            } else {
                Disclosure::Nothing
            },
        })
    }
}

impl Settings {
    /// Two enforcers of the same policy, switch and record: one whose calls wait for people, and one whose calls do not happen where people would have to
    /// be asked.
    pub(crate) fn build(
        self,
        agent: &str,
        live: &LivePolicy,
        kill: &enforce::KillSwitch,
    ) -> Result<(enforce::Enforcer, enforce::Enforcer), Fault> {
        let recorder = self
            .audit_log
            .as_deref()
            .map(AuditRecorder::in_folder)
            .transpose()
            .map_err(|error| Fault::audit(&*error))?
            .map(Arc::new);
        let builder = |approvals: Approvals| -> EnforcerBuilder {
            let builder = enforce::Enforcer::builder(agent, live)
                .kill_switch(kill)
                .approvals(approvals)
                .disclosure(self.disclosure)
                .observer(see);
            match &recorder {
                Some(recorder) => builder.recorder(recorder.clone(), self.on_failure),
                None => builder,
            }
        };
        let asks = match self.durable {
            Some(durable) => Approvals::handler(durable),
            None => Approvals::handler(Desk),
        };
        let asking = builder(asks).build()?;
        let silent = builder(Approvals::Nobody).build()?;
        Ok((asking, silent))
    }
}
