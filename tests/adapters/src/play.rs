//! One scenario that is played in one host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hexgate_enforce::{Approvals, Caller, Enforcer, EnforcerBuilder, OnRecordFailure};
use tempfile::TempDir;

use crate::approver::Approver;
use crate::driver::Driver;
use crate::gate::Gates;
use crate::record::Records;
use crate::scenario::{AgentSpec, Around, Fault, Scenario, ToolSpec};
use crate::script::Script;
use crate::seen::Seen;
use crate::toolbox::Toolbox;

/// The agent of a play, as bundles and records call it.
const AGENT: &str = "kit";
/// How long ends of calls are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// One scenario that is played in one host. Cloning gives the same one.
#[derive(Debug, Clone)]
pub struct Play(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    scenario: Scenario,
    folder: TempDir,
    gates: Arc<Gates>,
    toolbox: Toolbox,
    approver: Approver,
    script: Script,
    records: Records,
    names: BTreeMap<String, String>,
}

impl Play {
    pub(crate) fn new(driver: &dyn Driver, scenario: &Scenario) -> Self {
        let folder = tempfile::tempdir()
            .unwrap_or_else(|error| panic!("there is no folder for a play: {error}"));
        let below = agents(scenario).flat_map(|(_, agent)| &agent.tools);
        let names: BTreeMap<String, String> = scenario
            .tools
            .iter()
            .chain(below)
            .map(|tool| (tool.name.clone(), driver.policy_name(tool)))
            .collect();
        let gates = Arc::new(Gates::new(folder.path(), scenario.gate, names.clone()));
        gates.write(AGENT, &scenario.policy);
        for (name, agent) in agents(scenario) {
            gates.write(name, agent.policy.as_ref().unwrap_or(&scenario.policy));
        }
        let toolbox = Toolbox::new(scenario);
        let answers = scenario.approvals.clone().unwrap_or_default();
        Self(Arc::new(Inner {
            approver: Approver::new(AGENT, &gates, &toolbox, answers),
            script: Script::new(AGENT, &gates, scenario.turns.clone()),
            records: Records::new(scenario.gate),
            scenario: scenario.clone(),
            folder,
            gates,
            toolbox,
            names,
        }))
    }

    /// The scenario.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.0.scenario
    }

    /// The agent, as the bundle and the records call it.
    #[must_use]
    pub fn agent(&self) -> &'static str {
        AGENT
    }

    /// On whose behalf. None: nobody is known.
    #[must_use]
    pub fn caller(&self) -> Option<Caller> {
        let spec = self.0.scenario.caller.as_ref()?;
        let caller = Caller::builder(spec.user.as_str()).roles(&spec.roles);
        let caller = caller.build();
        Some(caller.unwrap_or_else(|error| panic!("the caller of the scenario is none: {error}")))
    }

    /// What decides: with the play's recorder, its people and its kill switch. A host may add to it.
    ///
    /// # Errors
    ///
    /// There is no policy that decides. The host has to do what it does then.
    pub fn enforcer(&self) -> Result<EnforcerBuilder, String> {
        self.enforcer_of(AGENT)
    }

    /// As [`enforcer`](Self::enforcer), for another agent of the scenario.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn enforcer_of(&self, agent: &str) -> Result<EnforcerBuilder, String> {
        let live = self.0.gates.open(agent)?;
        let approvals = match self.0.scenario.approvals {
            None => Approvals::Nobody,
            Some(_) => Approvals::handler(self.0.approver.clone()),
        };
        Ok(Enforcer::builder(agent, &live)
            .recorder(self.0.records.clone(), OnRecordFailure::Deny)
            .kill_switch(&self.0.gates.kill)
            .approvals(approvals))
    }

    /// The folder with the agent's bundle, which is written anew when the policy changes. It is not there where a scenario has no policy.
    #[must_use]
    pub fn bundle(&self) -> PathBuf {
        self.0.gates.bundle(AGENT)
    }

    /// The file of the key that signed it.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.0.gates.key_file()
    }

    /// A folder of this play alone, for what the host keeps.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.0.folder.path()
    }

    /// The tools of the scenario.
    #[must_use]
    pub fn tools(&self) -> &[ToolSpec] {
        &self.0.scenario.tools
    }

    /// What runs when a tool does.
    #[must_use]
    pub fn toolbox(&self) -> &Toolbox {
        &self.0.toolbox
    }

    /// What the model proposes.
    #[must_use]
    pub fn script(&self) -> &Script {
        &self.0.script
    }

    /// What the model of another agent proposes.
    #[must_use]
    pub fn script_of(&self, name: &str, agent: &AgentSpec) -> Script {
        Script::new(name, &self.0.gates, agent.turns.clone())
    }

    /// Who is asked, for hosts that ask by a road of their own. None: nobody can be asked.
    #[must_use]
    pub fn approver(&self) -> Option<&Approver> {
        self.0.scenario.approvals.as_ref().map(|_| &self.0.approver)
    }

    /// What happens around the gate.
    #[must_use]
    pub fn around(&self) -> &Around {
        &self.0.scenario.around
    }

    /// What policies call a tool.
    #[must_use]
    pub fn policy_name(&self, tool: &str) -> String {
        self.0
            .names
            .get(tool)
            .cloned()
            .unwrap_or_else(|| tool.to_owned())
    }

    /// Ends when the run is to be cancelled; never, if it is not to be.
    pub async fn cancelled(&self) {
        self.0.toolbox.cancelled().await;
    }

    /// What was seen, with what the model read of each call that it proposed. Waits a while for the ends of calls to be recorded.
    pub async fn seen(&self, read: Vec<String>) -> Seen {
        let began = Instant::now();
        let settles = self.0.scenario.gate != Fault::EndsUnrecorded;
        while settles && !self.0.records.are_settled() && began.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Seen {
            ran: self.0.toolbox.ran(),
            read,
            records: self.0.records.all(),
            asked: self.0.approver.asked(),
            no_gate: None,
            named_uncovered: Vec::new(),
            oddities: self.0.records.oddities(),
        }
    }

    /// What was seen of a host that refuses to begin.
    #[must_use]
    pub fn without_gate(&self, reason: String) -> Seen {
        Seen {
            ran: self.0.toolbox.ran(),
            records: self.0.records.all(),
            asked: self.0.approver.asked(),
            no_gate: Some(reason),
            ..Seen::default()
        }
    }

    pub(crate) fn filled(&self, text: &str) -> String {
        self.0.gates.filled(text)
    }
}

fn agents(scenario: &Scenario) -> impl Iterator<Item = (&str, &AgentSpec)> {
    let tools = scenario.tools.iter();
    tools.filter_map(|tool| Some((tool.name.as_str(), tool.agent.as_ref()?)))
}
