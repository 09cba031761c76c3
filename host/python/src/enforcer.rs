//! From a call to a decision.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hexgate_base::guarded::guarded;
use hexgate_enforce as enforce;
use hexgate_enforce::host::bundle::Expectation;
use hexgate_enforce::resolve::{Environment, Resolver};
use hexgate_enforce::source::{
    BundleDir, Candidate, LocalPolicy, PolicyFile, PolicySource, Poll, SourceError,
};
use hexgate_enforce::{Call, Caller, LivePolicy, Refresh, Watch, scope};
use hexgate_gate::{Gate, InVain};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::value::RawValue;

use crate::asking::{Authorization, Run, Slot, refusal_of, seen};
use crate::decision::{Decision, policy_of};
use crate::engine;
use crate::fault::Fault;
use crate::here::Here;
use crate::identity::Identity;
use crate::json::text_of;
use crate::kill::KillSwitch;
use crate::options::{Options, Settings};
use crate::policy::{compiled, trusted};

/// Decides the calls of one agent.
#[pyclass(frozen, module = "hexgate_host._native")]
#[derive(Debug)]
pub(crate) struct Enforcer(Here<Inner>);

#[derive(Debug)]
struct Inner {
    asking: Gate,
    silent: Gate,
    notices: Vec<String>,
    /// Looks for another policy while the enforcer lives.
    _watch: Option<Watch>,
}

/// A policy that the program has as a text.
#[derive(Debug)]
struct Text {
    name: String,
    text: String,
    accepted: bool,
}

impl PolicySource for Text {
    fn origin(&self) -> String {
        self.name.clone()
    }

    fn poll(&mut self) -> Result<Poll, SourceError> {
        if self.accepted {
            return Ok(Poll::Unchanged);
        }
        let (component, warnings) = compiled(&self.name, &self.text)?;
        if let Some(warnings) = warnings {
            tracing::warn!(policy = %self.name, "{warnings}");
        }
        Ok(Poll::Found(Candidate::DangerousLocal(
            LocalPolicy::dangerous_new(component, self.name.clone()),
        )))
    }

    fn accepted(&mut self) {
        self.accepted = true;
    }
}

impl Enforcer {
    fn open(
        py: Python<'_>,
        agent: &str,
        options: &Options<'_>,
        watch_seconds: Option<f64>,
        source: impl PolicySource + 'static,
    ) -> PyResult<Self> {
        let engine = engine::engine(py, options.engine.as_ref())?;
        let settings = options.settings()?;
        Ok(py.detach(|| {
            let live = LivePolicy::open(&engine, source)?;
            let kill = settings.kill.clone().unwrap_or_default();
            Self::of(agent, &live, &kill, settings, Vec::new(), watch_seconds)
        })?)
    }

    fn of(
        agent: &str,
        live: &LivePolicy,
        kill: &enforce::KillSwitch,
        settings: Settings,
        notices: Vec<String>,
        watch_seconds: Option<f64>,
    ) -> Result<Self, Fault> {
        let watch = watch_seconds
            .map(|seconds| {
                let every = Duration::try_from_secs_f64(seconds)
                    .ok()
                    .filter(|every| !every.is_zero())
                    .ok_or_else(|| {
                        Fault::new(
                            "PolicyError",
                            "watch",
                            format!("`watch_seconds` is {seconds}"),
                            "give a number of seconds above zero, or none",
                        )
                    })?;
                live.watch(every).map_err(|error| {
                    Fault::new(
                        "PolicyError",
                        "watch",
                        format!("the policy cannot be watched: {error}"),
                        "refresh at the beginning of each turn instead",
                    )
                })
            })
            .transpose()?;
        let (asking, silent) = settings.build(agent, live, kill)?;
        Ok(Self(Here::new(Inner {
            asking: Gate::new(&asking),
            silent: Gate::new(&silent),
            notices,
            _watch: watch,
        })))
    }
}

/// The call with its facts.
fn call(
    caller: Option<&Caller>,
    tool: &str,
    arguments: &str,
    facts: Option<&Bound<'_, PyDict>>,
) -> Result<Call, PyErr> {
    let mut call = match caller {
        Some(caller) => Call::of(caller, tool, arguments),
        // No scope of the host's is open here: a denial.
        None => Call::in_scope(tool, arguments),
    };
    if let Some(facts) = facts {
        for (name, value) in facts.iter() {
            let name: String = name.extract()?;
            let text = RawValue::from_string(text_of(&value)?).map_err(|error| {
                Fault::new(
                    "ArgumentsError",
                    "facts",
                    format!("the facts `{name}` are no JSON: {error}"),
                    "pass an object",
                )
            })?;
            call = match name.as_str() {
                "run" => call.run(text),
                "said" => call.said(text),
                "usage" => call.usage(text),
                "user_usage" => call.user_usage(text),
                _ => {
                    return Err(Fault::new(
                        "ArgumentsError",
                        "facts",
                        format!("there are no facts `{name}`"),
                        "a host tells `run`, `said`, `usage` and `user_usage`",
                    )
                    .into());
                }
            };
        }
    }
    Ok(call)
}

