//! Why a hook could not decide. Each is a denial.

use std::path::PathBuf;
use std::time::Duration;

use hexgate_base::sentence;

/// Why a hook could not decide. The agent is answered with a denial that says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The event cannot be read from the standard input.
    #[error("the event cannot be read: {0}")]
    Input(std::io::Error),
    /// The event is larger than is accepted.
    #[error("the event has more than {most} bytes")]
    TooLarge {
        /// The most bytes.
        most: usize,
    },
    /// The event is not in the agent's form.
    #[error("the event is malformed: {0}")]
    Malformed(String),
    /// The event is none that this hook knows.
    #[error("the event `{}` is not known", .0.escape_debug())]
    UnknownEvent(String),
    /// Nobody is named on whose behalf the agent acts, or not by a name.
    #[error("there is no caller: {0}")]
    Caller(String),
    /// There is no policy, or none that may decide.
    #[error("there is no policy: {0}")]
    Policy(String),
    /// The decision cannot be recorded.
    #[error("the audit log cannot be written: {0}")]
    Audit(String),
    /// Approvals cannot be asked for.
    #[error("approvals cannot be asked for: {0}")]
    Approvals(String),
    /// What is kept of the conversation cannot be read or written.
    #[error("the state of this conversation in `{}` {reason}", path.display())]
    State {
        /// The folder or the file.
        path: PathBuf,
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// There was no decision in time.
    #[error("there was no decision within {} ms", .0.as_millis())]
    Time(Duration),
    /// The hook itself is broken.
    #[error("the hook failed: {0}")]
    Broken(String),
}

impl Failure {
    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed(reason.into())
    }
}

/// What an agent is told of a failure. It has a line: what follows in a policy's diagnostics are lines of the policy, which models do not see.
pub(crate) fn told(failure: &Failure) -> String {
    let whole = sentence(failure);
    match whole.trim_end().split_once('\n') {
        Some((first, _)) => format!(
            "{}; see `hexgate policy validate`",
            first.trim_end_matches(':')
        ),
        None => whole,
    }
}
