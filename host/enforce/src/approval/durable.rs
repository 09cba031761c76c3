//! Approvals that are kept in a database until an approver answers.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use hexgate_approvals::{
    ApprovalService, ApprovalStatus, Call, Caller, Conditions, Permit, RequestId, Terms, TermsError,
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

    /// The service that is asked at.
    #[must_use]
    pub fn service(&self) -> &ApprovalService {
        &self.service
    }

    /// The request for a call that needs approval: the one that is open, or a new one. Nothing is used up, whatever was answered to it.
    ///
    /// # Errors
    ///
    /// There is no such request and none can be made.
    pub fn open(&self, decision: &Decision) -> Result<RequestId, ApprovalError> {
        let terms = self.terms(decision.approval_terms())?;
        Ok(self.service.ask(&call(decision)?, &terms)?)
    }

    /// Uses up the approval of the request with this name, for this call and no other.
    ///
    /// # Errors
    ///
    /// It does not hold for this call now: a [`ServiceError`](hexgate_approvals::ServiceError) says why.
    pub fn redeem(&self, decision: &Decision, id: &RequestId) -> Result<Answer, ApprovalError> {
        let terms = self.terms(decision.approval_terms())?;
        let permit = self.service.redeem(id, &call(decision)?, &terms)?;
        Ok(approved(&permit))
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
    let attributes = caller.bound()?;
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
        ApprovalStatus::Approved(permit) => approved(&permit),
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

fn approved(permit: &Permit) -> Answer {
    let by: Vec<_> = permit.approvals().map(|one| &*one.approver).collect();
    let reasons: Vec<_> = permit
        .approvals()
        .map(|one| one.reason.trim())
        .filter(|reason| !reason.is_empty())
        .collect();
    Answer::Approved {
        by: by.join(", "),
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
        request: Some(permit.request().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use hexgate_approvals::{Approvers, RequestStore};

    use super::*;

    fn approvals(host: Terms) -> (tempfile::TempDir, DurableApprovals) {
        let folder = tempfile::tempdir().unwrap();
        let store = RequestStore::open_or_create(folder.path().join("a.db")).unwrap();
        let service = ApprovalService::new(store, Approvers::default());
        (folder, DurableApprovals::new(Arc::new(service), host))
    }

    fn host() -> Terms {
        Terms::new(["finance"]).unwrap()
    }

    fn wanted() -> ApprovalTerms {
        ApprovalTerms {
            roles: vec!["legal".to_owned(), "board".to_owned()],
            expires: Some(60),
            approvers: Some(3),
            reason_required: Some(true),
        }
    }

    #[test]
    fn the_policys_terms_count_over_the_hosts() {
        let own = host().allow_own_calls();
        let (_folder, approvals) = approvals(own.clone());
        assert_eq!(approvals.terms(None), Ok(own.clone()));
        assert_eq!(approvals.terms(Some(&ApprovalTerms::default())), Ok(own));
        let terms = approvals.terms(Some(&wanted())).unwrap();
        assert_eq!(terms.open_for(), Duration::from_secs(60));
        let conditions = terms.conditions();
        assert_eq!(conditions.approver_roles, ["board", "legal"]);
        assert_eq!(
            (conditions.approvers, conditions.reason_required),
            (3, true)
        );
        assert!(!conditions.own_calls);
        // Each by itself leaves the others as they are.
        let roles = ApprovalTerms {
            roles: vec!["legal".to_owned()],
            ..ApprovalTerms::default()
        };
        let terms = approvals.terms(Some(&roles)).unwrap();
        assert_eq!(terms, host().roles(["legal"]).unwrap().allow_own_calls());
    }

    #[test]
    fn a_policy_does_not_loosen_the_hosts_bounds() {
        let loose = ApprovalTerms {
            expires: Some(u32::MAX),
            approvers: Some(1),
            reason_required: Some(false),
            ..ApprovalTerms::default()
        };
        let strict = host().approvers(2).unwrap().reason_required(true);
        let (_folder, approvals) = approvals(strict);
        let terms = approvals.terms(Some(&loose)).unwrap();
        let conditions = terms.conditions();
        assert_eq!(
            (conditions.approvers, conditions.reason_required),
            (2, true)
        );
        assert_eq!(terms.open_for(), Terms::MAX_LIFETIME);
        // Unless the host lets it.
        let lenient = approvals.clone().min_approvers(1).always_reason(false);
        let conditions = lenient.terms(Some(&loose)).unwrap().conditions();
        assert_eq!(
            (conditions.approvers, conditions.reason_required),
            (1, false)
        );

        let bound = approvals
            .min_approvers(4)
            .max_lifetime(Duration::from_secs(30))
            .always_reason(true);
        for wanted in [None, Some(&wanted()), Some(&loose)] {
            let terms = bound.terms(wanted).unwrap();
            assert_eq!(terms.conditions().approvers, 4);
            assert!(terms.conditions().reason_required);
            assert_eq!(terms.open_for(), Duration::from_secs(30));
        }
    }

    #[test]
    fn terms_that_nobody_can_meet_are_an_error() {
        let (_folder, approvals) = approvals(host());
        for bad in [
            ApprovalTerms {
                roles: vec![String::new()],
                ..ApprovalTerms::default()
            },
            ApprovalTerms {
                approvers: Some(300),
                ..ApprovalTerms::default()
            },
            ApprovalTerms {
                expires: Some(0),
                ..ApprovalTerms::default()
            },
        ] {
            assert!(approvals.terms(Some(&bad)).is_err(), "{bad:?}");
        }
        assert!(approvals.min_approvers(9).terms(None).is_err());
    }
}
