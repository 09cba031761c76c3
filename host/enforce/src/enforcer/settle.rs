//! From a decision to a permission, with approval where it is needed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;

use super::{Call, Enforcer};
use crate::approval::{Answer, ApprovalError, ApprovalHandler, Approvals};
use crate::decision::{Approval, Cause, Decision, Effect, Permit};
use crate::observer::Ended;
use hexgate_audit::EndState;
use hexgate_base::guarded::{guarded, guarded_async};

/// The next step of a decision.
enum Next {
    Done(Decision),
    Settle(Decision, Answer),
    Ask(Decision, Arc<dyn ApprovalHandler>),
}

/// What came of asking, until whoever waited takes it. If they are gone by then, the approval is used up and nothing runs: that is recorded.
struct Unclaimed(Option<Result<Permit, Box<Decision>>>, Enforcer);

impl Unclaimed {
    fn claim(mut self) -> Option<Result<Permit, Box<Decision>>> {
        self.0.take()
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(Ok(permit)) = &self.0 {
            self.1.ended(&Ended {
                at: SystemTime::now(),
                decision: permit.decision().id(),
                tool: permit.decision().tool(),
                ran: false,
                state: EndState::Cancelled,
                result: None,
                error: None,
                took: Duration::ZERO,
            });
        }
    }
}

impl Enforcer {
    /// Decides a call, asks for approval where that is needed, and gives the permission to run it.
    ///
    /// # Errors
    ///
    /// It must not run: this is the decision, to be rendered.
    pub fn authorize(&self, call: Call) -> Result<Permit, Box<Decision>> {
        self.authorize_by(call, &self.0.approvals)
    }

    /// As [`authorize`](Self::authorize), with approvals for this call in place of the enforcer's own.
    ///
    /// # Errors
    ///
    /// It must not run: this is the decision, to be rendered.
    pub fn authorize_by(&self, call: Call, approvals: &Approvals) -> Result<Permit, Box<Decision>> {
        match self.first(call.clone(), approvals) {
            Next::Done(decision) => decision.into_permit(),
            Next::Settle(decision, answer) => self.settle(call, &decision, Ok(answer)),
            Next::Ask(decision, handler) => {
                let answer = guarded(|| handler.ask(&decision));
                self.settle(call, &decision, flatten(answer))
            }
        }
    }

    /// As [`authorize`](Self::authorize), but waits for the approver without holding a thread.
    ///
    /// # Errors
    ///
    /// It must not run: this is the decision, to be rendered.
    pub async fn authorize_async(&self, call: Call) -> Result<Permit, Box<Decision>> {
        self.authorize_telling(call, |_| ()).await
    }

    /// As [`authorize_async`](Self::authorize_async). Before anyone is asked for approval, a function is told the decision that needs it: a
    /// host shows the request while it waits.
    ///
    /// # Errors
    ///
    /// It must not run: this is the decision, to be rendered.
    pub async fn authorize_telling(
        &self,
        call: Call,
        tell: impl FnOnce(&Decision) + Send,
    ) -> Result<Permit, Box<Decision>> {
        let next = self.first(call.clone(), &self.0.approvals);
        if let Next::Settle(decision, _) | Next::Ask(decision, _) = &next
            && let Err(panic) = guarded(|| tell(decision))
        {
            tracing::error!(decision = %decision.id, %panic, "telling of a request for approval panicked");
        }
        match next {
            Next::Done(decision) => decision.into_permit(),
            Next::Settle(decision, answer) => self.settle(call, &decision, Ok(answer)),
            Next::Ask(decision, handler) => match Handle::try_current() {
                // The caller may drop this future. An approval that is used up by then still has to be recorded.
                Ok(runtime) if guarded(|| handler.uses_up()).unwrap_or(true) => {
                    // A task of its own is not cancelled with this future. Without an answer from `uses_up` assume the worse.
                    let (this, asked, again) = (self.clone(), decision.clone(), call.clone());
                    let settled = runtime.spawn(async move {
                        let settled = this.ask(call, &decision, &*handler).await;
                        Unclaimed(Some(settled), this)
                    });
                    match settled.await.map(Unclaimed::claim) {
                        Ok(Some(settled)) => settled,
                        Ok(None) => self.settle(again, &asked, Err("the answer was lost".into())),
                        Err(error) => self.settle(again, &asked, Err(error.into())),
                    }
                }
                _ => self.ask(call, &decision, &*handler).await,
            },
        }
    }

