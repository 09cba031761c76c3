//! A request for approval. Its name is the digest of its content.

use std::{fmt, str::FromStr};

use hexgate_bundle::{Digest, Timestamp};
use serde::Serialize;

use crate::call::{Call, Conditions, fields, subject};

/// The name of a request: SHA-256 over its content and a random number, as 64 lower-case hexadecimal digits. An answer to the name is an
/// answer to this content; an attacker cannot exchange it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RequestId(Digest);

impl RequestId {
    /// The digest.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RequestId {
    type Err = RequestIdError;

    fn from_str(text: &str) -> Result<Self, RequestIdError> {
        text.parse().map(Self).map_err(|_| RequestIdError)
    }
}

/// A text is not the name of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a request is named by all of its 64 hexadecimal digits, as `hexgate approvals show` prints them"
)]
pub struct RequestIdError;

/// A question to approvers whether a call may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The call.
    pub call: Call,
    /// Who may answer.
    pub conditions: Conditions,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first second in which it is no longer open.
    pub expires_at: Timestamp,
    pub(crate) nonce: [u8; 16],
}

impl Request {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> RequestId {
        RequestId(
            fields("hexgate approval request", &self.call, &self.conditions)
                .number(self.created_at.unix_seconds())
                .number(self.expires_at.unix_seconds())
                .bytes(&self.nonce)
                .digest(),
        )
    }

    pub(crate) fn subject(&self) -> Digest {
        subject(&self.call, &self.conditions)
    }

    /// Whether it can still be answered and used.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}
