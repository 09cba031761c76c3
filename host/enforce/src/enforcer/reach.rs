//! What a policy permits by its own description, for what a host shows. Nothing here is a decision.

use hexgate_host::{DecideError, Description};

use super::{Call, Enforcer};
use crate::caller::Caller;
use crate::decision::{Decision, Permit};
use crate::live::Version;

/// The closed name that is decided when a run begins.
const ADMISSION: &str = "agent.run";

impl Enforcer {
    /// Whether the caller could be allowed to call the tool by the policy that decides now, with some arguments and possibly after approval.
    ///
    /// For hiding tools from a model that can never call them. When in doubt the answer is yes: nothing is hidden by a policy that cannot be
    /// described. It is not a decision; the call is decided like any other.
    #[must_use]
    pub fn may_ever_call(&self, caller: &Caller, tool: &str) -> bool {
        self.described(|description| {
            let roles: Vec<&str> = caller.roles().iter().map(String::as_str).collect();
            description.may_ever_call(&roles, tool)
        })
    }

    /// Whether the policy that decides now has a rule or a forbid that names the tool, itself or by a pattern.
    ///
    /// For questions about closed names, such as `agent.run`, that a host asks only of policies that know them. When in doubt the answer is
    /// yes, so that the policy is asked.
    #[must_use]
    pub fn names(&self, tool: &str) -> bool {
        self.described(|description| description.names(tool))
    }

    /// Whether a run of the agent may begin on behalf of the caller. The policy is asked about the closed name `agent.run`, with the
    /// arguments `{"agent": …}`, if it [names](Self::names) it; else a run may begin unless the agent or the caller is stopped, or the caller's
    /// time is over. A refusal is recorded. The permission is that of the policy; without one it was not asked.
    ///
    /// # Errors
    ///
    /// The run must not begin: this is the decision, to be rendered.
    pub async fn admit(
        &self,
        caller: &Caller,
        facts: impl FnOnce(Call) -> Call,
    ) -> Result<Option<Permit>, Box<Decision>> {
        let arguments = serde_json::json!({"agent": self.agent()});
        let call = facts(Call::of(caller, ADMISSION, arguments));
        if self.names(ADMISSION) {
            return self.authorize_async(call).await.map(Some);
        }
        match self.halted(caller) {
            None => Ok(None),
            Some((_, reason)) => Err(Box::new(self.refuse(call, reason))),
        }
    }

    /// Asks the description of the policy that decides now. True if it cannot be read.
    fn described(&self, ask: impl FnOnce(&Description) -> bool) -> bool {
        self.0.live.current().description().is_none_or(ask)
    }
}

impl Version {
    /// The policy's own description. None: it cannot be read, which is traced once.
    fn description(&self) -> Option<&Description> {
        if let Some(described) = self.described.get() {
            return described.as_ref();
        }
        let described = match self.policy.describe() {
            Ok(description) => Some(description),
            // It says nothing about the policy: the next question may be answered.
            Err(DecideError::Busy { .. }) => return None,
            Err(error) => {
                tracing::warn!(
                    origin = %self.id.origin, component = %self.id.component, %error,
                    "the policy cannot be described; no tool is hidden"
                );
                None
            }
        };
        self.described.get_or_init(|| described).as_ref()
    }
}