#[pymethods]
impl Enforcer {
    /// By the policy that the environment names.
    #[staticmethod]
    #[pyo3(signature = (agent, options, *, environment=None, project=None, otherwise=None, watch_seconds=None))]
    fn resolve(
        py: Python<'_>,
        agent: &str,
        options: Options<'_>,
        environment: Option<BTreeMap<String, String>>,
        project: Option<String>,
        otherwise: Option<PathBuf>,
        watch_seconds: Option<f64>,
    ) -> PyResult<Self> {
        let engine = engine::engine(py, options.engine.as_ref())?;
        let settings = options.settings()?;
        Ok(py.detach(|| {
            let environment = match environment {
                Some(all) => all.into_iter().collect(),
                None => Environment::from_env()
                    .map_err(|error| Fault::from(enforce::resolve::ResolveError::from(error)))?,
            };
            let mut resolver = Resolver::new(agent, &engine);
            if let Some(project) = project {
                resolver = resolver.project(project);
            }
            if let Some(otherwise) = otherwise {
                resolver = resolver.otherwise(otherwise);
            }
            let resolved = resolver.resolve(&environment)?;
            Self::of(
                agent,
                &resolved.live,
                &resolved.kill_switch,
                settings,
                resolved.notices,
                watch_seconds,
            )
        })?)
    }

    /// By a policy in YAML that the program has as a text.
    #[staticmethod]
    #[pyo3(signature = (agent, text, options, *, name))]
    fn from_yaml(
        py: Python<'_>,
        agent: &str,
        text: String,
        options: Options<'_>,
        name: String,
    ) -> PyResult<Self> {
        let source = Text {
            name,
            text,
            accepted: false,
        };
        Self::open(py, agent, &options, None, source)
    }

    /// By the source of a policy in a file or folder.
    #[staticmethod]
    #[pyo3(signature = (agent, path, options, *, watch_seconds=None))]
    fn from_file(
        py: Python<'_>,
        agent: &str,
        path: PathBuf,
        options: Options<'_>,
        watch_seconds: Option<f64>,
    ) -> PyResult<Self> {
        let source = PolicyFile::dangerous_unsigned(path);
        Self::open(py, agent, &options, watch_seconds, source)
    }

