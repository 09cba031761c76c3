//! Approvals that are kept in a database until an approver answers.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use hexgate_approvals::{
    ApprovalService, ApprovalStatus, Call, Caller, Conditions, Terms, TermsError,
};
use hexgate_host::ApprovalTerms;
use tokio::runtime::Handle;

use super::{Answer, AnswerFuture, ApprovalError, ApprovalHandler};
use crate::decision::Decision;

/// Asks at an [`ApprovalService`]: the first time a request is stored and the call fails with [`Answer::Pending`]; once enough approvers have
/// approved it, the same call made again passes, once.
///
/// Who has to approve, how many, for how long and whether with a reason is what the policy asks for; what it does not say is the host's, and
/// the host can name bounds that no policy loosens. An approval is bound to agent, caller, session, attributes, tool, the exact arguments,
/// the policy and these terms.
#[derive(Debug, Clone)]
pub struct DurableApprovals {
    service: Arc<ApprovalService>,
    terms: Terms,
    min_approvers: u8,
    max_lifetime: Duration,
    always_reason: bool,
}

impl DurableApprovals {
    /// Asks at this service, on these terms where the policy has none of its own.
    #[must_use]
    pub fn new(service: Arc<ApprovalService>, terms: Terms) -> Self {
        let Conditions {
            approvers,
            reason_required,
            ..
        } = terms.conditions();
        Self {
            service,
            terms,
            min_approvers: approvers,
            max_lifetime: Terms::MAX_LIFETIME,
            always_reason: reason_required,
        }
    }

    /// A policy that asks for fewer approvers gets this number, from 1 to [`Terms::MAX_APPROVERS`]; with a larger one calls are denied. Default:
    /// as many as the host's own terms ask for.
    #[must_use]
    pub fn min_approvers(mut self, approvers: u8) -> Self {
        self.min_approvers = approvers;
        self
    }

    /// A request that is to be open for longer is open for this time. Default: [`Terms::MAX_LIFETIME`].
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = lifetime;
        self
    }

    /// Whether approvers have to give a reason also where the policy says that they need not. Default: as the host's own terms say.
    #[must_use]
    pub fn always_reason(mut self, always: bool) -> Self {
        self.always_reason = always;
        self
    }

    /// The terms for a call: the policy's, over the host's, within the host's bounds.
    fn terms(&self, wanted: Option<&ApprovalTerms>) -> Result<Terms, TermsError> {
        let own = self.terms.conditions();
        let (mut approvers, mut reason) = (own.approvers, own.reason_required);
        let (mut terms, mut lifetime) = (self.terms.clone(), self.terms.open_for());
        if let Some(wanted) = wanted {
            if !wanted.roles.is_empty() {
                terms = terms.roles(&wanted.roles)?;
            }
            // A number that is too large is refused below.
            approvers = wanted.approvers.map_or(approvers, saturated);
            reason = wanted.reason_required.unwrap_or(reason);
            let expires = wanted.expires.map(|it| Duration::from_secs(it.into()));
            lifetime = expires.unwrap_or(lifetime);
        }
        terms
            .approvers(approvers.max(self.min_approvers))?
            .reason_required(reason || self.always_reason)
            .lifetime(lifetime.min(self.max_lifetime).min(Terms::MAX_LIFETIME))
    }
}

fn saturated(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

impl ApprovalHandler for DurableApprovals {
    fn ask(&self, decision: &Decision) -> Result<Answer, ApprovalError> {
        let terms = self.terms(decision.approval_terms())?;
        settle(&self.service, &call(decision)?, &terms)
    }

    fn uses_up(&self) -> bool {
        true
    }

    fn gathers(&self) -> bool {
        true
    }

    /// Under tokio on a blocking thread, since the database may be locked for seconds. Elsewhere as [`ask`](Self::ask).
    fn ask_async<'a>(&'a self, decision: &'a Decision) -> AnswerFuture<'a> {
        let Ok(runtime) = Handle::try_current() else {
            return Box::pin(ready(self.ask(decision)));
        };
        let prepared = self
            .terms(decision.approval_terms())
            .map_err(ApprovalError::from)
            .and_then(|terms| Ok((call(decision)?, terms)));
        let (call, terms) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        let service = self.service.clone();
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
        ApprovalStatus::Approved(permit) => {
            let by: Vec<_> = permit.approvals().map(|one| &*one.approver).collect();
            Answer::Approved {
                by: by.join(", "),
                request: Some(permit.request().to_string()),
            }
        }
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
