//! How the enforcer asks for approval on behalf of one request.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use hexgate_base::Timestamp;
use hexgate_base::guarded::locked;
use hexgate_enforce::approvals::{Refusal, ServiceError};
use hexgate_enforce::{Answer, ApprovalError, ApprovalHandler, Decision, PolicyInfo};

use super::Access;
use super::binding::{Bound, Members};
use crate::asked::Asked;

/// What a client can do after an approval did not help.
pub(super) enum Next {
    /// Request it anew, by this.
    Request(Members),
    /// Wait, and ask again.
    Retry,
}

/// What asking found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) next: Option<Next>,
    /// When the approval that was used would have ended.
    pub(super) until: Option<Timestamp>,
}

/// Uses the approval up that a client names.
pub(super) struct Redeeming {
    access: Arc<Access>,
    asked: Asked,
    policy: Arc<PolicyInfo>,
    approval: String,
    base: String,
    found: Mutex<Found>,
}

impl Redeeming {
    pub(super) fn new(
        access: &Arc<Access>,
        asked: Asked,
        policy: Arc<PolicyInfo>,
        approval: &str,
        base: &str,
    ) -> Self {
        Self {
            access: Arc::clone(access),
            asked,
            policy,
            approval: approval.to_owned(),
            base: base.to_owned(),
            found: Mutex::default(),
        }
    }

    /// What asking found. Nothing: it was not asked.
    pub(super) fn found(&self) -> Found {
        std::mem::take(&mut *locked(&self.found))
    }

    fn redeem(&self, decision: &Decision) -> Result<(Answer, Found), ApprovalError> {
        let found = |next| Found { next, until: None };
        let denied = |reason: String, next| Ok((Answer::Denied { reason }, found(next)));
        if !self.asked.is_bound_as(decision, &self.policy) {
            let issued = self.issue(decision)?;
            return denied(CHANGED.to_owned(), Some(Next::Request(issued)));
        }
        let Ok(id) = self.approval.parse() else {
            return denied(
                "the approval that was sent is none of this decision point".to_owned(),
                None,
            );
        };
        let durable = &self.access.durable;
        let until = durable.service().state(&id)?;
        let until = until.map(|(request, _)| request.expires_at);
        let error = match durable.redeem(decision, &id) {
            Ok(answer) => {
                return Ok((answer, Found { next: None, until }));
            }
            Err(error) => error,
        };
        let Some(ServiceError::Refused(refusal)) = error.downcast_ref() else {
            return Err(error);
        };
        match refusal {
            Refusal::Unanswered(id) | Refusal::TooFew { id, .. } => {
                let request = id.to_string();
                Ok((Answer::Pending { request }, found(Some(Next::Retry))))
            }
            Refusal::Expired { .. }
            | Refusal::Used(_)
            | Refusal::OtherPolicy(_)
            | Refusal::OtherTerms(_)
            | Refusal::OtherTime(_) => {
                let issued = self.issue(decision)?;
                denied(refusal.to_string(), Some(Next::Request(issued)))
            }
            // Denied, unknown, for another call, or with answers that do not count: asking anew would not help, or hide an attack.
            _ => denied(refusal.to_string(), None),
        }
    }

    fn issue(&self, decision: &Decision) -> Result<Members, ApprovalError> {
        let issued = self
            .access
            .bindings
            .issue(&self.asked, decision, &self.base);
        issued.map_err(|problem| problem.detail.into())
    }
}

const CHANGED: &str = "the policy changed while this was decided; evaluate it again";

impl ApprovalHandler for Redeeming {
    fn ask(&self, decision: &Decision) -> Result<Answer, ApprovalError> {
        let (answer, found) = match self.redeem(decision) {
            Ok((answer, found)) => (Ok(answer), found),
            // The database cannot be used now: that says nothing about the approval.
            Err(error) => {
                let next = Some(Next::Retry);
                (Err(error), Found { next, until: None })
            }
        };
        *locked(&self.found) = found;
        answer
    }

    fn uses_up(&self) -> bool {
        true
    }

    fn gathers(&self) -> bool {
        true
    }
}

impl fmt::Debug for Redeeming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redeeming").finish_non_exhaustive()
    }
}

/// Makes the request that a client submits.
#[derive(Debug)]
pub(super) struct Opening {
    access: Arc<Access>,
    asked: Asked,
    policy: Arc<PolicyInfo>,
    bound: Bound,
    /// The request. None: the denial was by another policy.
    opened: OnceLock<Option<String>>,
}

impl Opening {
    pub(super) fn new(
        access: &Arc<Access>,
        asked: Asked,
        policy: Arc<PolicyInfo>,
        bound: Bound,
    ) -> Self {
        Self {
            access: Arc::clone(access),
            asked,
            policy,
            bound,
            opened: OnceLock::new(),
        }
    }

    /// The request, if it was made or found.
    pub(super) fn opened(&self) -> Option<String> {
        self.opened.get().cloned().flatten()
    }

    /// Whether the denial was by another policy.
    pub(super) fn is_foreign(&self) -> bool {
        matches!(self.opened.get(), Some(None))
    }
}

impl ApprovalHandler for Opening {
    fn ask(&self, decision: &Decision) -> Result<Answer, ApprovalError> {
        let is_same = self.asked.is_bound_as(decision, &self.policy)
            && self.bound.is_by_the_policy_of(decision);
        if !is_same {
            let _ = self.opened.set(None);
            return Ok(Answer::Denied {
                reason: "the policy is another than that of the denial; evaluate it again"
                    .to_owned(),
            });
        }
        let request = self.access.durable.open(decision)?.to_string();
        let _ = self.opened.set(Some(request.clone()));
        Ok(Answer::Pending { request })
    }

    fn gathers(&self) -> bool {
        true
    }
}
