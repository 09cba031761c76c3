//! Approvals that are kept in a database until an approver answers.

use std::future::ready;
use std::sync::Arc;

use hexgate_approvals::{ApprovalService, ApprovalStatus, Call, Caller, Terms};
use tokio::runtime::Handle;

use super::{Answer, AnswerFuture, ApprovalError, ApprovalHandler};
use crate::decision::Decision;

/// Asks at an [`ApprovalService`]: the first time a request is stored and the call fails with [`Answer::Pending`]; once an approver has
/// approved it, the same call made again passes, once.
///
/// An approval is bound to agent, caller, session, attributes, tool, the exact arguments and the policy.
#[derive(Debug, Clone)]
pub struct DurableApprovals {
    service: Arc<ApprovalService>,
    terms: Terms,
}

impl DurableApprovals {
    /// Asks at this service, on these terms.
    #[must_use]
    pub fn new(service: Arc<ApprovalService>, terms: Terms) -> Self {
        Self { service, terms }
    }
}

impl ApprovalHandler for DurableApprovals {
    fn ask(&self, decision: &Decision) -> Result<Answer, ApprovalError> {
        settle(&self.service, &call(decision)?, &self.terms)
    }

    fn uses_up(&self) -> bool {
        true
    }

    /// Under tokio on a blocking thread, since the database may be locked for seconds. Elsewhere as [`ask`](Self::ask).
    fn ask_async<'a>(&'a self, decision: &'a Decision) -> AnswerFuture<'a> {
        let Ok(runtime) = Handle::try_current() else {
            return Box::pin(ready(self.ask(decision)));
        };
        let call = match call(decision) {
            Ok(call) => call,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        let Self { service, terms } = self.clone();
        let settled = runtime.spawn_blocking(move || settle(&service, &call, &terms));
        Box::pin(async move { settled.await? })
    }
}

/// The call that the approval is bound to.
fn call(decision: &Decision) -> Result<Call, ApprovalError> {
    let caller = decision.caller().ok_or("nobody is in scope")?;
    let attributes = caller.attributes();
    let attributes = if attributes.is_empty() {
        None
    } else {
        Some(serde_json::to_string(attributes)?)
    };
    let policy = decision.policy();
    Ok(Call {
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
    })
}

fn settle(service: &ApprovalService, call: &Call, terms: &Terms) -> Result<Answer, ApprovalError> {
    Ok(match service.settle(call, terms)? {
        ApprovalStatus::Approved(permit) => Answer::Approved {
            by: permit.approver().to_owned(),
            request: Some(permit.request().to_string()),
        },
        ApprovalStatus::Denied {
            approver, reason, ..
        } => Answer::Denied {
            reason: format!("`{}` refused: {reason}", approver.escape_debug()),
        },
        ApprovalStatus::Pending { request, .. } => Answer::Pending {
            request: request.to_string(),
        },
    })
}
