//! What was decided.

use std::time::UNIX_EPOCH;

use hexgate_base::Digest;
use hexgate_enforce as enforce;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Serialize;

use crate::fault::Fault;
use crate::here::Here;
use crate::policy::{hint_of, no_truth_value, terms_of};

/// The decision about one call. It permits nothing by itself.
#[pyclass(frozen, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct Decision(Here<enforce::Decision>);

impl Decision {
    pub(crate) fn new(decision: enforce::Decision) -> Self {
        Self(Here::new(decision))
    }

    pub(crate) fn get(&self) -> Result<&enforce::Decision, Fault> {
        self.0.get()
    }
}

/// What an approval is for.
#[derive(Serialize)]
struct Bond<'a> {
    agent: &'a str,
    component: Digest,
    manifest: Option<Digest>,
    user: &'a str,
    roles: &'a [String],
    session: Option<&'a str>,
    attributes: &'a std::collections::BTreeMap<String, enforce::Attribute>,
    tool: &'a str,
    arguments: &'a str,
}

/// The name of what a person is asked about: this very call, on behalf of this caller, under this policy.
pub(crate) fn approval_key(decision: &enforce::Decision) -> Option<String> {
    let caller = decision.caller()?;
    let bound = Bond {
        agent: decision.agent(),
        component: decision.policy().component,
        manifest: decision.policy().manifest,
        user: caller.user_id(),
        roles: caller.roles(),
        session: caller.session(),
        attributes: caller.attributes(),
        tool: decision.tool(),
        arguments: decision.arguments(),
    };
    let text = serde_json::to_vec(&bound).ok()?;
    Some(Digest::of(&text).to_string())
}

#[pymethods]
impl Decision {
    #[getter]
    fn id(&self) -> PyResult<String> {
        Ok(self.get()?.id().to_string())
    }

    /// `allow`, `deny` or `needs_approval`.
    #[getter]
    fn outcome(&self) -> PyResult<&'static str> {
        Ok(self.get()?.outcome().as_str())
    }

    #[getter]
    fn allowed(&self) -> PyResult<bool> {
        Ok(self.get()?.is_allowed())
    }

    /// What decided: `policy`, `no_scope`, `stopped` and so on.
    #[getter]
    fn cause(&self) -> PyResult<&'static str> {
        Ok(self.get()?.cause().as_str())
    }

    #[getter]
    fn agent_name(&self) -> PyResult<&str> {
        Ok(self.get()?.agent())
    }

    #[getter]
    fn tool_name(&self) -> PyResult<&str> {
        Ok(self.get()?.tool())
    }

    /// On whose behalf. None: nobody was in scope.
    #[getter]
    fn user_id(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.caller().map(enforce::Caller::user_id))
    }

    #[getter]
    fn session_id(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.caller().and_then(enforce::Caller::session))
    }

    #[getter]
    fn user_roles(&self) -> PyResult<Vec<String>> {
        let caller = self.get()?.caller();
        Ok(caller.map_or_else(Vec::new, |caller| caller.roles().to_vec()))
    }

    /// The role on whose authority the call may happen.
    #[getter]
    fn role(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.role())
    }

    /// Why, for the operator. Empty if the call is allowed.
    #[getter]
    fn reason(&self) -> PyResult<&str> {
        Ok(self.get()?.reason())
    }

    /// What the policy's author wants the model to be told.
    #[getter]
    fn message(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.message())
    }

    /// `policy_denied` or `approval_required`.
    #[getter]
    fn error_type(&self) -> PyResult<Option<&'static str>> {
        Ok(self.get()?.error_type())
    }

    #[getter]
    fn violations(&self) -> PyResult<Vec<String>> {
        Ok(self.get()?.violations().to_vec())
    }

    #[getter]
    fn hint(&self, py: Python<'_>) -> PyResult<Option<Py<PyDict>>> {
        self.get()?.hint().map(|hint| hint_of(py, hint)).transpose()
    }

    /// Who has to agree, by the policy.
    #[getter]
    fn approval_terms(&self, py: Python<'_>) -> PyResult<Option<Py<PyDict>>> {
        let terms = self.get()?.approval_terms();
        terms.map(|terms| terms_of(py, terms)).transpose()
    }

    /// The text that was decided.
    #[getter]
    fn arguments_json(&self) -> PyResult<&str> {
        Ok(self.get()?.arguments())
    }

    /// What the policy saw beside the arguments, as JSON.
    #[getter]
    fn facts_json(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.facts())
    }

    /// The policy that decided: `origin`, `component`, and of a bundle `manifest`, `sequence`, `agent`, `project`.
    #[getter]
    fn policy(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        policy_of(py, self.get()?.policy())
    }

    /// Seconds since 1970.
    #[getter]
    fn decided_at(&self) -> PyResult<f64> {
        let since = self.get()?.decided_at().duration_since(UNIX_EPOCH);
        Ok(since.map_or(0.0, |since| since.as_secs_f64()))
    }

    #[getter]
    fn took_seconds(&self) -> PyResult<f64> {
        Ok(self.get()?.took().as_secs_f64())
    }

    /// The id of the decision that needed approval, if this one follows it.
    #[getter]
    fn follows(&self) -> PyResult<Option<String>> {
        Ok(self.get()?.follows().map(|id| id.to_string()))
    }

    #[getter]
    fn approved_by(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.approved_by())
    }

    #[getter]
    fn approval_reason(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.approval_reason())
    }

    /// The request at the durable desk that waits for its answer.
    #[getter]
    fn pending_request(&self) -> PyResult<Option<&str>> {
        Ok(self.get()?.pending_request())
    }

    /// The name of what a person is asked about, for an approval that comes later: this call, on behalf of this caller, under this policy.
    #[getter]
    fn approval_key(&self) -> PyResult<Option<String>> {
        Ok(approval_key(self.get()?))
    }

    /// What the model may see of a denial. None: the call is allowed.
    fn as_error_payload(&self, py: Python<'_>) -> PyResult<Option<Py<PyDict>>> {
        let payload = self.get()?.model_payload();
        payload.map(|it| payload_of(py, &it)).transpose()
    }

    /// A line for the model, with its marker. None: the call is allowed.
    fn as_error_message(&self) -> PyResult<Option<String>> {
        Ok(self.get()?.model_message())
    }

    /// All details, for logs and programs of the operator: not for the model. None: the call is allowed.
    fn as_operator_payload(&self, py: Python<'_>) -> PyResult<Option<Py<PyDict>>> {
        let payload = self.get()?.payload();
        payload.map(|it| payload_of(py, &it)).transpose()
    }

    /// The call, the decision and its reason, for people.
    fn human(&self) -> PyResult<String> {
        Ok(self.get()?.human())
    }

    /// A decision is no truth value: a test of it that forgets `.allowed` must not let a call through.
    fn __bool__(&self) -> PyResult<bool> {
        Err(no_truth_value("Decision"))
    }

    fn __repr__(&self) -> PyResult<String> {
        let decision = self.get()?;
        Ok(format!(
            "Decision({:?}, {:?}, {:?})",
            decision.outcome().as_str(),
            hexgate_base::harmless(decision.tool()).to_string(),
            decision.reason()
        ))
    }
}

