//! Policies, compiled and asked, without callers and records.

use std::path::PathBuf;
use std::time::SystemTime;

use hexgate_base::{PublicKey, TrustedKeys};
use hexgate_compiler::diagnostic::render::{Format, render};
use hexgate_compiler::{Compiler, RegoOptions};
use hexgate_enforce::host::bundle::{Expectation, UnverifiedBundle};
use hexgate_enforce::host::{self, ApprovalTerms, Denial, PathScope, Request};
use hexgate_enforce::source::SourceError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::engine::{self, Engine};
use crate::fault::Fault;
use crate::here::Here;
use crate::json::text_of;

/// A policy that can be asked. It knows no callers and records nothing: an `Enforcer` does.
#[pyclass(frozen, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct Policy {
    policy: Here<host::Policy>,
    origin: String,
    warnings: Option<String>,
    component: Option<Vec<u8>>,
}

/// What a policy says of a call.
#[pyclass(frozen, get_all, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct Verdict {
    /// `allow`, `deny` or `needs_approval`.
    outcome: &'static str,
    /// Why, for the operator. Empty if the call is allowed.
    reason: String,
    /// What the policy's author wants the model to be told.
    message: Option<String>,
    /// The conditions that were not true.
    violations: Vec<String>,
    /// The role on whose authority the call may happen.
    role: Option<String>,
    /// Where the call could have gone instead.
    hint: Option<Py<PyDict>>,
    /// Who has to agree.
    terms: Option<Py<PyDict>>,
}

#[pymethods]
impl Verdict {
    #[getter]
    fn allowed(&self) -> bool {
        self.outcome == "allow"
    }

    /// A verdict is no truth value: a test of it that forgets `.allowed` must not let a call through.
    fn __bool__(&self) -> PyResult<bool> {
        Err(no_truth_value("Verdict"))
    }

    fn __repr__(&self) -> String {
        format!("Verdict({:?}, {:?})", self.outcome, self.reason)
    }
}

/// The exception for `if verdict:`.
pub(crate) fn no_truth_value(class: &str) -> PyErr {
    pyo3::exceptions::PyTypeError::new_err(format!(
        "a {class} is no truth value: ask `.allowed` or `.outcome`"
    ))
}

#[pymethods]
impl Policy {
    /// Compiles a policy in YAML.
    #[staticmethod]
    #[pyo3(signature = (text, *, name="policy.yaml", engine=None))]
    fn from_yaml(
        py: Python<'_>,
        text: &str,
        name: &str,
        engine: Option<&Bound<'_, Engine>>,
    ) -> PyResult<Self> {
        let engine = engine::engine(py, engine)?;
        Ok(py.detach(|| {
            let (component, warnings) = compiled(name, text)?;
            Self::of(&engine, component, name.to_owned(), warnings)
        })?)
    }

    /// Compiles a policy: a file, a folder of roles, or Rego.
    #[staticmethod]
    #[pyo3(signature = (path, *, engine=None))]
    fn from_file(
        py: Python<'_>,
        path: PathBuf,
        engine: Option<&Bound<'_, Engine>>,
    ) -> PyResult<Self> {
        let engine = engine::engine(py, engine)?;
        Ok(py.detach(|| {
            let outcome = Compiler::default()
                .make(&path, None, &RegoOptions::default())
                .map_err(|error| SourceError::Make {
                    path: path.clone(),
                    source: Box::new(error),
                })?;
            let said = render(&outcome.diagnostics, &outcome.sources, Format::Human, false);
            let Some(artifact) = &outcome.policy else {
                return Err(Fault::from(SourceError::Compile {
                    path,
                    diagnostics: said,
                }));
            };
            let warnings = (!outcome.diagnostics.is_empty()).then_some(said);
            let component = artifact.component().to_vec();
            Self::of(&engine, component, path.display().to_string(), warnings)
        })?)
    }

