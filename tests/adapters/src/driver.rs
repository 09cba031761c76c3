//! What a host has to bring so that it can be looked at.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::play::Play;
use crate::scenario::{Kind, Scenario, ToolSpec};
use crate::seen::Seen;

/// Plays scenarios in one host.
#[async_trait]
pub trait Driver: Send + Sync + 'static {
    /// The name of the host's file of coverage: letters, digits and `-`.
    fn host(&self) -> &'static str;

    /// What people call the host, with the version of the framework if there is one. The head of its column.
    fn title(&self) -> &'static str;

    /// Whether the host hands the very bytes to a tool that the model wrote. If not, it reads and writes the arguments on the way: then the bytes
    /// that are decided and those that run are compared as JSON values with what the model wrote. Default: it does.
    fn keeps_bytes(&self) -> bool {
        true
    }

    /// What the host's policies call a tool. Default: its own name, that of an agent as the runtime has it, that of a server's tool with
    /// `mcp-files-` before it.
    fn policy_name(&self, tool: &ToolSpec) -> String {
        match tool.kind {
            Kind::Mcp => format!("mcp-files-{}", tool.name),
            Kind::Agent => format!("agent.tool:{}", tool.name),
            Kind::Handoff => format!("agent.handoff:{}", tool.name),
            Kind::Function | Kind::Later | Kind::Provider | Kind::Unknown => tool.name.clone(),
        }
    }

    /// Why this scenario does not hold in this host. Default: it holds.
    fn uncovered(&self, scenario: &Scenario) -> Option<Uncovered> {
        let _ = scenario;
        None
    }

    /// What the host can do without asking, by name. Default: nothing.
    fn ungated(&self) -> Vec<Ungated> {
        Vec::new()
    }

    /// Plays a scenario, and tells what was seen.
    ///
    /// # Errors
    ///
    /// The host does not do what the driver knows of it.
    async fn play(&self, play: Play) -> Result<Seen, String>;
}

/// Why a scenario does not hold in a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Uncovered {
    /// The host has no such thing, so the scenario is not played.
    Absent(String),
    /// The host has it, and it does not hold there. The scenario is played, and one that passes all the same fails the test: the reason is out of
    /// date.
    Open(String),
    /// As [`Open`](Self::Open), in these respects alone. In all others the scenario has to hold.
    OpenIn(Vec<Aspect>, String),
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Which tools run, how often, and with which bytes.
    Ran,
    /// What the model reads.
    Read,
    /// What is recorded, of whom, and how calls ended.
    Records,
    /// What people are asked.
    Asked,
    /// What the host says that it does not gate.
    Named,
    /// Whether the host begins at all.
    Begins,
}

impl Uncovered {
    /// The host has no such thing.
    pub fn absent(reason: impl Into<String>) -> Option<Self> {
        Some(Self::Absent(reason.into()))
    }

    /// The host has it, and it does not hold there.
    pub fn open(reason: impl Into<String>) -> Option<Self> {
        Some(Self::Open(reason.into()))
    }

    /// The host has it, and it does not hold there in these respects.
    pub fn open_in(aspects: &[Aspect], reason: impl Into<String>) -> Option<Self> {
        Some(Self::OpenIn(aspects.to_vec(), reason.into()))
    }

    /// Whether a difference in this respect is declared.
    #[must_use]
    pub fn declares(&self, aspect: Aspect) -> bool {
        match self {
            Self::Absent(_) => false,
            Self::Open(_) => true,
            Self::OpenIn(aspects, _) => aspects.contains(&aspect),
        }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Absent(reason) | Self::Open(reason) | Self::OpenIn(_, reason) => reason,
        }
    }
}

/// Something that a host can do without asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ungated {
    /// What it is called.
    pub name: String,
    /// Why it is not gated.
    pub reason: String,
}

impl Ungated {
    /// This, for that reason.
    pub fn new(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            reason: reason.into(),
        }
    }
}
