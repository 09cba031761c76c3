//! Approvals by the framework's own way: the agent stops, and goes on once a person answered.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use hexgate_base::guarded::locked;
use hexgate_enforce::{Answer, AnswerFuture, ApprovalError, ApprovalHandler, Decision};
use hexgate_gate::Asked;
use swiftide_core::ToolFeedback;
use swiftide_core::chat_completion::ToolCall;

/// Questions of one agent that are kept. When there are more, the oldest is asked again.
const MAX_QUESTIONS: usize = 1024;

tokio::task_local! {
    /// What was answered to the call that is decided.
    static GIVEN: Given;
}

/// An answer, and what was asked when it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) feedback: Option<ToolFeedback>,
    pub(crate) asked: Option<Asked>,
}

/// The questions of one agent for which it stopped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Questions(Arc<Mutex<VecDeque<(ToolCall, Asked)>>>);

impl Questions {
    /// The agent stops to ask about a call.
    pub(crate) fn keep(&self, call: &ToolCall, decision: &Decision) {
        let Some(asked) = Asked::of(decision) else {
            return;
        };
        let mut questions = locked(&self.0);
        if questions.len() >= MAX_QUESTIONS {
            questions.pop_front();
        }
        questions.push_back((call.clone(), asked));
    }

    /// What was asked about a call, once.
    pub(crate) fn take(&self, call: &ToolCall) -> Option<Asked> {
        let mut questions = locked(&self.0);
        let at = questions.iter().position(|(asked, _)| asked == call)?;
        questions.remove(at).map(|(_, asked)| asked)
    }
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
/// An approval counts for the policy and the caller of the decision that asked. After another policy came, in a run on behalf of somebody else, and for
/// an agent that was built anew, the agent asks again. A refusal counts in any case, also where the policy would allow the call by then.
///
/// It answers for one person. Where the policy asks for several approvers the call is denied.
#[derive(Debug, Clone, Copy, Default)]
pub struct Feedback;

/// Runs a decision within which [`Feedback`] knows this answer.
pub(crate) async fn within<F: Future>(given: Given, deciding: F) -> F::Output {
    GIVEN.scope(given, deciding).await
}

impl ApprovalHandler for Feedback {
    fn ask(&self, decision: &Decision) -> Result<Answer, ApprovalError> {
        let given = GIVEN
            .try_with(Clone::clone)
            .map_err(|_| "no call of the agent is decided")?;
        let is_same = given.asked.is_some_and(|asked| asked.is_same(decision));
        Ok(match given.feedback {
            Some(ToolFeedback::Approved { payload }) if is_same => Answer::Approved {
                by: "feedback".to_owned(),
                reason: payload.map(|payload| payload.to_string()),
                request: None,
            },
            None | Some(ToolFeedback::Approved { .. }) => Answer::Pending {
                request: "feedback".to_owned(),
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
