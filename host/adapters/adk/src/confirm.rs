//! Approvals by the framework's own way.

use std::future::Future;
use std::sync::Arc;

use adk_core::{
    ToolConfirmationDecision, ToolConfirmationHandler, ToolConfirmationRequest, ToolContext,
    tool_call_fingerprint,
};
use hexgate_enforce::{Answer, AnswerFuture, ApprovalError, ApprovalHandler, Decision};
use hexgate_gate::{Asked, Gate};
use serde_json::Value;

use crate::questions;
use crate::runs::Run;

tokio::task_local! {
    static CALL: Confirming;
}

/// How people are asked about one call.
pub(crate) struct Confirming {
    handler: Option<Arc<dyn ToolConfirmationHandler>>,
    /// What the run was given for the call.
    given: Option<ToolConfirmationDecision>,
    request: ToolConfirmationRequest,
    asked: Option<Asked>,
    run: Arc<Run>,
}

/// Asks whoever the run asks: the decision that the run was given for this very call, bound to its arguments by a fingerprint, else the run's
/// `tool_confirmation_handler`.
///
/// ```no_run
/// # fn example(live: &hexgate_enforce::LivePolicy) -> Result<(), Box<dyn std::error::Error>> {
/// use hexgate_enforce::{Approvals, Enforcer};
///
/// let enforcer = Enforcer::builder("support", live)
///     .approvals(Approvals::handler(hexgate_adk::Confirmations))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// An approval that the run was given counts once in a run, so for one attempt of a retry budget, and for the policy and the caller for whom the
/// model proposed the call to the agent that a [`GatedBuilder`](crate::GatedBuilder) built, in this process. Else the handler is asked. A refusal that the
/// run was given counts in any case, also where the policy allows the call.
///
/// It answers for one person. Where the policy asks for several approvers the call is denied.
#[derive(Debug, Clone, Copy, Default)]
pub struct Confirmations;

impl Confirming {
    pub(crate) fn new(
        gate: &Gate,
        run: &Arc<Run>,
        ctx: &Arc<dyn ToolContext>,
        tool: &str,
        args: &Value,
    ) -> Self {
        let config = ctx.run_config();
        let id = ctx.function_call_id();
        let given = config.and_then(|config| {
            let given = config.tool_confirmation_decisions.get(id).copied()?;
            // Without the arguments that it was given for, it is for any: that is not an approval of this call.
            let bound = config.tool_confirmation_fingerprints.get(id);
            let is_for_these = bound.is_some_and(|it| *it == tool_call_fingerprint(tool, args));
            (is_for_these || given == ToolConfirmationDecision::Deny).then_some(given)
        });
        Self {
            handler: config.and_then(|config| config.tool_confirmation_handler.clone()),
            given,
            request: ToolConfirmationRequest {
                tool_name: tool.to_owned(),
                function_call_id: Some(id.to_owned()),
                args: args.clone(),
            },
            asked: questions::take(gate, &**ctx, id),
            run: Arc::clone(run),
        }
    }

    /// Whether the run was given a refusal of the call.
    pub(crate) fn is_refused(&self) -> bool {
        self.given == Some(ToolConfirmationDecision::Deny)
    }

    /// What the run was given, if it counts for this decision. An approval is used then.
    fn use_given(&self, decision: &Decision) -> Option<ToolConfirmationDecision> {
        let given = self.given?;
        if given == ToolConfirmationDecision::Deny {
            return Some(given);
        }
        let is_same = self.asked.as_ref().is_some_and(|it| it.is_same(decision));
        let call = self.request.function_call_id.as_deref().unwrap_or_default();
        (is_same && self.run.confirms(call)).then_some(given)
    }

    /// Runs a decision within which [`Confirmations`] asks about this call.
    pub(crate) async fn within<F: Future>(self, deciding: F) -> F::Output {
        CALL.scope(self, deciding).await
    }
}

impl ApprovalHandler for Confirmations {
    fn ask(&self, _: &Decision) -> Result<Answer, ApprovalError> {
        Err("the run's confirmation handler is asked without holding a thread".into())
    }

    fn ask_async<'a>(&'a self, decision: &'a Decision) -> AnswerFuture<'a> {
        let found = CALL.try_with(|call| {
            (
                call.use_given(decision),
                call.handler.clone(),
                call.request.clone(),
            )
        });
        Box::pin(async move {
            let (given, handler, request) = found.map_err(|_| "no call of the agent is decided")?;
            let confirmed = match (given, handler) {
                (Some(given), _) => given,
                (None, Some(handler)) => handler.decide(&request).await?,
                (None, None) => return Err("the run has no `tool_confirmation_handler`".into()),
            };
            Ok(match confirmed {
                ToolConfirmationDecision::Approve => Answer::Approved {
                    by: "tool_confirmation_handler".to_owned(),
                    reason: None,
                    request: None,
                },
                ToolConfirmationDecision::Deny => Answer::Denied {
                    reason: "the confirmation was refused".to_owned(),
                },
            })
        })
    }
}
