//! Guards: code of the host's before and after each call of a tool.
//!
//! Order: guards before, in the order in which they were given; the policy; the tool; guards after, in the same order. What a guard before
//! the policy rewrites is what the policy decides. A guard that fails is a denial, or withholds the result.

mod secrets;

pub use secrets::{SecretGuard, SecretScrubber};

use async_trait::async_trait;
use hexgate_enforce::Caller;

use crate::tool::{ToolError, ToolOutput};

/// Looks at calls before and after they run.
#[async_trait]
pub trait Guard: Send + Sync {
    /// Its name, for the record.
    fn name(&self) -> &str;

    /// Whether it looks at calls of this tool. Default: of all.
    fn applies_to(&self, tool: &str) -> bool {
        let _ = tool;
        true
    }

    /// Looks at a call before the policy does. It never sees a call whose arguments are no JSON; the policy denies those.
    ///
    /// # Errors
    ///
    /// It could not look. The call is denied; a panic counts as an error.
    async fn before(&self, call: &GuardedCall<'_>) -> Result<Before, GuardError> {
        let _ = call;
        Ok(Before::Proceed)
    }

    /// Looks at what a tool answered before the model does, and gives what the model will read.
    ///
    /// # Errors
    ///
    /// It could not look, or the model must not read it. The result is withheld; a panic counts as an error.
    async fn after(
        &self,
        call: &GuardedCall<'_>,
        result: Result<ToolOutput, ToolError>,
    ) -> Result<Result<ToolOutput, ToolError>, GuardError> {
        let _ = call;
        Ok(result)
    }

    /// Looks at a line in which a tool says how far it is, before people see it, and gives what they will see. A panic drops the line.
    fn line(&self, line: String) -> String {
        line
    }
}

/// A call that guards look at.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct GuardedCall<'a> {
    /// The agent.
    pub agent: &'a str,
    /// On whose behalf.
    pub caller: &'a Caller,
    /// The tool, as the model names it.
    pub tool: &'a str,
    /// The arguments, a JSON object as text: as proposed or rewritten before the policy, as decided after the tool.
    pub arguments: &'a str,
}

/// What a guard wants before the policy is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Before {
    /// The call goes on as it is.
    Proceed,
    /// The call goes on with these arguments, a JSON object as text.
    Rewrite(String),
    /// The call is denied.
    Deny {
        /// Why, for the operator. The model is told that the call is denied.
        reason: String,
    },
}

/// Why a guard could not look, or withholds a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct GuardError {
    /// For the operator.
    pub reason: String,
}

impl GuardError {
    /// An error with this reason.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}
