//! What a host records.

use std::time::{Duration, SystemTime};

use hexgate_bundle::Digest;
use serde::{Deserialize, Serialize};

use crate::{outcome::Outcome, shadow::ShadowOutcome};

/// One decision: the caller, the call and the outcome. Borrowed from the host.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// When it was decided.
    pub at: SystemTime,
    /// The decision's name, if the host gave it one: notes about it can tell which one they mean.
    pub id: Option<&'a str>,
    /// The agent.
    pub agent: &'a str,
    /// The project.
    pub project: Option<&'a str>,
    /// The caller's user id.
    pub user: Option<&'a str>,
    /// The caller's session.
    pub session: Option<&'a str>,
    /// The caller's roles, in the order in which the policy was asked about them.
    pub roles: &'a [&'a str],
    /// The tool.
    pub tool: &'a str,
    /// The arguments: the exact text that was decided. How it is kept is the log's choice, see [`KeptAs`](crate::KeptAs).
    pub arguments: &'a str,
    /// The further facts: the exact text that was decided. Kept as the arguments are.
    pub facts: Option<&'a str>,
    /// SHA-256 of the manifest of the bundle that was live, or of the policy's source if it came without one. None: no policy was live.
    pub policy: Option<Digest>,
    /// SHA-256 of the component that decided. None: none was asked.
    pub component: Option<Digest>,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// How long the decision took.
    pub took: Duration,
    /// What a candidate policy would have said. It had no effect.
    pub shadow: Option<&'a ShadowOutcome>,
}

/// Another event for the log: an approval that was given or used, a kill switch, a policy that became live.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// When it happened.
    pub at: SystemTime,
    /// What happened: a short stable name, such as `approval_used`.
    pub event: &'a str,
    /// The number of the decision that it is about.
    pub about: Option<u64>,
    /// Details: names and texts. Secrets in the texts are redacted by their patterns.
    pub details: &'a [(&'a str, &'a str)],
}

/// How a call ended that was permitted.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// When it ended.
    pub at: SystemTime,
    /// The name of the decision that permitted it: [`Record::id`].
    pub decision: &'a str,
    /// The tool.
    pub tool: &'a str,
    /// Whether the tool was started.
    pub ran: bool,
    /// How it ended.
    pub state: EndState,
    /// The result that the agent got. Only its length and its keyed digest are kept.
    pub result: Option<&'a str>,
    /// A short stable name for the kind of failure, such as `timeout`.
    pub error: Option<&'a str>,
    /// How long the tool ran.
    pub took: Duration,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndState {
    /// The tool answered.
    Completed,
    /// The tool failed, could not be started, or its result was withheld.
    Failed,
    /// The run ended before the call did.
    Cancelled,
}
