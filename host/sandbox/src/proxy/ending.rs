//! How permitted calls end, for the record.

use std::time::{Duration, Instant, SystemTime};

use hexgate_enforce::{EndState, Ended, Enforcer, Permit};

/// A permitted call that goes on. When it is dropped, its end is recorded: a call that nobody ended was cancelled.
pub(crate) struct Ending {
    enforcer: Enforcer,
    permit: Permit,
    begin: Instant,
    /// Whether a server was reached.
    ran: bool,
    state: EndState,
    error: Option<&'static str>,
}

impl Ending {
    pub(crate) fn new(enforcer: &Enforcer, permit: Permit) -> Self {
        Self {
            enforcer: enforcer.clone(),
            permit,
            begin: Instant::now(),
            ran: false,
            state: EndState::Cancelled,
            error: None,
        }
    }

    /// A server was reached: from here on the call has effects.
    pub(crate) fn reached(&mut self) {
        self.ran = true;
    }

    /// It ended well, or for a reason with a short stable name.
    pub(crate) fn end(mut self, result: Result<(), &'static str>) {
        self.state = if result.is_ok() {
            EndState::Completed
        } else {
            EndState::Failed
        };
        self.error = result.err();
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let took = if self.ran {
            self.begin.elapsed()
        } else {
            Duration::ZERO
        };
        self.enforcer.ended(&Ended {
            at: SystemTime::now(),
            decision: self.permit.decision().id(),
            tool: self.permit.tool(),
            ran: self.ran,
            state: self.state,
            result: None,
            error: self.error,
            took,
        });
    }
}
