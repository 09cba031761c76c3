//! Approvals that lie in a database until somebody answers.

use std::sync::Arc;

use hexgate_approvals::{Call, Caller, Desk, Standing, Terms};

use super::{Answer, ApprovalError, ApprovalHandler};
use crate::decision::Decision;

/// Asks at a [`Desk`]: the first time a request is put there and the call fails with
/// [`Answer::Pending`]; once somebody entitled has approved it, the same call made again passes, once.
///
/// An approval is bound to agent, caller, session, attributes, tool, the exact arguments and the policy.
#[derive(Debug, Clone)]
pub struct DurableApprovals {
    desk: Arc<Desk>,
    terms: Terms,
}

impl DurableApprovals {
    /// Asks at this desk, on these terms.
    #[must_use]
    pub fn new(desk: Arc<Desk>, terms: Terms) -> Self {
        Self { desk, terms }
    }
}

impl ApprovalHandler for DurableApprovals {
    fn ask(&self, decision: &Decision) -> Result<Answer, ApprovalError> {
        let caller = decision.caller().ok_or("nobody is in scope")?;
        let attributes = caller.attributes();
        let attributes = if attributes.is_empty() {
            None
        } else {
            Some(serde_json::to_string(attributes)?)
        };
        let policy = decision.policy();
        let call = Call {
            agent: decision.agent().to_owned(),
            caller: Caller {
                user: caller.user_id().to_owned(),
                roles: caller.roles().to_vec(),
                session: caller.session().map(str::to_owned),
                attributes,
            },
            tool: decision.tool().to_owned(),
            arguments: decision.arguments().to_owned(),
            // The manifest names the component and the terms of its use.
            policy: policy.manifest.unwrap_or(policy.component),
        };
        Ok(match self.desk.settle(&call, &self.terms)? {
            Standing::Approved(permit) => Answer::Approved {
                by: permit.approver().to_owned(),
            },
            Standing::Denied {
                approver, reason, ..
            } => Answer::Denied {
                reason: format!("`{}` refused: {reason}", approver.escape_debug()),
            },
            Standing::Pending { request } => Answer::Pending {
                request: request.to_string(),
            },
        })
    }
}
