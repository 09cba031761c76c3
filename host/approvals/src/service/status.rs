//! The result of asking: the status of a call, the right to run it, and why it must not run.

use hexgate_bundle::Timestamp;

use crate::{
    refusal::Refusal,
    request::RequestId,
    store::{MAX_OPEN, MAX_OPEN_BYTES, StoreError},
    used::UsedApprovalsError,
};

/// Whether a call may run. Exhaustive on purpose: a host has to handle each status.
#[derive(Debug, PartialEq, Eq)]
pub enum ApprovalStatus {
    /// It may run, once.
    Approved(Permit),
    /// An approver denied it. Asking again does not help before the request expires.
    Denied {
        /// The request.
        request: RequestId,
        /// Who denied it.
        approver: String,
        /// Why; may be empty.
        reason: String,
    },
    /// Too few approvers have answered yet.
    Pending {
        /// The request.
        request: RequestId,
        /// How many approved it so far.
        given: u8,
        /// How many have to.
        needed: u8,
    },
}

/// The right to run a call once. It is made only after the approval was used up, and cannot be copied.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the approval is used up: run the call, or ask again"]
pub struct Permit {
    pub(super) request: RequestId,
    /// INVARIANT: the first, and the others if several were needed.
    pub(super) approvals: (Approval, Vec<Approval>),
    pub(super) used_at: Timestamp,
}

/// What one approver said to allow a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Who approved it.
    pub approver: String,
    /// When.
    pub answered_at: Timestamp,
    /// Why; may be empty if no reason is required.
    pub reason: String,
}

impl Permit {
    /// The request.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// All approvals, the earliest first: one, or as many as are needed.
    pub fn approvals(&self) -> impl Iterator<Item = &Approval> {
        let (first, others) = &self.approvals;
        std::iter::once(first).chain(others)
    }

    /// Who approved it: of several the first.
    #[must_use]
    pub fn approver(&self) -> &str {
        &self.approvals.0.approver
    }

    /// When: of several approvals the first.
    #[must_use]
    pub fn answered_at(&self) -> Timestamp {
        self.approvals.0.answered_at
    }

    /// Why: of several approvals the first. May be empty.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.approvals.0.reason
    }

    /// When it was used.
    #[must_use]
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
    /// The file of used approvals cannot be used.
    #[error(transparent)]
    UsedApprovals(#[from] UsedApprovalsError),
    /// The call is too large for a person to review.
    #[error("the call has {size} bytes, and at most {limit} can be put before a person")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The largest.
        limit: usize,
    },
    /// More requests are open than approvers can answer.
    #[error(
        "{MAX_OPEN} requests are open, or {MAX_OPEN_BYTES} bytes of arguments in them, and no more are made: answer some, or wait until some expire"
    )]
    TooMany,
    /// The clock is out of range.
    #[error("the clock shows a time that cannot be written, before 1970 or after 9999; set it")]
    Clock,
    /// The system gives no randomness.
    #[error("the system gives no randomness for a request: {0}")]
    Random(#[source] getrandom::Error),
}