/// What is known of a policy, as a dictionary without what is not.
pub(crate) fn policy_of(
    py: Python<'_>,
    policy: &enforce::source::PolicyInfo,
) -> PyResult<Py<PyDict>> {
    let all = PyDict::new(py);
    all.set_item("origin", &policy.origin)?;
    all.set_item("component", policy.component.to_string())?;
    if let Some(manifest) = policy.manifest {
        all.set_item("manifest", manifest.to_string())?;
    }
    if let Some(sequence) = policy.sequence {
        all.set_item("sequence", sequence)?;
    }
    if let Some(agent) = &policy.agent {
        all.set_item("agent", agent)?;
    }
    if let Some(project) = &policy.project {
        all.set_item("project", project)?;
    }
    if let Some(signer) = &policy.signer {
        all.set_item("signer", signer.to_string())?;
    }
    Ok(all.unbind())
}

fn payload_of(py: Python<'_>, payload: &enforce::Payload<'_>) -> PyResult<Py<PyDict>> {
    let all = PyDict::new(py);
    all.set_item("type", payload.kind)?;
    all.set_item("message", &payload.message)?;
    if let Some(message) = payload.policy_message {
        all.set_item("policy_message", message)?;
    }
    all.set_item("tool_name", payload.tool_name)?;
    all.set_item("agent_name", payload.agent_name)?;
    all.set_item("retryable", payload.retryable)?;
    if let Some(role) = payload.role {
        all.set_item("role", role)?;
    }
    if let Some(hint) = &payload.hint {
        let paths = PyDict::new(py);
        for (name, list) in [
            ("allowed_paths", hint.allowed_paths),
            ("denied_paths", hint.denied_paths),
            ("except_paths", hint.except_paths),
        ] {
            if !list.is_empty() {
                paths.set_item(name, list)?;
            }
        }
        all.set_item("hint", paths)?;
    }
    if !payload.violations.is_empty() {
        all.set_item("violations", payload.violations)?;
    }
    Ok(all.unbind())
}
