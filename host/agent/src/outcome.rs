//! What came of a run.

use std::fmt;
use std::time::Duration;

use crate::conversation::Conversation;
use crate::model::{ModelError, Usage};

/// What came of a run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunOutcome {
    /// The run: a UUID.
    pub run_id: String,
    /// The agent that answered: another one than was asked, after a handoff.
    pub agent: String,
    /// The answer. Empty, if there is none.
    pub message: String,
    /// How it ended.
    pub ended: Ended,
    /// The tokens that it took, sub-agents included.
    pub usage: Usage,
    /// Calls that ran.
    pub tool_calls: u64,
    /// Calls that were denied.
    pub denials: u64,
    /// The conversation, to go on with. None if the caller has it already.
    pub conversation: Option<Conversation>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The model answered.
    Finished,
    /// The model's answer is cut: it is as long as the provider allows.
    Cut,
    /// The provider withholds the rest of the answer.
    Filtered,
    /// The model did not come to an end in as many answers as [`Limits::turns`](crate::Limits::turns).
    Turns {
        /// The limit.
        limit: u32,
    },
    /// The run took as many tokens as [`Limits::tokens`](crate::Limits::tokens), or as a run around it may take.
    Tokens {
        /// The limit.
        limit: u64,
    },
    /// The run took as long as [`Limits::time`](crate::Limits::time), or as a run around it may take.
    Time {
        /// The limit of the agent.
        limit: Duration,
    },
    /// The model failed, or answered something that is no answer.
    Model(ModelError),
    /// The agent or the user is stopped.
    Stopped {
        /// Why, for the operator.
        reason: String,
    },
    /// The policy, or who was asked for approval, did not let the run begin.
    NotAdmitted {
        /// What the model or the user may be told.
        message: String,
    },
    /// The run was dropped.
    Cancelled,
    /// The runtime failed.
    Failed {
        /// Why, for the operator.
        reason: String,
    },
}

impl Ended {
    /// The stable name: `finished`, `turns`, and so on.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Cut => "cut",
            Self::Filtered => "filtered",
            Self::Turns { .. } => "turns",
            Self::Tokens { .. } => "tokens",
            Self::Time { .. } => "time",
            Self::Model(_) => "model",
            Self::Stopped { .. } => "stopped",
            Self::NotAdmitted { .. } => "not_admitted",
            Self::Cancelled => "cancelled",
            Self::Failed { .. } => "failed",
        }
    }

    /// The stable name, and of a failing model also its kind: `model.rate_limited`.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Model(error) => format!("{}.{}", self.as_str(), error.kind.as_str()),
            other => other.as_str().to_owned(),
        }
    }

    /// Whether the run ended without an answer.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Finished | Self::Cut | Self::Filtered)
    }

    /// What a model above, or a page, may be told: without reasons that are for the operator.
    #[must_use]
    pub fn public(&self) -> String {
        match self {
            Self::Stopped { .. } => "the agent or the user is stopped".to_owned(),
            Self::Failed { .. } => "the runtime failed".to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("the model answered"),
            Self::Cut => {
                f.write_str("the model's answer is cut: it is as long as the provider allows")
            }
            Self::Filtered => f.write_str("the provider withholds the rest of the answer"),
            Self::Turns { limit } => write!(
                f,
                "the model did not come to an end in {limit} answers; raise the limit `turns`, or ask for less"
            ),
            Self::Tokens { limit } => write!(
                f,
                "the run took its {limit} tokens; raise the limit `tokens`, or ask for less"
            ),
            Self::Time { limit } => write!(
                f,
                "the time of the run is over, at most {} seconds; raise the limit `time`, or ask for less",
                limit.as_secs_f64()
            ),
            Self::Model(error) => write!(f, "{error}"),
            Self::Stopped { reason } => f.write_str(reason),
            Self::NotAdmitted { message } => f.write_str(message),
            Self::Cancelled => f.write_str("the run was cancelled"),
            Self::Failed { reason } => write!(f, "the runtime failed: {reason}"),
        }
    }
}

/// A run ended without an answer. What there is of it is in the outcome.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .outcome.ended)]
pub struct RunError {
    /// What came of the run.
    pub outcome: Box<RunOutcome>,
}

impl RunOutcome {
    /// The outcome, if there is an answer.
    pub(crate) fn answered(self) -> Result<Self, RunError> {
        if self.ended.is_failure() {
            Err(RunError {
                outcome: Box::new(self),
            })
        } else {
            Ok(self)
        }
    }
}
