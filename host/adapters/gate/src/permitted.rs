//! A call that may run, to its end.

use std::future::Future;
use std::time::{Duration, Instant, SystemTime};

use hexgate_base::guarded::guarded_async;
use hexgate_base::harmless;
use hexgate_enforce::{Caller, Decision, DecisionId, EndState, Ended, Enforcer, Permit, scope};
use serde_json::Value;

use crate::counts::Counts;
use crate::exact;

/// A call that may run, once, with the bytes that were decided. Its end is recorded however it ends; if it is dropped before, as cancelled.
#[derive(Debug)]
#[must_use = "a permission that is not used permits nothing"]
pub struct Permitted {
    enforcer: Enforcer,
    permit: Permit,
    began: Option<Instant>,
    has_ended: bool,
    run: Option<Counts>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// The tool answered this.
    Completed(&'a str),
    /// The tool failed, was not started, or its result is withheld: a short stable name for why, and what the model reads.
    Failed(&'a str, Option<&'a str>),
    /// The run ended before the call did.
    Cancelled,
}

/// The tool panicked. It is recorded; what it said is in the log of the operator.
#[derive(Debug)]
pub struct Panicked {
    /// What the model reads.
    pub message: String,
}

impl Permitted {
    pub(crate) fn new(enforcer: Enforcer, permit: Permit) -> Self {
        Self {
            enforcer,
            permit,
            began: None,
            has_ended: false,
            run: None,
        }
    }

    /// A call of this run.
    pub(crate) fn within(mut self, run: &Counts) -> Self {
        self.run = Some(run.clone());
        self
    }

    /// The tool.
    #[must_use]
    pub fn tool(&self) -> &str {
        self.permit.tool()
    }

    /// The arguments: the very bytes that were decided.
    #[must_use]
    pub fn arguments(&self) -> &str {
        self.permit.arguments()
    }

    /// The arguments as the value that is written as these bytes. None: there is no such value, and the call must not run
    /// ([`inexact`](Self::inexact)).
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        exact::value(self.permit.arguments())
    }

    /// Whether a call is this one, byte for byte.
    #[must_use]
    pub fn is(&self, tool: &str, arguments: &str) -> bool {
        self.permit.tool() == tool && self.permit.arguments() == arguments
    }

    /// The decision behind it.
    pub fn decision(&self) -> &Decision {
        self.permit.decision()
    }

    /// On whose behalf it runs.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.permit.decision().caller()
    }

    /// Whether the permission covers a path that the call did not name, such as one that a search has found. What cannot be answered is not
    /// covered.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.permit.covers(path).unwrap_or(false)
    }

    /// The tool starts now, where this program does not run it as a future: give its end to [`end`](Self::end). Opens no scope.
    pub fn start(&mut self) {
        self.began = Some(Instant::now());
    }

    /// Runs the tool, with the caller in scope, so that agents which the tool calls act on the same behalf. Give its end to
    /// [`end`](Self::end).
    ///
    /// # Errors
    ///
    /// The tool panicked. That is its end, and it is recorded.
    pub async fn run<F: Future>(&mut self, tool: F) -> Result<F::Output, Panicked> {
        self.began = Some(Instant::now());
        let ran = match self.caller().cloned() {
            Some(caller) => guarded_async(scope::scope(caller, tool)).await,
            // INVARIANT: no call without a caller is allowed.
            None => Err("nobody is in scope".to_owned()),
        };
        ran.map_err(|panic| {
            let tool = harmless(self.tool());
            tracing::error!(%tool, %panic, "a tool panicked");
            let message = format!("[tool_failed] Tool '{tool}' failed unexpectedly.");
            self.record(End::Failed("panic", Some(&message)));
            Panicked { message }
        })
    }

    /// Records how the call ended.
    pub fn end(mut self, end: End<'_>) {
        self.record(end);
    }

    /// Ends a call that was not started: what would run is not what was decided. Gives what the model reads.
    #[must_use]
    pub fn inexact(self) -> String {
        let message = format!(
            "[policy_denied] Tool '{}' is denied: its arguments are no longer those that were decided. The tool was not executed.",
            harmless(self.tool())
        );
        tracing::error!(
            tool = %harmless(self.tool()), decision = %self.decision().id(),
            "the arguments of a call are not those that were decided; it does not run"
        );
        self.end(End::Failed("arguments_changed", Some(&message)));
        message
    }

    /// Ends a call whose tool ran, but not from this permission. Gives what the model reads in the place of the result.
    #[must_use]
    pub fn withheld(mut self) -> String {
        let message = format!(
            "[result_withheld] Tool '{}' ran in a way that was not permitted. Its result is withheld.",
            harmless(self.tool())
        );
        tracing::error!(
            tool = %harmless(self.tool()), decision = %self.decision().id(),
            "a tool ran past the gate; its result is withheld"
        );
        // It ran. For how long is not known.
        self.began = Some(Instant::now());
        self.end(End::Failed("result_withheld", Some(&message)));
        message
    }

    fn record(&mut self, end: End<'_>) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let (state, result, error) = match end {
            End::Completed(result) => (EndState::Completed, Some(result), None),
            End::Failed(error, result) => (EndState::Failed, result, Some(error)),
            End::Cancelled => (EndState::Cancelled, None, Some("cancelled")),
        };
        if let (EndState::Failed, Some(run)) = (state, &self.run) {
            run.failed();
        }
        let took = self.began.map(|began| began.elapsed());
        let decision = self.permit.decision();
        record(
            &self.enforcer,
            decision.id(),
            decision.tool(),
            state,
            result,
            error,
            took,
        );
    }
}

impl Drop for Permitted {
    fn drop(&mut self) {
        self.record(End::Cancelled);
    }
}

/// Has an end recorded. `took` is how long the tool ran; none: it was not started.
pub(crate) fn record(
    enforcer: &Enforcer,
    decision: DecisionId,
    tool: &str,
    state: EndState,
    result: Option<&str>,
    error: Option<&str>,
    took: Option<Duration>,
) {
    enforcer.ended(&Ended {
        at: SystemTime::now(),
        decision,
        tool,
        ran: took.is_some(),
        state,
        result,
        error,
        took: took.unwrap_or_default(),
    });
}
