//! A proposed call, and the terms on which a person may allow it.

use std::time::Duration;

use hexgate_base::names::spelled;
use hexgate_bundle::Digest;
use serde::{Deserialize, Serialize};

use crate::encoding::Fields;

/// A proposed tool call. An approval binds all fields: it does not hold for a call that differs in any of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The agent that wants to run the tool.
    pub agent: String,
    /// The user on whose behalf it runs.
    pub caller: Caller,
    /// The tool.
    pub tool: String,
    /// The exact text of the arguments, as it was decided and as it is going to run.
    pub arguments: String,
    /// SHA-256 of the policy that asks for approval: of its bundle's manifest, say. With another policy an approval is void.
    pub policy: Digest,
}

/// On whose behalf a tool is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The user's id. Empty if unknown; then no approver can be shown to be another person than the caller.
    pub user: String,
    /// The roles, in the order in which the policy was asked about them.
    pub roles: Vec<String>,
    /// The session, if an approval is to hold in it alone.
    pub session: Option<String>,
    /// Further attributes of the caller that an approval is to depend on, as text, such as a JSON object.
    pub attributes: Option<String>,
}

/// The terms on which people may allow a call. They come from the host's configuration and the policy, never from the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    approver_roles: Vec<String>,
    lifetime: Duration,
    approvers: u8,
    reason_required: bool,
    own_calls: bool,
}

impl Terms {
    /// How long a request can be open unless said otherwise: an hour.
    pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
    /// The longest time that a request can be open: 30 days.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
    /// The most approvers that a call can need.
    pub const MAX_APPROVERS: u8 = 8;

    /// One approver with any of these roles may answer, for [`DEFAULT_LIFETIME`](Self::DEFAULT_LIFETIME), with or without a reason, and never
    /// the caller themself.
    ///
    /// # Errors
    ///
    /// If there is no role, an empty one, or one in a spelling that no approver's role can have: no approver could answer.
    pub fn new(
        approver_roles: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, TermsError> {
        Ok(Self {
            approver_roles: sorted(approver_roles)?,
            lifetime: Self::DEFAULT_LIFETIME,
            approvers: 1,
            reason_required: false,
            own_calls: false,
        })
    }

    /// Other roles of approvers, any of which suffices.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn roles(
        mut self,
        approver_roles: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, TermsError> {
        self.approver_roles = sorted(approver_roles)?;
        Ok(self)
    }

    /// How long a request is open, in whole seconds. What is not used by then has to be asked for again.
    ///
    /// # Errors
    ///
    /// If it is less than a second or more than [`MAX_LIFETIME`](Self::MAX_LIFETIME).
    pub fn lifetime(mut self, lifetime: Duration) -> Result<Self, TermsError> {
        if lifetime < Duration::from_secs(1) || lifetime > Self::MAX_LIFETIME {
            return Err(TermsError::Lifetime(lifetime));
        }
        self.lifetime = Duration::from_secs(lifetime.as_secs());
        Ok(self)
    }

    /// How many approvers have to allow a call, all different. Default: one. Of several none is the caller, also if
    /// [`allow_own_calls`](Self::allow_own_calls) says so.
    ///
    /// # Errors
    ///
    /// If it is none, or more than [`MAX_APPROVERS`](Self::MAX_APPROVERS).
    pub fn approvers(mut self, approvers: u8) -> Result<Self, TermsError> {
        if !(1..=Self::MAX_APPROVERS).contains(&approvers) {
            return Err(TermsError::Approvers(approvers));
        }
        self.approvers = approvers;
        Ok(self)
    }

    /// Whether an approver has to give a reason. Default: no.
    #[must_use]
    pub fn reason_required(mut self, required: bool) -> Self {
        self.reason_required = required;
        self
    }

    /// Lets an approver answer their own calls, where one suffices. Default: they may not.
    #[must_use]
    pub fn allow_own_calls(mut self) -> Self {
        self.own_calls = true;
        self
    }

    /// For how long a request is open.
    #[must_use]
    pub fn open_for(&self) -> Duration {
        self.lifetime
    }

    pub(crate) fn seconds(&self) -> u64 {
        self.lifetime.as_secs()
    }

    /// What a request binds.
    #[must_use]
    pub fn conditions(&self) -> Conditions {
        Conditions {
            approver_roles: self.approver_roles.clone(),
            own_calls: self.own_calls && self.approvers == 1,
            approvers: self.approvers,
            reason_required: self.reason_required,
        }
    }
}

/// Roles of which one suffices, sorted, so that their order does not make other terms.
fn sorted(roles: impl IntoIterator<Item = impl Into<String>>) -> Result<Vec<String>, TermsError> {
    let mut roles: Vec<String> = roles.into_iter().map(Into::into).collect();
    roles.sort();
    roles.dedup();
    if roles.is_empty() || roles.iter().any(String::is_empty) {
        return Err(TermsError::NoRole);
    }
    if let Some(role) = roles.iter().find(|role| spelled(role) != **role) {
        return Err(TermsError::Spelling(role.clone()));
    }
    Ok(roles)
}

/// Terms that are not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsError {
    /// No approver could answer.
    #[error("no role of approvers is named, so no approver could answer; name at least one")]
    NoRole,
    /// A role is not in the spelling in which names are compared.
    #[error(
        "the role `{}` is not written in Unicode's form NFKC, in which a name has one spelling; write `{}`",
        .0.escape_default(), spelled(.0).escape_default()
    )]
    Spelling(String),
    /// Too short or too long.
    #[error("a request cannot be open for {0:?}; choose between a second and 30 days")]
    Lifetime(Duration),
    /// None, or too many.
    #[error("a call cannot need {0} approvers; choose between one and eight")]
    Approvers(u8),
}

