//! Why an approval does not count.

use hexgate_bundle::{KeyId, Timestamp};

use crate::request::RequestId;

/// Why a request cannot be answered or used, or why an answer to it does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nobody asked.
    #[error(
        "there is no request `{0}` in this database; list what there is with `hexgate approvals list`"
    )]
    Unknown(RequestId),
    /// What the database says is not what was asked.
    #[error(
        "request `{0}` was changed in the database: what it says now has another digest; do not answer it, and find out who can write the database"
    )]
    Altered(RequestId),
    /// Too late, or the host was told to wait for longer than it wants to.
    #[error("request `{id}` expired at {at}; make the call again to ask anew")]
    Expired {
        /// The request.
        id: RequestId,
        /// The end of its time.
        at: Timestamp,
    },
    /// The host would not have asked for so long, or for a time to come.
    #[error(
        "request `{0}` is open for another time than this host's terms say; make the call again to ask anew"
    )]
    OtherTime(RequestId),
    /// Nobody has answered yet.
    #[error("request `{0}` is not answered yet; wait for an approver")]
    Unanswered(RequestId),
    /// What lies in the place of the answer is none.
    #[error(
        "what lies in the place of the answer to request `{0}` is not one; an approver has to answer it"
    )]
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
    /// It was used before.
    #[error(
        "the approval of request `{0}` was used already, and counts once; make the call again to ask anew"
    )]
    Used(RequestId),
    /// The policy is another one now.
    #[error(
        "request `{0}` was made under another policy, so that its approval is void; make the call again to ask anew"
    )]
    OtherPolicy(RequestId),
    /// It is about another call.
    #[error("request `{id}` is about another call: its {field} differs")]
    OtherCall {
        /// The request.
        id: RequestId,
        /// What differs first.
        field: &'static str,
    },
    /// It was made on other terms than the host's.
    #[error(
        "request `{0}` names other approvers than this host's terms do; make the call again to ask anew"
    )]
    OtherTerms(RequestId),
    /// The key is nobody's.
    #[error(
        "the answer to request `{id}` is by the key `{key}`, which is no approver's; only keys in the approvers' file count"
    )]
    UnknownKey {
        /// The request.
        id: RequestId,
        /// The key that the answer names.
        key: KeyId,
    },
    /// The key is somebody else's.
    #[error(
        "the answer to request `{id}` says that it is by `{said}`, but its key `{key}` is `{owner}`'s; it does not count"
    )]
    OtherApprover {
        /// The request.
        id: RequestId,
        /// Who the answer says it is by.
        said: String,
        /// Whose key it is.
        owner: String,
        /// The key.
        key: KeyId,
    },
    /// The signature does not fit.
    #[error(
        "the answer to request `{id}` was not signed by the key `{key}` of `{approver}`: it was forged, edited, or copied from another request"
    )]
    Forged {
        /// The request.
        id: RequestId,
        /// Who is said to have signed.
        approver: String,
        /// The key.
        key: KeyId,
    },
    /// The answer was made before the request, or after its end.
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
        "`{approver}` may not answer request `{id}`, since the call is their own; somebody else has to"
    )]
    OwnCall {
        /// The request.
        id: RequestId,
        /// The approver.
        approver: String,
    },
    /// Nobody knows whose call it is.
    #[error(
        "request `{0}` names no user, so that nobody can be shown to be somebody else; have the host pass the user's id"
    )]
    Nobody(RequestId),
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
