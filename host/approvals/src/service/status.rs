//! What comes of asking: how a call stands, the right to run it, and why it must not run.

use hexgate_bundle::Timestamp;

use crate::{
    refusal::Refusal,
    request::RequestId,
    store::{MAX_OPEN, MAX_OPEN_BYTES, StoreError},
    used::UsedApprovalsError,
};

/// How a call stands.
#[derive(Debug, PartialEq, Eq)]
pub enum ApprovalStatus {
    /// It may run, once.
    Approved(Permit),
    /// An approver said no. Asking again is of no use before the request expires.
    Denied {
        /// The request.
        request: RequestId,
        /// Who said no.
        approver: String,
        /// Why; may be empty.
        reason: String,
    },
    /// Somebody was asked and has not answered.
    Pending {
        /// The request.
        request: RequestId,
    },
}

/// The right to run a call once. There is one only after the approval was used up, and it cannot be copied.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the approval is used up: run the call, or ask again"]
pub struct Permit {
    pub(super) request: RequestId,
    pub(super) approver: String,
    pub(super) answered_at: Timestamp,
    pub(super) reason: String,
    pub(super) used_at: Timestamp,
}

impl Permit {
    /// The request.
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// Who said yes.
    pub fn approver(&self) -> &str {
        &self.approver
    }

    /// When.
    pub fn answered_at(&self) -> Timestamp {
        self.answered_at
    }

    /// Why; may be empty.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// When it was used.
    pub fn used_at(&self) -> Timestamp {
        self.used_at
    }
}

/// A call must not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// An approval does not count.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database cannot be used.
    #[error("cannot use the database of approvals: {0}")]
    RequestStore(#[from] StoreError),
    /// The record of used approvals cannot be used.
    #[error(transparent)]
    UsedApprovals(#[from] UsedApprovalsError),
    /// Nobody could read it.
    #[error("the call has {size} bytes, and at most {limit} can be put before a person")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The largest.
        limit: usize,
    },
    /// Nobody could answer them.
    #[error(
        "{MAX_OPEN} requests are open, or {MAX_OPEN_BYTES} bytes of arguments in them, and no more are made: answer some, or wait until some expire"
    )]
    TooMany,
    /// The time cannot be told.
    #[error("the clock shows a time that cannot be written, before 1970 or after 9999; set it")]
    Clock,
    /// The system gives no randomness.
    #[error("the system gives no randomness for a request: {0}")]
    Random(getrandom::Error),
}
