//! Approvals by the framework's own way: the agent stops, and goes on once a person answered.

use hexgate_enforce::{Answer, AnswerFuture, ApprovalError, ApprovalHandler, Decision};
use swiftide_core::ToolFeedback;

tokio::task_local! {
    /// What was answered to the call that is decided.
    static GIVEN: Option<ToolFeedback>;
}

/// Asks by stopping the agent. The answer is what the framework's context is given for that very call, its id, tool and arguments
/// (`agent.context().feedback_received(&call, &ToolFeedback::approved())`), and it counts once.
///
/// ```no_run
/// # fn example(live: &hexgate_enforce::LivePolicy) -> Result<(), Box<dyn std::error::Error>> {
/// use hexgate_enforce::{Approvals, Enforcer};
///
/// let enforcer = Enforcer::builder("support", live)
///     .approvals(Approvals::handler(hexgate_swiftide::Feedback))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// It answers for one person. Where the policy asks for several approvers the call is denied.
#[derive(Debug, Clone, Copy, Default)]
pub struct Feedback;

/// Runs a decision within which [`Feedback`] knows this answer.
pub(crate) async fn within<F: Future>(given: Option<ToolFeedback>, deciding: F) -> F::Output {
    GIVEN.scope(given, deciding).await
}

impl ApprovalHandler for Feedback {
    fn ask(&self, _: &Decision) -> Result<Answer, ApprovalError> {
        let given = GIVEN
            .try_with(Clone::clone)
            .map_err(|_| "no call of the agent is decided")?;
        Ok(match given {
            None => Answer::Pending {
                request: "feedback".to_owned(),
            },
            Some(ToolFeedback::Approved { payload }) => Answer::Approved {
                by: "feedback".to_owned(),
                reason: payload.map(|payload| payload.to_string()),
                request: None,
            },
            Some(ToolFeedback::Refused { .. }) => Answer::Denied {
                reason: "the feedback was a refusal".to_owned(),
            },
        })
    }

    fn ask_async<'a>(&'a self, decision: &'a Decision) -> AnswerFuture<'a> {
        Box::pin(std::future::ready(self.ask(decision)))
    }
}
