//! What the enforcer decided, as it is written.

use hexgate_enforce::{Cause, Decision, Effect};
use hexgate_http::{Answer, Problem};

/// The answer for a decision. What the request is at fault for is status 400, as it is where a policy is asked without a host; what failed
/// here is 500.
pub(crate) fn answer(decision: &Decision) -> Result<Answer, Problem> {
    match decision.cause() {
        Cause::Malformed | Cause::Exceeded => return Err(Problem::bad(decision.reason())),
        Cause::Guest | Cause::Host | Cause::NotRecorded => {
            return Err(Problem::new(500, decision.reason()));
        }
        _ => {}
    }
    let grant = decision.grant();
    let role = grant.and_then(|grant| grant.role);
    let scope = grant.and_then(|grant| grant.scope);
    let granted = decision.outcome() != Effect::Deny;
    Ok(Answer {
        effect: decision.outcome(),
        reason: decision.reason().to_owned(),
        violations: decision.violations().to_vec(),
        hint: decision.hint().cloned(),
        role: role
            .zip(decision.role())
            .filter(|_| granted)
            .map(|(index, name)| (index, name.to_owned())),
        scope: scope.zip(decision.scope().cloned()).filter(|_| granted),
        terms: decision.approval_terms().cloned(),
        message: decision.message().map(str::to_owned),
        more: Vec::new(),
    })
}
