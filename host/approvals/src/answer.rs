//! What an approver said, and the signature that makes it count.

use hexgate_bundle::{KeyId, PrivateKey, PublicKey, Timestamp};
use serde::Serialize;

use crate::{encoding::Fields, request::RequestId};

/// The most answers to a request that are looked at: more than approvers give, and few enough to check each. Only who can write the database
/// can add more, and then none of the approvals counts.
pub(crate) const MAX_ANSWERS: usize = 32;

/// What an approver decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The call may run once.
    Approve,
    /// It may not.
    Deny,
}

/// An answer as stored in the database. It does not count before [`Approvers::check`](crate::Approvers::check) accepts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was decided.
    pub decision: Decision,
    /// Who decided, by their id.
    pub approver: String,
    /// The id of the signing key. It only selects the key that is tried.
    pub key: KeyId,
    /// When.
    pub answered_at: Timestamp,
    /// Why, in the approver's words; may be empty.
    pub reason: String,
    /// The signature over the request's name and all fields above but the key.
    pub signature: [u8; 64],
}

/// An answer as stored in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredAnswer {
    /// It has the form of an answer.
    Readable(Answer),
    /// It is malformed.
    Unreadable,
}

impl Answer {
    pub(crate) fn sign(
        request: &RequestId,
        decision: Decision,
        approver: &str,
        answered_at: Timestamp,
        reason: &str,
        key: &PrivateKey,
    ) -> Self {
        let mut answer = Self {
            decision,
            approver: approver.to_owned(),
            key: key.public_key().id(),
            answered_at,
            reason: reason.to_owned(),
            signature: [0; 64],
        };
        answer.signature = key.sign_for(PURPOSE, &answer.message(request));
        answer
    }

    pub(crate) fn is_signed_by(&self, key: &PublicKey, request: &RequestId) -> bool {
        key.signed_for(PURPOSE, &self.message(request), &self.signature)
    }

    fn message(&self, request: &RequestId) -> Vec<u8> {
        Fields::of("hexgate approval answer 1")
            .bytes(request.digest().as_bytes())
            .flag(self.decision == Decision::Approve)
            .text(&self.approver)
            .number(self.answered_at.unix_seconds())
            .text(&self.reason)
            .into_bytes()
    }
}

/// The purpose of the signature, so that other signatures of the key are not taken for answers.
const PURPOSE: &str = "approval answer";
