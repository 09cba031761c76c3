//! Why an approval does not count.

use hexgate_bundle::{KeyId, Timestamp};

use crate::{answer::MAX_ANSWERS, request::RequestId};

/// Why a request cannot be answered or used, or why an answer to it does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such request.
    #[error(
        "there is no request `{0}` in this database; list what there is with `hexgate approvals list`"
    )]
    Unknown(RequestId),
    /// The stored request does not have the digest that is its name.
    #[error(
        "request `{0}` was changed in the database: what it says now has another digest; do not answer it, and find out who can write the database"
    )]
    Altered(RequestId),
    /// Its time is over.
    #[error("request `{id}` expired at {at}; make the call again to ask anew")]
    Expired {
        /// The request.
        id: RequestId,
        /// The end of its time.
        at: Timestamp,
    },
    /// Its times are not ones that this host would have chosen.
    #[error(
        "request `{0}` is open for a time that differs from this host's terms; make the call again to ask anew"
    )]
    OtherTime(RequestId),
    /// No approver has answered yet.
    #[error("request `{0}` is not answered yet; wait for an approver")]
    Unanswered(RequestId),
    /// Too few approvers have approved yet.
    #[error("request `{id}` has {given} of {needed} approvals; wait for other approvers")]
    TooFew {
        /// The request.
        id: RequestId,
        /// How many approvals there are.
        given: u8,
        /// How many are needed.
        needed: u8,
    },
    /// The stored answer is malformed.
    #[error("the stored answer to request `{0}` is malformed; an approver has to answer it again")]
    Unreadable(RequestId),
    /// An approver said no.
    #[error("request `{id}` was denied by `{approver}`{}", because(.reason))]
    Denied {
        /// The request.
        id: RequestId,
        /// Who said no.
        approver: String,
        /// Why; may be empty.
        reason: String,
    },
    /// Its approval was used before.
    #[error(
        "the approval of request `{0}` was used already, and counts once; make the call again to ask anew"
    )]
    Used(RequestId),
    /// The policy has changed.
    #[error(
        "request `{0}` was made under another policy, so that its approval is void; make the call again to ask anew"
    )]
    OtherPolicy(RequestId),
    /// It is for another call.
    #[error("request `{id}` is about another call: its {field} differs")]
    OtherCall {
        /// The request.
        id: RequestId,
        /// The first field that differs.
        field: &'static str,
    },
    /// It was made on terms that differ from the host's.
    #[error(
        "request `{0}` names other approvers than this host's terms do; make the call again to ask anew"
    )]
    OtherTerms(RequestId),
    /// The key belongs to no approver.
    #[error(
        "the answer to request `{id}` is by the key `{key}`, which belongs to no approver; only keys in the approvers' file count"
    )]
    UnknownKey {
        /// The request.
        id: RequestId,
        /// The key that the answer names.
        key: KeyId,
    },
    /// The key belongs to another approver.
    #[error(
        "the answer to request `{id}` names `{said}`, but its key `{key}` belongs to `{owner}`; it does not count"
    )]
    OtherApprover {
        /// The request.
        id: RequestId,
        /// The approver that the answer names.
        said: String,
        /// The approver who has the key.
        owner: String,
        /// The key.
        key: KeyId,
    },
    /// The signature does not hold.
    #[error(
        "the answer to request `{id}` was not signed by the key `{key}` of `{approver}`: it was forged, edited, or copied from another request"
    )]
    Forged {
        /// The request.
        id: RequestId,
        /// The approver that the answer names.
        approver: String,
        /// The key.
        key: KeyId,
    },
    /// The answer was made before the request, or after it expired.
    #[error(
        "the answer to request `{id}` was made at {at}, outside of the time in which the request was open"
    )]
    Untimely {
        /// The request.
        id: RequestId,
        /// When.
        at: Timestamp,
    },
    /// The approver has none of the roles.
    #[error(
        "`{approver}` may not answer request `{id}`: it needs an approver with the role {}, and `{approver}` has {}",
        names(.needed, " or "), names(.has, ", ")
    )]
    WrongRole {
        /// The request.
        id: RequestId,
        /// The approver.
        approver: String,
        /// The roles of which one is needed.
        needed: Vec<String>,
        /// The roles of the approver.
        has: Vec<String>,
    },
    /// The approver is the caller.
    #[error(
        "`{approver}` may not answer request `{id}`, since the call is their own; another approver has to"
    )]
    OwnCall {
        /// The request.
        id: RequestId,
        /// The approver.
        approver: String,
    },
    /// The request names no user.
    #[error(
        "request `{0}` names no user, so no approver can be shown to be another person; have the host pass the user's id"
    )]
    Nobody(RequestId),
    /// The person has answered already.
    #[error(
        "`{approver}` may not answer request `{id}`, since the same person has as `{before}`; each approval has to be by another person"
    )]
    SamePerson {
        /// The request.
        id: RequestId,
        /// The approver.
        approver: String,
        /// The approver as whom they answered before; may be the same.
        before: String,
    },
    /// A reason is required.
    #[error(
        "an answer to request `{0}` needs a reason, and this one has none, or a blank one; give one with `--reason`"
    )]
    NoReason(RequestId),
    /// There are more answers than approvers give.
    #[error(
        "request `{0}` has more than {MAX_ANSWERS} answers, more than approvers give, so none of its approvals counts; find out who can write the database"
    )]
    TooManyAnswers(RequestId),
    /// There are not enough approvers.
    #[error(
        "the call would wait forever: it needs {needed} approver(s) with the role {}, and the list of approvers has {able}; add some, or have the policy or the host name other roles or fewer approvers",
        names(.roles, " or ")
    )]
    TooFewApprovers {
        /// The roles of which one is needed.
        roles: Vec<String>,
        /// How many approvers are needed.
        needed: u8,
        /// How many there are.
        able: usize,
    },
}

impl Refusal {
    /// Whether the request no longer concerns the call: a new one can be made beside it.
    pub(crate) fn is_past(&self) -> bool {
        matches!(
            self,
            Self::Used(_)
                | Self::Altered(_)
                | Self::Expired { .. }
                | Self::OtherTime(_)
                | Self::OtherCall { .. }
                | Self::OtherPolicy(_)
                | Self::OtherTerms(_)
        )
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    }
}

fn names(names: &[String], between: &str) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(between)
}
