//! Why a token is refused.

use hexgate_base::shortened;
use hexgate_platform::EnvelopeError;

use crate::caller::CallerError;

/// Why a token is refused. No message shows the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Its text is malformed, or cannot be made.
    #[error(transparent)]
    Envelope(EnvelopeError),
    /// It is too large.
    #[error("the token has {found} {what}, and at most {allowed} are accepted")]
    TooLarge {
        /// The counted unit: blocks, bytes.
        what: &'static str,
        /// How much.
        found: usize,
        /// The most that is accepted.
        allowed: usize,
    },
    /// It is for another environment or project.
    #[error("the token is for the {what} `{}`, and the key is of `{expected}`", shortened(.found, 64))]
    Other {
        /// `environment` or `project`.
        what: &'static str,
        /// What the token names.
        found: String,
        /// What is expected.
        expected: String,
    },
    /// The bytes are not a biscuit.
    #[error("the token is cut off or damaged: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// No trusted key signed it.
    #[error(
        "the token is not signed by a trusted key, or was changed; get one from the issuer whose key is trusted here"
    )]
    Signature,
    /// A third party signed a block.
    #[error("block {block} of the token is signed by a third party, and none is trusted")]
    ThirdParty {
        /// The block; the one of the root key is 0.
        block: usize,
    },
    /// It names no user.
    #[error("the token names no user; attenuate it for one")]
    NoUser,
    /// It already names a user, so no other can be appended.
    #[error(
        "the token already has {blocks} blocks; only a token that names no user can be attenuated for one"
    )]
    Attenuated {
        /// How many.
        blocks: usize,
    },
    /// It names a user or role in a second place.
    #[error(
        "block {block} of the token says `{name}`, which only the first block after the root's may, once for a user; whoever appended it is not to be believed"
    )]
    SecondIdentity {
        /// The block; the one of the root key is 0.
        block: usize,
        /// `user` or `role`.
        name: &'static str,
    },
    /// The name of a user or role is not one text.
    #[error("the `{name}` in the token is not one text")]
    Identity {
        /// `user` or `role`.
        name: &'static str,
    },
    /// The name in it cannot be a caller's.
    #[error("the token names somebody who cannot be: {0}")]
    Caller(#[from] CallerError),
    /// A check on the time failed.
    #[error("the token has expired: {}; let the user sign in again", shortened(.check, 200))]
    Expired {
        /// The check.
        check: String,
    },
    /// Another check failed.
    #[error("the token does not hold here: {}", shortened(.check, 200))]
    Check {
        /// The check.
        check: String,
    },
    /// It has something that is not accepted.
    #[error("block {block} of the token has {what}, which is not accepted; write facts and checks")]
    Unsupported {
        /// The block; the one of the root key is 0.
        block: usize,
        /// What it has.
        what: &'static str,
    },
    /// Its checks could take too long to evaluate.
    #[error(
        "evaluating the token's checks could take {steps} steps, and at most {allowed} are accepted; write checks that name fewer facts"
    )]
    Costly {
        /// How many.
        steps: u64,
        /// The most that are accepted.
        allowed: u64,
    },
    /// Evaluating the checks took too much.
    #[error("the token's checks take more than is allowed, or cannot be evaluated: {reason}")]
    Evaluation {
        /// What happened.
        reason: String,
    },
    /// A key is not one.
    #[error("the key of the issuer cannot be used: {reason}")]
    Key {
        /// What is wrong.
        reason: String,
    },
    /// The clock shows a time that a token cannot name.
    #[error("the clock is before 1970 or after 9999, so no token can be checked; set the clock")]
    Clock,
    /// The token cannot be made.
    #[error("the token cannot be made: {reason}")]
    Make {
        /// Why.
        reason: String,
    },
}

impl From<EnvelopeError> for TokenError {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Damaged { reason } => Self::Damaged { reason },
            error => Self::Envelope(error),
        }
    }
}
