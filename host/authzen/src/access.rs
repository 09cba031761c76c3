//! Denials that can be requested, the requests, and what becomes of them.

mod binding;
mod handler;
mod task;

use std::sync::Arc;

use hexgate_base::Clock;
use hexgate_enforce::{Approvals, DurableApprovals, Effect, Enforcer};
use hexgate_http::{Answer, INVALID_BINDING, NOT_REQUESTABLE, Problem, Submission, UNKNOWN_TASK};
use serde_json::json;

use crate::answer::answer;
use crate::asked::{Asked, client_of};
use binding::Bindings;
use handler::{Next, Opening, Redeeming};

/// Requests for access.
#[derive(Debug)]
pub(crate) struct Access {
    durable: DurableApprovals,
    bindings: Bindings,
}

/// For how long a client waits before it asks again, in seconds.
const RETRY: u32 = 5;

impl Access {
    pub(crate) fn new(
        durable: DurableApprovals,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, getrandom::Error> {
        Ok(Self {
            durable,
            bindings: Bindings::new(clock)?,
        })
    }

    /// Decides a call that came without an approval. What needs one can be requested.
    pub(crate) fn decide(
        &self,
        enforcer: &Enforcer,
        asked: &Asked,
        base: &str,
    ) -> Result<Answer, Problem> {
        let policy = enforcer.live().id();
        let decision = enforcer.decide_call(asked.call(&policy)?);
        let mut answer = answer(&decision)?;
        if decision.outcome() == Effect::NeedsApproval {
            answer.more = self.bindings.issue(asked, &decision, base)?;
        }
        Ok(answer)
    }

    /// Decides a call that came with an approval: by the policy of now, and by the approval if that asks for one.
    pub(crate) fn decide_approved(
        self: &Arc<Self>,
        enforcer: &Enforcer,
        asked: Asked,
        approval: &str,
        base: &str,
    ) -> Result<Answer, Problem> {
        let policy = enforcer.live().id();
        let call = asked.call(&policy)?;
        let handler = Arc::new(Redeeming::new(self, asked, policy, approval, base));
        let ended = enforcer.authorize_by(call, &Approvals::Ask(handler.clone()));
        let (decision, is_allowed) = match &ended {
            Ok(permit) => (permit.decision(), true),
            Err(decision) => (&**decision, false),
        };
        let mut answer = answer(decision)?;
        let found = handler.found();
        if is_allowed {
            // Where the policy allows it by itself nothing was used up.
            if let (Some(id), Some(until)) = (decision.approved_request(), found.until) {
                let approval = json!({"id": id, "approved_until": until.to_string()});
                answer.more = vec![
                    (
                        "evaluation_id",
                        json!(decision.id().to_string()).to_string(),
                    ),
                    ("approval", approval.to_string()),
                ];
            }
            return Ok(answer);
        }
        let (more, next) = match found.next {
            // The policy denies it, or something else does: an approval cannot help.
            None => (Vec::new(), "none"),
            Some(Next::Request(issued)) => (issued, "request"),
            Some(Next::Retry) => (vec![("retry_after", RETRY.to_string())], "retry"),
        };
        answer.more = more;
        answer.more.push(("next_action", json!(next).to_string()));
        Ok(answer)
    }

    /// Makes a request for a denial. The status and the task.
    pub(crate) fn submit(
        self: &Arc<Self>,
        enforcer: &Enforcer,
        submission: &Submission<'_>,
        client: &str,
        base: &str,
    ) -> Result<(u16, String), Problem> {
        let asked = Asked::new(&submission.call, client)?;
        let policy = enforcer.live().id();
        // Before anything is decided and recorded: who has no denial from here cannot fill the record.
        let bound = self
            .bindings
            .open(&asked, enforcer.agent(), &policy, submission)?;
        let call = asked.call(&policy)?;
        let handler = Arc::new(Opening::new(self, asked, policy, bound));
        let ended = enforcer.authorize_by(call, &Approvals::Ask(handler.clone()));
        match (ended, handler.opened()) {
            (Err(decision), Some(id)) if decision.outcome() == Effect::NeedsApproval => {
                let task = self.task(enforcer, &id, client, base)?;
                Ok((if task.is_open { 202 } else { 201 }, task.text))
            }
            (Err(decision), _) if handler.is_foreign() => {
                Err(Problem::bad(decision.reason()).of(INVALID_BINDING))
            }
            (Err(decision), _) => {
                answer(&decision)?;
                Err(Problem::bad(decision.reason()).of(NOT_REQUESTABLE))
            }
            // Nothing was run, and nothing was used up.
            (Ok(_), _) => Err(
                Problem::bad("the policy allows this now: evaluate it again").of(NOT_REQUESTABLE),
            ),
        }
    }

    /// What became of a request, for the client that made it.
    pub(crate) fn task(
        &self,
        enforcer: &Enforcer,
        id: &str,
        client: &str,
        base: &str,
    ) -> Result<task::Task, Problem> {
        let unknown = || Problem::new(404, "there is no such request").of(UNKNOWN_TASK);
        let id = id.parse().map_err(|_| unknown())?;
        let found = self.durable.service().state(&id);
        let found = found.map_err(|error| Problem::new(500, error.to_string()))?;
        let (request, state) = found.ok_or_else(unknown)?;
        let call = &request.call;
        if call.agent != enforcer.agent()
            || client_of(call.caller.attributes.as_deref()).as_deref() != Some(client)
        {
            return Err(unknown());
        }
        Ok(task::Task::new(&request, state, base))
    }
}
