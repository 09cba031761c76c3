//! The people of a play, who answer as the scenario says.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use hexgate_enforce::{Answer, AnswerFuture, ApprovalError, ApprovalHandler, Decision};

use crate::gate::Gates;
use crate::scenario::{AnswerSpec, Answers};
use crate::seen::Ask;
use crate::toolbox::Toolbox;

/// The people who are asked. Cloning gives the same ones.
#[derive(Debug, Clone)]
pub struct Approver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    agent: String,
    gates: Arc<Gates>,
    toolbox: Toolbox,
    answers: Mutex<VecDeque<Answers>>,
    asked: Mutex<Vec<Ask>>,
}

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Approved,
    /// No.
    Refused,
    /// Nobody was reached.
    Unreachable,
}

impl Approver {
    pub(crate) fn new(
        agent: &str,
        gates: &Arc<Gates>,
        toolbox: &Toolbox,
        answers: Vec<Answers>,
    ) -> Self {
        Self(Arc::new(Inner {
            agent: agent.to_owned(),
            gates: Arc::clone(gates),
            toolbox: toolbox.clone(),
            answers: Mutex::new(answers.into()),
            asked: Mutex::default(),
        }))
    }

    /// Asks about a call, for hosts that ask by a road of their own. The tool is named as policies name it.
    ///
    /// # Panics
    ///
    /// As the scenario says.
    pub async fn answer(&self, tool: &str, arguments: &str) -> Verdict {
        match self.next(tool, arguments) {
            AnswerSpec::Approve => Verdict::Approved,
            AnswerSpec::Refuse => Verdict::Refused,
            AnswerSpec::Fail => Verdict::Unreachable,
            AnswerSpec::Hang => pending().await,
            AnswerSpec::Panic => panic!("the road to people has a bug, as the scenario says"),
        }
    }

    /// What they were asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Ask> {
        let asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }

    fn next(&self, tool: &str, arguments: &str) -> AnswerSpec {
        let after = self.0.toolbox.ran().len();
        self.0
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Ask {
                tool: tool.to_owned(),
                arguments: arguments.to_owned(),
                after,
            });
        if self.0.toolbox.is_cancelled_while_asked() {
            self.0.toolbox.cancel();
        }
        let next = self
            .0
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        // A question that the scenario does not expect is a difference; it is not answered with a yes.
        let Some(next) = next else {
            return AnswerSpec::Refuse;
        };
        if let Some(change) = &next.meanwhile {
            self.0.gates.change(&self.0.agent, change);
        }
        next.answer
    }
}

impl ApprovalHandler for Approver {
    fn ask(&self, decision: &Decision) -> Result<Answer, ApprovalError> {
        match self.next(decision.tool(), decision.arguments()) {
            AnswerSpec::Hang => Err("nobody can be waited for here".into()),
            AnswerSpec::Panic => panic!("the road to people has a bug, as the scenario says"),
            AnswerSpec::Fail => told(Verdict::Unreachable),
            AnswerSpec::Approve => told(Verdict::Approved),
            AnswerSpec::Refuse => told(Verdict::Refused),
        }
    }

    fn ask_async<'a>(&'a self, decision: &'a Decision) -> AnswerFuture<'a> {
        Box::pin(async { told(self.answer(decision.tool(), decision.arguments()).await) })
    }
}

fn told(verdict: Verdict) -> Result<Answer, ApprovalError> {
    match verdict {
        Verdict::Approved => Ok(Answer::Approved {
            by: "bob".to_owned(),
            reason: None,
            request: None,
        }),
        Verdict::Refused => Ok(Answer::Denied {
            reason: "bob does not want it".to_owned(),
        }),
        Verdict::Unreachable => Err("nobody can be reached, as the scenario says".into()),
    }
}
