//! Approvals that lie in a database until somebody answers.

use std::future::ready;
use std::sync::Arc;

use hexgate_approvals::{Call, Caller, Desk, Standing, Terms};
use tokio::runtime::Handle;

use super::{Answer, AnswerFuture, ApprovalError, ApprovalHandler};
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
        settle(&self.desk, &call(decision)?, &self.terms)
    }

    fn uses_up(&self) -> bool {
        true
    }

    /// Without holding a thread where tokio runs: the database may be locked for seconds. Elsewhere as [`ask`](Self::ask).
    fn ask_async<'a>(&'a self, decision: &'a Decision) -> AnswerFuture<'a> {
        let Ok(runtime) = Handle::try_current() else {
            return Box::pin(ready(self.ask(decision)));
        };
        let call = match call(decision) {
            Ok(call) => call,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        let Self { desk, terms } = self.clone();
        let settled = runtime.spawn_blocking(move || settle(&desk, &call, &terms));
        Box::pin(async move { settled.await? })
    }
}

/// What the approval is bound to.
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

fn settle(desk: &Desk, call: &Call, terms: &Terms) -> Result<Answer, ApprovalError> {
    Ok(match desk.settle(call, terms)? {
        Standing::Approved(permit) => Answer::Approved {
            by: permit.approver().to_owned(),
            request: Some(permit.request().to_string()),
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
