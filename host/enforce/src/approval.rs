//! Approval of calls by a human.

#[cfg(feature = "approvals")]
mod durable;
#[cfg(feature = "approvals")]
mod files;

#[cfg(feature = "approvals")]
pub use durable::DurableApprovals;
#[cfg(feature = "approvals")]
pub use files::{ApprovalFiles, ApprovalFilesError};

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::decision::Decision;

/// The answer to a request for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an answer counts once it is given to the enforcer"]
pub enum Answer {
    /// The call may happen, once.
    Approved {
        /// The approver, or all of them, for the record.
        by: String,
        /// Why, in the words of the approver, or of all of them, for the record. None: nobody gave a reason.
        reason: Option<String>,
        /// The id under which the request and its answer are kept, for the record. None: they are not kept.
        request: Option<String>,
    },
    /// The call must not happen.
    Denied {
        /// Why, for the operator.
        reason: String,
    },
    /// There is no answer yet. The call does not happen now.
    Pending {
        /// The id of the request.
        request: String,
    },
}

/// Why approval could not be asked for. A denial.
pub type ApprovalError = Box<dyn Error + Send + Sync>;

/// An answer to wait for.
pub type AnswerFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Answer, ApprovalError>> + Send + 'a>>;

/// Asks a human, or a program in their place, whether a call that needs approval may happen.
///
/// An answer counts for this call alone. The enforcer decides again before the call runs: an approval is void if the policy changed, the
/// caller expired, or the kill switch stops the call.
pub trait ApprovalHandler: Send + Sync {
    /// Asks, and waits for the answer on this thread.
    ///
    /// # Errors
    ///
    /// Approval could not be asked for. A panic counts as an error.
    fn ask(&self, decision: &Decision) -> Result<Answer, ApprovalError>;

    /// Whether asking uses an answer up, as for approvals that count once. If so, under tokio, asking, deciding again and recording run to
    /// their end even if the caller drops the future. Default: no.
    fn uses_up(&self) -> bool {
        false
    }

    /// Whether an approval by this handler is by as many different people as the policy asks for
    /// ([`approval_terms`](Decision::approval_terms)). Default: no, it is by one. Then calls that need more are denied without asking.
    fn gathers(&self) -> bool {
        false
    }

    /// Asks, and waits for the answer without holding a thread. By default this is [`ask`](Self::ask).
    fn ask_async<'a>(&'a self, decision: &'a Decision) -> AnswerFuture<'a> {
        let answer = self.ask(decision);
        Box::pin(std::future::ready(answer))
    }
}

/// What happens to a call that needs approval.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Approvals {
    /// No one is asked: the call does not happen, and the model is told that approval is required.
    #[default]
    Nobody,
    /// The call happens without being asked about, unless the policy asks for several approvers: then it is denied.
    Always,
    /// The call is denied.
    Never,
    /// A handler is asked.
    Ask(Arc<dyn ApprovalHandler>),
}

impl Approvals {
    /// Asks a function, which may block. It answers for one person: a call for which the policy asks for several approvers is denied.
    pub fn ask(ask: impl Fn(&Decision) -> bool + Send + Sync + 'static) -> Self {
        Self::Ask(Arc::new(Callback(ask)))
    }

    /// Asks a function that gives a future, for one person as [`ask`](Self::ask). A call that is authorized synchronously cannot wait for it
    /// and is denied.
    pub fn ask_async<F, A>(ask: F) -> Self
    where
        F: Fn(&Decision) -> A + Send + Sync + 'static,
        A: Future<Output = bool> + Send + 'static,
    {
        Self::Ask(Arc::new(AsyncCallback(ask)))
    }

    /// Asks a handler.
    pub fn handler(handler: impl ApprovalHandler + 'static) -> Self {
        Self::Ask(Arc::new(handler))
    }
}

impl fmt::Debug for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::Always => "Always",
            Self::Never => "Never",
            Self::Ask(_) => "Ask",
        })
    }
}

struct Callback<F>(F);

impl<F: Fn(&Decision) -> bool + Send + Sync> ApprovalHandler for Callback<F> {
    fn ask(&self, decision: &Decision) -> Result<Answer, ApprovalError> {
        Ok(answer(self.0(decision)))
    }
}

struct AsyncCallback<F>(F);

impl<F, A> ApprovalHandler for AsyncCallback<F>
where
    F: Fn(&Decision) -> A + Send + Sync,
    A: Future<Output = bool> + Send + 'static,
{
    fn ask(&self, _decision: &Decision) -> Result<Answer, ApprovalError> {
        Err("approval needs a future, and this call is synchronous; use `authorize_async`".into())
    }

    fn ask_async<'a>(&'a self, decision: &'a Decision) -> AnswerFuture<'a> {
        let asking = self.0(decision);
        Box::pin(async move { Ok(answer(asking.await)) })
    }
}

fn answer(approved: bool) -> Answer {
    if approved {
        Answer::Approved {
            by: "callback".to_owned(),
            reason: None,
            request: None,
        }
    } else {
        Answer::Denied {
            reason: "the approval was refused".to_owned(),
        }
    }
}
