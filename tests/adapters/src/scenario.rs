//! What is in a scenario. `README.md` describes each member.

mod expect;
mod read;

use serde::Deserialize;
use serde_json::Value;

pub use expect::{
    EndSpec, Expect, ExpectedAsk, ExpectedRead, ExpectedRecord, ExpectedRun, OutcomeSpec, Outcomes,
};
pub use read::{ScenarioError, scenarios};

/// A scenario, as one file of `scenarios/` has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The name of its file, without the ending.
    #[serde(skip)]
    pub name: String,
    /// The heading under which the table has it.
    pub section: String,
    /// What must hold, one sentence.
    pub behaviour: String,
    /// The policy in YAML, a line each. `<NAME>` stands for what the host's policies call the tool.
    pub policy: Vec<String>,
    /// On whose behalf. None: nobody is known.
    #[serde(default = "CallerSpec::alice")]
    pub caller: Option<CallerSpec>,
    /// The tools that there are.
    pub tools: Vec<ToolSpec>,
    /// What the model proposes, an answer each. After the last one it says `Done.`
    pub turns: Vec<TurnSpec>,
    /// What people answer, in the order in which they are asked. None: nobody can be asked.
    #[serde(default)]
    pub approvals: Option<Vec<Answers>>,
    /// What is wrong with the gate.
    #[serde(default)]
    pub gate: Fault,
    /// What happens around the gate.
    #[serde(default)]
    pub around: Around,
    /// What must be seen.
    pub expect: Expect,
}

/// On whose behalf the agent acts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerSpec {
    /// The user's id.
    pub user: String,
    /// The roles, in order.
    #[serde(default)]
    pub roles: Vec<String>,
}

impl CallerSpec {
    #[allow(
        clippy::unnecessary_wraps,
        reason = "serde wants the type of the field"
    )]
    fn alice() -> Option<Self> {
        Some(Self {
            user: "alice".to_owned(),
            roles: vec!["user".to_owned()],
        })
    }
}

/// A tool.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: Kind,
    /// The schema of its arguments. Default: any object.
    #[serde(default = "any_object")]
    pub schema: Value,
    /// What it does at its first call, its second, and so on. The last one repeats. Default: it answers `done`.
    #[serde(default = "done")]
    pub does: Vec<Act>,
    /// Whether calls of it may run side by side.
    #[serde(default)]
    pub parallel: bool,
    /// The agent, for a tool that is one.
    #[serde(default)]
    pub agent: Option<AgentSpec>,
}

impl ToolSpec {
    /// What the model reads of it.
    #[must_use]
    pub fn description(&self) -> String {
        format!("The tool `{}` of a test.", self.name)
    }

    /// Another one of the same kind, with a name of its own.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self.clone()
        }
    }
}

fn any_object() -> Value {
    serde_json::json!({"type": "object"})
}

fn done() -> Vec<Act> {
    vec![Act::Text("done".to_owned())]
}

/// What a tool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A function of the host's own language.
    #[default]
    Function,
    /// A tool of a server of the Model Context Protocol that is called `files`.
    Mcp,
    /// Another agent, which answers.
    Agent,
    /// Another agent, which goes on with the conversation.
    Handoff,
    /// A function that comes into being before the turn that adds it.
    Later,
    /// A tool that the model's provider runs.
    Provider,
    /// No tool at all: the model makes it up.
    Unknown,
}

/// What a tool does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Answers this.
    Text(String),
    /// Fails with this message.
    Fail(String),
    /// Panics, or raises an error that its host does not expect.
    Panic(String),
    /// Never ends.
    Hang,
    /// Answers once so many calls of tools run at the same time.
    Meet(usize),
}

/// Another agent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSpec {
    /// Its policy. None: that of the scenario.
    #[serde(default)]
    pub policy: Option<Vec<String>>,
    /// Its tools.
    pub tools: Vec<ToolSpec>,
    /// What its model proposes.
    pub turns: Vec<TurnSpec>,
}

/// An answer of the model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnSpec {
    /// What changes before it.
    #[serde(default)]
    pub before: Option<Change>,
    /// The tools of the kind `later` that come into being before it.
    #[serde(default)]
    pub adds: Vec<String>,
    /// Its text.
    #[serde(default)]
    pub text: String,
    /// What it proposes.
    pub calls: Vec<CallSpec>,
    /// Whether its stream breaks off after that, without an end.
    #[serde(default)]
    pub broken: bool,
}

/// A proposed call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallSpec {
    /// The tool's name in the scenario.
    pub tool: String,
    /// The arguments as the model writes them, byte for byte.
    pub arguments: String,
}

/// What changes while a play goes on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Another policy decides from now on.
    Policy(Vec<String>),
    /// The user is stopped.
    StopUser(String),
}

/// What a person answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// The answer.
    pub answer: AnswerSpec,
    /// What changes before it is given.
    #[serde(default)]
    pub meanwhile: Option<Change>,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerSpec {
    /// Yes.
    Approve,
    /// No.
    Refuse,
    /// Never.
    Hang,
    /// Nobody can be asked: the road to people fails.
    Fail,
    /// The road to people panics.
    Panic,
}

/// What is wrong with the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The policy traps.
    Traps,
    /// The policy never answers, until its fuel is used up.
    Loops,
    /// The policy's bundle has expired.
    Expired,
    /// There is no policy.
    Missing,
    /// Nothing can be recorded.
    RecorderFails,
    /// What records panics.
    RecorderPanics,
    /// The end of a call cannot be recorded.
    EndsUnrecorded,
}

/// What happens around the gate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Around {
    /// Another hook changes the arguments before the gate sees them.
    pub rewrite_before: Option<Rewrite>,
    /// Another hook changes the arguments after the gate saw them.
    pub rewrite_after: Option<Rewrite>,
    /// The gate stands twice around the same tools.
    pub wrapped_twice: bool,
    /// When the run is cancelled.
    pub cancel: Option<Cancel>,
    /// How the host is entered.
    pub entry: Entry,
}

/// What another hook makes of the arguments of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    /// The tool.
    pub tool: String,
    /// The arguments that it puts in the place of the proposed ones.
    pub arguments: String,
}

/// When a run is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancel {
    /// Once a tool has begun.
    InTool,
    /// Once a person is asked.
    WhileAsked,
}

/// How a host is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// By what waits for the whole answer.
    #[default]
    Plain,
    /// By what tells of the run while it goes on.
    Streamed,
}