    async fn ask(
        &self,
        call: Call,
        decision: &Decision,
        handler: &dyn ApprovalHandler,
    ) -> Result<Permit, Box<Decision>> {
        let answer = match guarded(|| handler.ask_async(decision)) {
            Ok(asking) => guarded_async(asking).await,
            Err(panic) => Err(panic),
        };
        self.settle(call, decision, flatten(answer))
    }

    fn first(&self, call: Call, approvals: &Approvals) -> Next {
        let decision = self.decide_call(call);
        if decision.outcome != Effect::NeedsApproval {
            return Next::Done(decision);
        }
        let needed = decision.approvers();
        let are_enough = needed <= 1
            || match approvals {
                Approvals::Nobody | Approvals::Never => true,
                Approvals::Always => false,
                Approvals::Ask(handler) => guarded(|| handler.gathers()).unwrap_or(false),
            };
        if !are_enough {
            let reason = format!(
                "the policy asks for {needed} approvers, and who is asked here answers for one alone; use approvals that are kept until enough have answered"
            );
            return Next::Settle(decision, Answer::Denied { reason });
        }
        match approvals {
            Approvals::Nobody => Next::Done(decision),
            Approvals::Always => {
                let by = "configuration".to_owned();
                let answer = Answer::Approved {
                    by,
                    reason: None,
                    request: None,
                };
                Next::Settle(decision, answer)
            }
            Approvals::Never => {
                let reason = "calls that need approval are refused here".to_owned();
                Next::Settle(decision, Answer::Denied { reason })
            }
            Approvals::Ask(handler) => Next::Ask(decision, handler.clone()),
        }
    }

    /// Decides again with the answer: meanwhile the policy may have changed, the caller may have expired, or the kill switch may have
    /// stopped the call.
    fn settle(
        &self,
        call: Call,
        asked: &Decision,
        answer: Result<Answer, ApprovalError>,
    ) -> Result<Permit, Box<Decision>> {
        let mut decision = self.judge(call);
        decision.follows = Some(asked.id);
        if let Ok(Answer::Approved {
            by,
            reason,
            request,
        }) = &answer
        {
            decision.approval = Some(Approval {
                by: by.clone(),
                reason: reason.clone(),
                request: request.clone(),
            });
        }
        if decision.outcome == Effect::NeedsApproval {
            match answer {
                // The approver agreed to this call under that policy alone.
                Ok(Answer::Approved { .. }) if decision.version.id == asked.version.id => {
                    decision.outcome = Effect::Allow;
                    decision.cause = Cause::Approval;
                    decision.reason.clear();
                    decision.message = None;
                }
                Ok(Answer::Approved { .. }) => decision.deny(
                    Cause::Approval,
                    "the policy changed while approval was waited for; ask again".to_owned(),
                ),
                Ok(Answer::Denied { reason }) => decision.deny(Cause::Approval, reason),
                Ok(Answer::Pending { request }) => decision.request = Some(request),
                Err(error) => decision.deny(
                    Cause::Approval,
                    format!("nobody could be asked for approval: {error}"),
                ),
            }
        } else if decision.outcome == Effect::Allow
            && !matches!(answer, Ok(Answer::Approved { .. }))
        {
            // The policy allows now what needed approval before, but the approver did not agree.
            decision.deny(
                Cause::Approval,
                "the policy changed while approval was waited for; ask again".to_owned(),
            );
        }
        self.finish(decision).into_permit()
    }
}

fn flatten(answer: Result<Result<Answer, ApprovalError>, String>) -> Result<Answer, ApprovalError> {
    answer.unwrap_or_else(|panic| Err(format!("the approval handler panicked: {panic}").into()))
}