    /// Reads the folder of a bundle for an agent and verifies it.
    #[staticmethod]
    #[pyo3(signature = (path, *, public_keys, agent, project=None, dangerous_unsigned=false, engine=None))]
    fn from_bundle(
        py: Python<'_>,
        path: PathBuf,
        public_keys: Vec<Bound<'_, PyAny>>,
        agent: String,
        project: Option<String>,
        dangerous_unsigned: bool,
        engine: Option<&Bound<'_, Engine>>,
    ) -> PyResult<Self> {
        let engine = engine::engine(py, engine)?;
        let keys = trusted(&public_keys, dangerous_unsigned)?;
        let policy = py.detach(|| {
            let mut expectation = Expectation::agent(agent);
            if let Some(project) = project {
                expectation = expectation.in_project(project);
            }
            let bundle = UnverifiedBundle::read(&path).map_err(SourceError::from)?;
            let now = SystemTime::now();
            match keys {
                Some(keys) => {
                    let bundle = bundle
                        .verify(&keys, &expectation, now)
                        .map_err(SourceError::from)?;
                    Ok::<_, Fault>(host::Policy::load(&engine, &bundle)?)
                }
                None => {
                    let bundle = bundle
                        .dangerous_without_signature(&expectation, now)
                        .map_err(SourceError::from)?;
                    Ok(host::Policy::dangerous_load_unsigned(&engine, &bundle)?)
                }
            }
        })?;
        Ok(Self {
            policy: Here::new(policy),
            origin: path.display().to_string(),
            warnings: None,
            component: None,
        })
    }

    /// What the policy says of a call by somebody with these roles.
    #[pyo3(signature = (tool, arguments, *, roles=Vec::new(), facts=None))]
    fn decide(
        &self,
        py: Python<'_>,
        tool: &str,
        arguments: &Bound<'_, PyAny>,
        roles: Vec<String>,
        facts: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Verdict> {
        let policy = self.policy.get()?;
        let arguments = text_of(arguments)?;
        let facts = facts.map(text_of).transpose()?;
        let (verdict, terms) = py.detach(|| {
            let names: Vec<&str> = roles.iter().map(String::as_str).collect();
            let mut request = Request::new(tool, &arguments).roles(&names);
            if let Some(facts) = &facts {
                request = request.facts(facts);
            }
            let verdict = policy.decide(&request)?;
            let terms = match &verdict {
                host::Verdict::NeedsApproval(needed) => {
                    needed.terms.map(|id| policy.terms(id)).transpose()?
                }
                _ => None,
            };
            Ok::<_, Fault>((verdict, terms.flatten()))
        })?;
        verdict_of(py, verdict, terms, &roles, tool)
    }

    /// Whether there is a call of the tool that somebody with these roles could make.
    #[pyo3(signature = (tool, *, roles=Vec::new()))]
    fn may_ever_call(&self, py: Python<'_>, tool: &str, roles: Vec<String>) -> PyResult<bool> {
        let policy = self.policy.get()?;
        let description = py.detach(|| policy.describe()).map_err(Fault::from)?;
        let names: Vec<&str> = roles.iter().map(String::as_str).collect();
        Ok(description.may_ever_call(&names, tool))
    }

    /// The names of the roles.
    #[getter]
    fn roles(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let policy = self.policy.get()?;
        let description = py.detach(|| policy.describe()).map_err(Fault::from)?;
        Ok(description
            .roles
            .into_iter()
            .map(|role| role.name)
            .collect())
    }

    /// The facts that the policy looks at.
    #[getter]
    fn facts(&self) -> PyResult<Vec<String>> {
        Ok(self.policy.get()?.about().facts.clone())
    }

    /// Where it came from.
    #[getter]
    fn origin(&self) -> &str {
        &self.origin
    }

    /// What the compiler warns of, for people. None: nothing, or it was compiled elsewhere.
    #[getter]
    fn warnings(&self) -> Option<&str> {
        self.warnings.as_deref()
    }

    /// The component that was compiled here. None: it was compiled elsewhere.
    #[getter]
    fn component<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.component
            .as_deref()
            .map(|component| PyBytes::new(py, component))
    }

    fn __repr__(&self) -> String {
        format!("Policy({:?})", self.origin)
    }
}

impl Policy {
    fn of(
        engine: &host::Engine,
        component: Vec<u8>,
        origin: String,
        warnings: Option<String>,
    ) -> Result<Self, Fault> {
        // It was compiled in this process, from what the program named.
        let policy = host::Policy::dangerous_from_unverified_bytes(engine, &component)?;
        Ok(Self {
            policy: Here::new(policy),
            origin,
            warnings,
            component: Some(component),
        })
    }
}

/// A policy in YAML as a component, with the compiler's warnings.
pub(crate) fn compiled(name: &str, text: &str) -> Result<(Vec<u8>, Option<String>), SourceError> {
    let outcome = Compiler::default().compile_str(name, text);
    let said = render(&outcome.diagnostics, &outcome.sources, Format::Human, false);
    match outcome.policy {
        Some(policy) => Ok((
            policy.component,
            (!outcome.diagnostics.is_empty()).then_some(said),
        )),
        None => Err(SourceError::Compile {
            path: PathBuf::from(name),
            diagnostics: said,
        }),
    }
}

