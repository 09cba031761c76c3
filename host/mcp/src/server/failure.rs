//! Why a server gave no answer.

use std::time::Duration;

use hexgate_base::shortened;
use rmcp::model::ErrorData;
use rmcp::service::ServiceError;

use super::bearing::refusal_of;
use crate::wire::Ended;

/// How much of a server's own words is shown.
const SHOWN: usize = 300;

/// Why a server gave no answer that can be passed on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Failure {
    /// It is not running.
    #[error("the server is not running ({0}); it is started again, try later")]
    Down(String),
    /// It ended while it was asked. Whether it did what it was asked is not known.
    #[error(
        "the server ended before it answered ({0}); whether it did what it was asked is not known"
    )]
    Died(String),
    /// It did not answer in time. Whether it did what it was asked is not known.
    #[error("the server did not answer within {} seconds; whether it did what it was asked is not known", .0.as_secs())]
    Late(Duration),
    /// The client cancelled the request.
    #[error("the client cancelled the request")]
    Cancelled {
        /// Whether it may have been sent by then.
        sent: bool,
    },
    /// The tool is not offered any more as it was when the call was decided.
    #[error(
        "the tool changed or is withheld since the call was decided; the call did not run, read the list of tools again"
    )]
    Withheld,
    /// It does not offer any more what was asked for and decided.
    #[error("the server no longer offers this; nothing was sent, read the lists again")]
    Gone,
    /// What it offers may have changed since it was read, and cannot be read now.
    #[error(
        "what the server offers may have changed, and cannot be read now; the call did not run, try later"
    )]
    Unread,
    /// The server asked the user, and meanwhile the call stopped being permitted. What the server did before it asked is not known.
    #[error("the call is no longer permitted; the answers of the user were not sent to the server")]
    NoLongerPermitted,
    /// It wants a token that the gateway does not have. What to do about it.
    #[error("{0}; the call did not run")]
    Unauthorized(String),
    /// Too much is asked of it at a time.
    #[error("the server has as many calls in flight as are allowed; try later")]
    Busy,
    /// The call became a task, and too many are known.
    #[error(
        "the call runs at the server as a task, and too many tasks are known here to tell how it ends; do not make the call again"
    )]
    Unkept,
    /// Its answer is too large.
    #[error("the server's answer is larger than {0} bytes")]
    TooLarge(usize),
    /// Its answer is not one to this question.
    #[error("the server's answer is none to this question ({0})")]
    Lied(String),
    /// It wants something that is refused here.
    #[error("the server {0}, which this gateway refuses")]
    Refused(&'static str),
    /// The client sent a state that counts for nothing. It does not say which check failed.
    #[error(
        "the state that came with the call was not given for it, is too old or was used; make the call again without it"
    )]
    State,
    /// What was decided cannot be sent unchanged.
    #[error("the call cannot be sent as it was decided")]
    Inexact,
    /// It answered with an error.
    #[error("the server answered with an error: {}", shortened(&.0.message, SHOWN))]
    Error(Box<ErrorData>),
}

impl Failure {
    /// A short stable name, for the record.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Down(_) => "server_down",
            Self::Died(_) => "server_died",
            Self::Late(_) => "timeout",
            Self::Cancelled { .. } => "cancelled",
            Self::Withheld => "tool_withheld",
            Self::Gone => "no_longer_offered",
            Self::Unread => "lists_unread",
            Self::NoLongerPermitted => "no_longer_permitted",
            Self::Unauthorized(_) => "unauthorized",
            Self::Busy => "server_busy",
            Self::Unkept => "task_not_kept",
            Self::TooLarge(_) => "result_too_large",
            Self::Lied(_) => "protocol",
            Self::Refused(_) => "refused",
            Self::State => "unknown_state",
            Self::Inexact => "inexact",
            Self::Error(_) => "server_error",
        }
    }

    /// Whether the server may have begun.
    pub(crate) fn may_have_run(&self) -> bool {
        !matches!(
            self,
            Self::Down(_)
                | Self::Withheld
                | Self::Gone
                | Self::Unread
                | Self::Cancelled { sent: false }
                | Self::Unauthorized(_)
                | Self::Busy
                | Self::State
                | Self::Inexact
        )
    }

    pub(super) fn of(error: ServiceError, ended: &Ended) -> Self {
        match error {
            ServiceError::McpError(error) => Self::Error(Box::new(error)),
            ServiceError::UnexpectedResponse => Self::Lied("it is of another kind".to_owned()),
            ServiceError::TransportClosed => Self::Died(
                ended
                    .why()
                    .unwrap_or_else(|| "it closed the connection".to_owned()),
            ),
            ServiceError::TransportSend(error) if refusal_of(&error).is_some() => {
                Self::Unauthorized(refusal_of(&error).unwrap_or_default())
            }
            other => {
                // Around the reason stand the names of types.
                let said = match &other {
                    ServiceError::TransportSend(error) => error.error.to_string(),
                    other => other.to_string(),
                };
                Self::Died(ended.why().unwrap_or_else(|| shortened(&said, SHOWN)))
            }
        }
    }
}