    /// By a bundle in a folder.
    #[staticmethod]
    #[pyo3(signature = (agent, path, options, *, public_keys, project=None, dangerous_unsigned=false, watch_seconds=None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are named where they are passed"
    )]
    fn from_bundle(
        py: Python<'_>,
        agent: &str,
        path: PathBuf,
        options: Options<'_>,
        public_keys: Vec<Bound<'_, PyAny>>,
        project: Option<String>,
        dangerous_unsigned: bool,
        watch_seconds: Option<f64>,
    ) -> PyResult<Self> {
        let mut expectation = Expectation::agent(agent);
        if let Some(project) = project {
            expectation = expectation.in_project(project);
        }
        let source = match trusted(&public_keys, dangerous_unsigned)? {
            Some(keys) => BundleDir::new(path, keys, expectation),
            None => BundleDir::dangerous_without_signature(path, expectation),
        };
        Self::open(py, agent, &options, watch_seconds, source)
    }

    #[getter]
    fn agent_name(&self) -> PyResult<&str> {
        Ok(self.0.get()?.asking.enforcer().agent())
    }

    /// Lines for the operator about where the policy came from.
    #[getter]
    fn notices(&self) -> PyResult<Vec<String>> {
        Ok(self.0.get()?.notices.clone())
    }

    /// The policy that decides.
    #[getter]
    fn policy(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        policy_of(py, &self.0.get()?.asking.enforcer().live().id())
    }

    #[getter]
    fn kill_switch(&self) -> PyResult<KillSwitch> {
        let switch = self.0.get()?.asking.enforcer().kill_switch().clone();
        Ok(KillSwitch(Here::new(switch)))
    }

    /// Failures around decisions: `not_recorded`, `ends_not_recorded`.
    #[getter]
    fn counts(&self) -> PyResult<BTreeMap<&'static str, u64>> {
        let inner = self.0.get()?;
        let (asking, silent) = (
            inner.asking.enforcer().counts(),
            inner.silent.enforcer().counts(),
        );
        Ok(BTreeMap::from([
            ("not_recorded", asking.not_recorded + silent.not_recorded),
            (
                "ends_not_recorded",
                asking.ends_not_recorded + silent.ends_not_recorded,
            ),
        ]))
    }

    /// Whether the policy looks at a fact.
    fn uses_fact(&self, name: &str) -> PyResult<bool> {
        Ok(self.0.get()?.asking.enforcer().uses_fact(name))
    }

    /// Decides. Nobody is asked, nothing is permitted.
    #[pyo3(signature = (identity, tool, arguments, facts=None))]
    fn decide(
        &self,
        py: Python<'_>,
        identity: Option<&Identity>,
        tool: &str,
        arguments: &str,
        facts: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Decision> {
        let inner = self.0.get()?;
        let call = call(identity.map(|it| &it.0), tool, arguments, facts)?;
        let decided = py.detach(|| guarded(|| inner.silent.enforcer().decide_call(call)));
        Ok(Decision::new(
            decided.map_err(|panic| Fault::panicked(&panic))?,
        ))
    }

    /// Denies without asking the policy, on record.
    fn refuse(
        &self,
        py: Python<'_>,
        identity: Option<&Identity>,
        tool: &str,
        arguments: &str,
        reason: &str,
    ) -> PyResult<(String, Option<Py<Decision>>)> {
        let inner = self.0.get()?;
        let call = call(identity.map(|it| &it.0), tool, arguments, None)?;
        let refused = py.detach(|| inner.silent.refuse_call(tool, call, reason));
        refusal_of(py, refused)
    }

    /// Has a call decided that cannot run: `unknown_tool`, `invalid_arguments`, `not_offered`. Gives what the model reads, and the decisions.
    fn in_vain(
        &self,
        py: Python<'_>,
        identity: Option<&Identity>,
        tool: &str,
        arguments: &str,
        why: &str,
    ) -> PyResult<(String, Vec<Py<Decision>>)> {
        let why = match why {
            "unknown_tool" => InVain::UnknownTool,
            "invalid_arguments" => InVain::InvalidArguments,
            "not_offered" => InVain::NotOffered,
            _ => {
                return Err(Fault::new(
                    "ArgumentsError",
                    "in_vain",
                    format!("there is no reason {why:?}"),
                    "say `unknown_tool`, `invalid_arguments` or `not_offered`",
                )
                .into());
            }
        };
        let inner = self.0.get()?;
        let slot = Arc::new(Slot::default());
        let message = py.detach(|| {
            slot.within(identity.map(|it| &it.0), || {
                inner.silent.in_vain(tool, arguments, why)
            })
        });
        Ok((message, seen(py, &slot)?))
    }

    /// Whether a tool is shown to the model.
    fn shows(&self, py: Python<'_>, identity: Option<&Identity>, tool: &str) -> PyResult<bool> {
        let inner = self.0.get()?;
        let Some(identity) = identity else {
            return Ok(false);
        };
        Ok(py.detach(|| scope::sync_scope(&identity.0, || inner.silent.shows(tool))))
    }

    /// Looks for another policy. Gives `unchanged`, `replaced` or `kept`, and why it was kept.
    fn refresh(&self, py: Python<'_>) -> PyResult<(&'static str, Option<String>)> {
        let inner = self.0.get()?;
        Ok(match py.detach(|| inner.asking.enforcer().begin_turn()) {
            Refresh::Unchanged => ("unchanged", None),
            Refresh::Replaced(_) => ("replaced", None),
            Refresh::Kept(error) => ("kept", Some(hexgate_base::sentence(&*error))),
        })
    }

    /// Begins a run of the agent: looks for another policy, and asks whether the caller may run it.
    fn begin_run(&self, identity: Option<&Identity>) -> PyResult<Authorization> {
        let gate = self.0.get()?.asking.clone();
        let caller = identity.map(|it| it.0.clone());
        Ok(Authorization::new(caller, async move {
            gate.begin_run().await.map(|()| None)
        }))
    }

    /// A call on its way to a permission. `asks`: people are asked where the policy wants it.
    #[pyo3(signature = (identity, tool, arguments, *, asks, facts=None, run=None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are named where they are passed"
    )]
    fn authorize(
        &self,
        identity: Option<&Identity>,
        tool: String,
        arguments: &str,
        asks: bool,
        facts: Option<&Bound<'_, PyDict>>,
        run: Option<&Bound<'_, Run>>,
    ) -> PyResult<Authorization> {
        let inner = self.0.get()?;
        let gate = if asks { &inner.asking } else { &inner.silent }.clone();
        let call = call(identity.map(|it| &it.0), &tool, arguments, facts)?;
        let counts = run.map(|run| run.get().0.get().cloned()).transpose()?;
        let caller = identity.map(|it| it.0.clone());
        Ok(Authorization::new(caller, async move {
            match counts {
                Some(counts) => gate.decide_within(&counts, &tool, call).await.map(Some),
                None => gate.decide_call(&tool, call).await.map(Some),
            }
        }))
    }
}