/// A public key: its text, its 32 bytes, or the path of its file.
pub(crate) fn public_key(key: &Bound<'_, PyAny>) -> Result<PublicKey, Fault> {
    let read = if let Ok(bytes) = key.extract::<[u8; 32]>() {
        PublicKey::from_bytes(&bytes)
    } else if let Ok(text) = key.extract::<String>()
        && text.trim_end().len() == 43
        && !text.contains(['/', '.'])
    {
        PublicKey::from_text(&text)
    } else if let Ok(path) = key.extract::<PathBuf>() {
        PublicKey::from_file(path)
    } else {
        return Err(Fault::new(
            "PolicyError",
            "key",
            "a public key is its text, its 32 bytes, or the path of its file",
            "give one of these",
        ));
    };
    read.map_err(|error| Fault::key(&error))
}

/// The trusted keys. None: the caller says that nothing need be signed.
pub(crate) fn trusted(
    keys: &[Bound<'_, PyAny>],
    dangerous_unsigned: bool,
) -> Result<Option<TrustedKeys>, Fault> {
    match (keys.is_empty(), dangerous_unsigned) {
        (true, true) => Ok(None),
        (false, true) => Err(Fault::new(
            "PolicyError",
            "contradiction",
            "there are trusted keys, and `dangerous_unsigned` says that nothing need be signed",
            "leave one of them out",
        )),
        (true, false) => Err(Fault::new(
            "PolicyError",
            "key",
            "no public key is trusted, so no bundle can be verified",
            "pass `public_keys=[...]` with the signer's key",
        )),
        (false, false) => {
            let keys: Result<TrustedKeys, Fault> = keys.iter().map(public_key).collect();
            keys.map(Some)
        }
    }
}

fn verdict_of(
    py: Python<'_>,
    verdict: host::Verdict,
    terms: Option<ApprovalTerms>,
    roles: &[String],
    tool: &str,
) -> PyResult<Verdict> {
    let role = |index: Option<u32>| match index {
        None => Some("default".to_owned()),
        Some(index) => roles.get(usize::try_from(index).ok()?).cloned(),
    };
    let none = Verdict {
        outcome: "deny",
        reason: String::new(),
        message: None,
        violations: Vec::new(),
        role: None,
        hint: None,
        terms: None,
    };
    Ok(match verdict {
        host::Verdict::Allow(grant) => Verdict {
            outcome: "allow",
            role: role(grant.role),
            ..none
        },
        host::Verdict::NeedsApproval(needed) => Verdict {
            outcome: "needs_approval",
            reason: host::contract::approval(tool),
            message: needed.message,
            role: role(needed.grant.role),
            terms: terms.map(|terms| terms_of(py, &terms)).transpose()?,
            ..none
        },
        host::Verdict::Deny(Denial {
            reason,
            violations,
            hint,
            message,
        }) => Verdict {
            reason,
            violations,
            message,
            hint: hint.map(|hint| hint_of(py, &hint)).transpose()?,
            ..none
        },
    })
}

/// Who has to agree, as a dictionary without what is not said.
pub(crate) fn terms_of(py: Python<'_>, terms: &ApprovalTerms) -> PyResult<Py<PyDict>> {
    let all = PyDict::new(py);
    if !terms.roles.is_empty() {
        all.set_item("roles", &terms.roles)?;
    }
    if let Some(seconds) = terms.expires {
        all.set_item("expires_seconds", seconds)?;
    }
    if let Some(approvers) = terms.approvers {
        all.set_item("approvers", approvers)?;
    }
    if let Some(required) = terms.reason_required {
        all.set_item("reason_required", required)?;
    }
    Ok(all.unbind())
}

/// Where a call could have gone, as a dictionary without empty lists.
pub(crate) fn hint_of(py: Python<'_>, hint: &PathScope) -> PyResult<Py<PyDict>> {
    let all = PyDict::new(py);
    for (name, paths) in [
        ("allowed_paths", &hint.allowed),
        ("denied_paths", &hint.denied),
        ("except_paths", &hint.except),
    ] {
        if !paths.is_empty() {
            all.set_item(name, paths)?;
        }
    }
    Ok(all.unbind())
}