/// The terms that are part of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conditions {
    /// The roles of which an approver needs one, sorted.
    pub approver_roles: Vec<String>,
    /// Whether approvers may answer their own calls.
    pub own_calls: bool,
    /// How many approvers have to allow the call, all different.
    pub approvers: u8,
    /// Whether an approver has to give a reason.
    pub reason_required: bool,
}

/// The digest of a request's call and terms. Requests for the same call on the same terms share it, so the host finds them again.
pub(crate) fn subject(call: &Call, conditions: &Conditions) -> Digest {
    fields("hexgate approval subject", call, conditions).digest()
}

/// The fields of a call and of the conditions for it. What one approver may allow without a reason is written as it was before there were
/// other conditions (version 1), so that requests and answers of then hold.
pub(crate) fn fields(purpose: &str, call: &Call, conditions: &Conditions) -> Fields {
    let is_plain = conditions.approvers == 1 && !conditions.reason_required;
    let version = if is_plain { 1 } else { 2 };
    let fields = Fields::of(&format!("{purpose} {version}"))
        .text(&call.agent)
        .text(&call.caller.user)
        .list(&call.caller.roles)
        .optional(call.caller.session.as_deref())
        .optional(call.caller.attributes.as_deref())
        .text(&call.tool)
        .text(&call.arguments)
        .bytes(call.policy.as_bytes())
        .list(&conditions.approver_roles)
        .flag(conditions.own_calls);
    if is_plain {
        return fields;
    }
    fields
        .number(conditions.approvers.into())
        .flag(conditions.reason_required)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_that_nobody_can_meet_are_refused() {
        assert_eq!(Terms::new(Vec::<String>::new()), Err(TermsError::NoRole));
        assert_eq!(Terms::new(["a", ""]), Err(TermsError::NoRole));
        let error = Terms::new(["gro\u{308}ße"]).unwrap_err().to_string();
        assert!(error.contains(r"write `gr\u{f6}\u{df}e`"), "{error}");
        let terms = Terms::new(["b", "a", "b"]).unwrap();
        assert_eq!(terms, Terms::new(["a", "b"]).unwrap());
        for bad in [
            Duration::ZERO,
            Duration::from_millis(999),
            Duration::MAX,
            Terms::MAX_LIFETIME + Duration::from_secs(1),
        ] {
            assert_eq!(
                terms.clone().lifetime(bad),
                Err(TermsError::Lifetime(bad)),
                "{bad:?}"
            );
        }
        let longest = terms.clone().lifetime(Terms::MAX_LIFETIME).unwrap();
        assert_eq!(longest.seconds(), 2_592_000);
        for bad in [0, 9, 255] {
            assert_eq!(
                terms.clone().approvers(bad),
                Err(TermsError::Approvers(bad))
            );
        }
        for (approvers, own_calls) in [(1, true), (2, false), (8, false)] {
            let terms = terms.clone().allow_own_calls();
            let conditions = terms.approvers(approvers).unwrap().conditions();
            assert_eq!(conditions.approvers, approvers);
            assert_eq!(
                conditions.own_calls, own_calls,
                "of several none is the caller"
            );
        }
        assert_eq!(terms.roles([""]), Err(TermsError::NoRole));
    }
}
