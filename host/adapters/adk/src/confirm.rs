//! Approvals by the framework's own way.

use std::future::Future;
use std::sync::Arc;

use adk_core::{
    ToolConfirmationDecision, ToolConfirmationHandler, ToolConfirmationRequest, ToolContext,
    tool_call_fingerprint,
};
use hexgate_enforce::{Answer, AnswerFuture, ApprovalError, ApprovalHandler, Decision};
use serde_json::Value;

tokio::task_local! {
    static CALL: Confirming;
}

/// How people are asked about one call.
struct Confirming {
    handler: Option<Arc<dyn ToolConfirmationHandler>>,
    given: Option<ToolConfirmationDecision>,
    request: ToolConfirmationRequest,
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
/// It answers for one person. Where the policy asks for several approvers the call is denied.
#[derive(Debug, Clone, Copy, Default)]
pub struct Confirmations;

/// Runs a decision within which [`Confirmations`] asks about this call.
pub(crate) async fn within<F: Future>(
    ctx: &Arc<dyn ToolContext>,
    args: &Value,
    deciding: F,
) -> F::Output {
    let config = ctx.run_config();
    let tool = ctx.tool_name().unwrap_or_default().to_owned();
    let id = ctx.function_call_id();
    let given = config.and_then(|config| {
        let given = config.tool_confirmation_decisions.get(id).copied()?;
        // Without the arguments that it was given for, it is for any: that is not an approval of this call.
        let bound = config.tool_confirmation_fingerprints.get(id);
        let is_for_these = bound.is_some_and(|it| *it == tool_call_fingerprint(&tool, args));
        (is_for_these || given == ToolConfirmationDecision::Deny).then_some(given)
    });
    let confirming = Confirming {
        handler: config.and_then(|config| config.tool_confirmation_handler.clone()),
        given,
        request: ToolConfirmationRequest {
            tool_name: tool,
            function_call_id: Some(id.to_owned()),
            args: args.clone(),
        },
    };
    CALL.scope(confirming, deciding).await
}

impl ApprovalHandler for Confirmations {
    fn ask(&self, _: &Decision) -> Result<Answer, ApprovalError> {
        Err("the run's confirmation handler is asked without holding a thread".into())
    }

    fn ask_async<'a>(&'a self, decision: &'a Decision) -> AnswerFuture<'a> {
        let found = CALL.try_with(|call| {
            let mut request = call.request.clone();
            request.tool_name = decision.tool().to_owned();
            (call.given, call.handler.clone(), request)
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
