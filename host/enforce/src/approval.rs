//! AnswerFuture somebody.

#[cfg(feature = "approvals")]
mod durable;

#[cfg(feature = "approvals")]
pub use durable::DurableApprovals;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::decision::Decision;

/// What came of asking somebody about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an answer counts once it is given to the enforcer"]
pub enum Answer {
    /// It may happen, once.
    Approved {
        /// Who says so, for the record.
        by: String,
        /// Under which name the request and its answer can be found again, for the record. None: they cannot.
        request: Option<String>,
    },
    /// It must not happen.
    Denied {
        /// Why, for the operator.
        reason: String,
    },
    /// Nobody has answered yet. The call does not happen now.
    Pending {
        /// Under which name to ask again.
        request: String,
    },
}

/// Why nobody could be asked. It is a denial.
pub type ApprovalError = Box<dyn Error + Send + Sync>;

/// An answer that is still being waited for.
pub type AnswerFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Answer, ApprovalError>> + Send + 'a>>;

/// Asks somebody whether a call that needs approval may happen.
///
/// What is answered counts for this call alone. Before it runs the enforcer decides again: an approval is void once the policy has
/// changed, the caller's time is over, or somebody was stopped.
pub trait ApprovalHandler: Send + Sync {
    /// Asks, and waits for the answer on this thread.
    ///
    /// # Errors
    ///
    /// Nobody could be asked. A panic counts as that.
    fn ask(&self, decision: &Decision) -> Result<Answer, ApprovalError>;

    /// Whether an answer is used up when it is asked for, as one is that counts once. Then asking, deciding again and the record of it go
    /// on to their end where tokio runs, even if whoever asked does not wait any more. Default: no.
    fn uses_up(&self) -> bool {
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
    /// Nobody is asked: it does not happen, and the model is told that approval is required.
    #[default]
    Nobody,
    /// It happens, unasked.
    Always,
    /// It does not happen: it is denied.
    Never,
    /// Somebody is asked.
    Ask(Arc<dyn ApprovalHandler>),
}

impl Approvals {
    /// Asks a function, which may wait.
    pub fn ask(ask: impl Fn(&Decision) -> bool + Send + Sync + 'static) -> Self {
        Self::Ask(Arc::new(Callback(ask)))
    }

    /// Asks a function that gives a future. Where a call is authorized synchronously nobody can wait for it, so it is denied.
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
            request: None,
        }
    } else {
        Answer::Denied {
            reason: "the approval was refused".to_owned(),
        }
    }
}
