//! From a decision to a verdict.

use std::path::Path;
use std::time::{Duration, SystemTime};

use hexgate_enforce::{Call, Decision, DecisionId, Effect, EndState, Ended, Enforcer};

use super::Hook;
use crate::answer::Verdict;
use crate::event::Kind;
use crate::failure::{self, Failure};
use crate::normal::Normal;

impl Hook {
    /// Asks the policy, and the approvers where approvals are kept.
    pub(super) fn ask(&self, enforcer: &Enforcer, call: Call, kind: Kind) -> (Verdict, DecisionId) {
        // An approval counts once, and the call itself uses it.
        if self.0.approvals.is_none() || kind != Kind::Call {
            let decision = enforcer.decide_call(call);
            return (verdict(&decision), decision.id());
        }
        let decision = match enforcer.authorize(call) {
            Ok(permit) => return (Verdict::Allow, permit.decision().id()),
            Err(decision) => decision,
        };
        let verdict = match decision.pending_request() {
            Some(request) => Verdict::Deny(format!(
                "{} It waits for an approver as request {request} (`hexgate approvals show {request} --db {}`). Once it is approved, the same call passes, once.",
                told(&decision),
                self.0
                    .approvals
                    .as_ref()
                    .map_or(Path::new(""), |it| &it.db)
                    .display(),
            )),
            None => Verdict::Deny(told(&decision)),
        };
        (verdict, decision.id())
    }
}

/// Records that a call that was permitted does not run, because the hook denies it after all.
pub(super) fn not_run(enforcer: &Enforcer, verdict: &Verdict, decision: DecisionId, tool: &str) {
    if *verdict == Verdict::Allow {
        enforcer.ended(&Ended {
            at: SystemTime::now(),
            decision,
            tool,
            ran: false,
            state: EndState::Failed,
            result: None,
            error: Some("not_counted"),
            took: Duration::ZERO,
        });
    }
}

/// A call of nobody's is denied, on the record.
pub(super) fn nobodys(enforcer: &Enforcer, failure: &Failure, call: Normal) -> Verdict {
    let call = Call::with_refused_token(failure, call.tool, call.arguments);
    let decision = enforcer.decide_call(call);
    Verdict::Deny(format!("{} {}", told(&decision), failure::told(failure)))
}

/// The verdict of a decision.
fn verdict(decision: &Decision) -> Verdict {
    match decision.outcome() {
        Effect::Allow if decision.is_allowed() => Verdict::Allow,
        Effect::NeedsApproval => Verdict::Ask {
            people: format!(
                "the policy wants a person to agree to `{}`: {}{}",
                decision.tool(),
                decision.reason(),
                decision
                    .message()
                    .map(|message| format!(" ({message})"))
                    .unwrap_or_default(),
            ),
            model: told(decision),
        },
        _ => Verdict::Deny(told(decision)),
    }
}

/// What the model may know of a decision.
fn told(decision: &Decision) -> String {
    decision
        .model_message()
        .unwrap_or_else(|| "the call is denied".to_owned())
}
