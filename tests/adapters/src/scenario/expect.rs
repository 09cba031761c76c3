//! What must be seen.

use serde::Deserialize;

/// What must be seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The tools that ran, with the very bytes, each as often as it stands here.
    pub ran: Vec<ExpectedRun>,
    /// What the model reads, one for each call that it proposed. None: that is not looked at.
    #[serde(default)]
    pub read: Option<Vec<ExpectedRead>>,
    /// What is recorded, one for each attempt.
    pub records: Vec<ExpectedRecord>,
    /// What people were asked.
    #[serde(default)]
    pub asked: Vec<ExpectedAsk>,
    /// Whether runs and records may come in any order.
    #[serde(default)]
    pub any_order: bool,
    /// Whether a host may refuse to begin, because there is nothing that decides. Then nothing is recorded.
    #[serde(default)]
    pub without_gate: bool,
    /// Tools that the host says it does not gate, at run time.
    #[serde(default)]
    pub named_uncovered: Vec<String>,
}

/// A tool that ran.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedRun {
    /// The tool.
    pub tool: String,
    /// The bytes.
    pub arguments: String,
    /// Whether it need not run.
    #[serde(default)]
    pub optional: bool,
}

/// What the model reads of a call.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedRead {
    /// All of these. `<NAME>` stands for what the host's policies call the tool.
    pub contains: Vec<String>,
    /// At least one of these.
    pub one_of: Vec<String>,
    /// None of these.
    pub lacks: Vec<String>,
}

/// A record.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedRecord {
    /// The tool, or another name that a policy decides, such as `agent.tool:helper`.
    pub tool: String,
    /// What was decided: one of these.
    pub outcome: Outcomes,
    /// The decided arguments. None: they are not looked at.
    #[serde(default)]
    pub arguments: Option<String>,
    /// What decided: one of these. Empty: that is not looked at.
    #[serde(default)]
    pub cause: Vec<String>,
    /// How the call ended, if it was permitted. Default: it ran and was completed.
    #[serde(default)]
    pub ended: EndSpec,
    /// Whether a host may lack it.
    #[serde(default)]
    pub optional: bool,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeSpec {
    /// Allowed.
    Allow,
    /// A person has to agree.
    NeedsApproval,
    /// Denied.
    Deny,
}

/// One outcome, or a list of those of which any will do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Outcomes {
    /// This one.
    One(OutcomeSpec),
    /// Any of these.
    Any(Vec<OutcomeSpec>),
}

impl Outcomes {
    /// Whether this outcome will do, by its name in records.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one.as_str() == name,
            Self::Any(any) => any.iter().any(|one| one.as_str() == name),
        }
    }
}

impl OutcomeSpec {
    /// The name in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::NeedsApproval => "needs_approval",
            Self::Deny => "deny",
        }
    }
}

/// How a permitted call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndSpec {
    /// It ran and answered.
    #[default]
    Completed,
    /// It ran and failed.
    Failed,
    /// It began and was cancelled.
    Cancelled,
    /// It did not run.
    NotRun,
    /// Its end could not be recorded.
    Unrecorded,
    /// In any way.
    Any,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedAsk {
    /// The tool.
    pub tool: String,
    /// The arguments that the person sees.
    pub arguments: String,
    /// How many calls had begun by then. Default: none.
    #[serde(default)]
    pub after: usize,
}
