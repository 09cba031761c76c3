//! What a policy in Rust is: a trait to implement, and what it answers with.

use hexgate_contract::ApprovalTerms;

use crate::{Call, Denial, Role};

/// A policy that decides alone. What it does not permit is denied; so is a call on which it panics.
///
/// ```
/// use hexgate_guest::{Call, Denial, Permit, Policy, require};
///
/// struct Refunds;
///
/// impl Policy for Refunds {
///     fn decide<'c>(call: &Call<'c>) -> Result<Permit<'c>, Denial> {
///         let Some(billing) = call.role("billing") else {
///             return Err(Denial::because("only `billing` may call tools"));
///         };
///         match call.tool() {
///             "refund_order" => {
///                 require!(
///                     call.args().only(&["amount", "currency"]),
///                     call.arg("amount").more_than(0) & call.arg("amount").at_most(500),
///                     call.arg("currency").one_of(["USD", "EUR"]),
///                 );
///                 Ok(Permit::allow().by(billing))
///             }
///             "close_account" => Ok(Permit::needs_approval().by(billing)),
///             _ => Err(Denial::because("the tool is not listed")),
///         }
///     }
/// }
/// ```
pub trait Policy {
    /// The terms on which people can agree to calls, if this policy names any.
    const TERMS: &'static [Terms] = &[];

    /// Decides a call. The request was found well-formed and within all limits.
    ///
    /// # Errors
    /// A [`Denial`] is the answer *deny*.
    fn decide<'c>(call: &Call<'c>) -> Result<Permit<'c>, Denial>;
}

/// A check beside a YAML policy. That policy decides first; only a call that it permits comes here. There is no answer that permits
/// more than it did, and a call on which the check panics is denied.
pub trait Check {
    /// The terms on which people can agree to calls, if this check names any beside those of the YAML policy.
    const TERMS: &'static [Terms] = &[];

    /// Narrows what the YAML policy permits, or leaves it.
    ///
    /// # Errors
    /// A [`Denial`] is the answer *deny*.
    fn check(call: &Call<'_>, granted: &Granted<'_>) -> Result<Narrowed, Denial>;
}

/// A call may happen, and on whose authority. Without a role it is that of the policy's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Permit<'c> {
    pub(crate) needs_approval: bool,
    pub(crate) role: Option<Role<'c>>,
    pub(crate) terms: Option<&'static Terms>,
    pub(crate) message: Option<&'c str>,
}

impl<'c> Permit<'c> {
    /// The call may happen.
    pub const fn allow() -> Self {
        Self {
            needs_approval: false,
            role: None,
            terms: None,
            message: None,
        }
    }

    /// The call may happen once a human has agreed to it.
    pub const fn needs_approval() -> Self {
        Self {
            needs_approval: true,
            role: None,
            terms: None,
            message: None,
        }
    }

    /// On the authority of this role of the caller.
    pub const fn by(self, role: Role<'c>) -> Self {
        Self {
            role: Some(role),
            ..self
        }
    }

    /// Who has to agree, if somebody has to. They must be among [`Policy::TERMS`]: a call that is asked for on others is denied.
    pub const fn on(self, terms: &'static Terms) -> Self {
        Self {
            terms: Some(terms),
            ..self
        }
    }

    /// What the model is told, if somebody has to agree. Control characters become blanks, and after 500 bytes it ends.
    pub const fn message(self, message: &'c str) -> Self {
        Self {
            message: Some(message),
            ..self
        }
    }
}

/// Who has to agree to a call, on what terms. What is not said is the host's.
///
/// ```
/// use hexgate_guest::{Call, Denial, Permit, Policy, Terms};
///
/// const LEAD: Terms = Terms::new().roles(&["support-lead"]).expires(3600).approvers(2);
///
/// struct Refunds;
///
/// impl Policy for Refunds {
///     const TERMS: &'static [Terms] = &[LEAD];
///
///     fn decide<'c>(_: &Call<'c>) -> Result<Permit<'c>, Denial> {
///         Ok(Permit::needs_approval().on(&LEAD).message("A lead is asked."))
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    roles: &'static [&'static str],
    expires: Option<u32>,
    approvers: Option<u32>,
    reason_required: Option<bool>,
}

impl Terms {
    /// The host's own terms.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            roles: &[],
            expires: None,
            approvers: None,
            reason_required: None,
        }
    }

    /// The roles of approvers, any of which suffices.
    #[must_use]
    pub const fn roles(self, roles: &'static [&'static str]) -> Self {
        Self { roles, ..self }
    }

    /// For how many seconds an answer is waited for: at least 1.
    #[must_use]
    pub const fn expires(self, seconds: u32) -> Self {
        Self {
            expires: Some(seconds),
            ..self
        }
    }

    /// How many have to agree, all different, none the caller: 1 to 8.
    #[must_use]
    pub const fn approvers(self, count: u32) -> Self {
        Self {
            approvers: Some(count),
            ..self
        }
    }

    /// Whether an approver has to give a reason.
    #[must_use]
    pub const fn reason_required(self, required: bool) -> Self {
        Self {
            reason_required: Some(required),
            ..self
        }
    }

    pub(crate) fn told(&self) -> ApprovalTerms {
        ApprovalTerms {
            roles: self.roles.iter().map(|role| (*role).into()).collect(),
            expires: self.expires,
            approvers: self.approvers,
            reason_required: self.reason_required,
        }
    }
}

/// What [`export!`](crate::export) checks while rustc runs: whether all terms can be fulfilled.
#[must_use]
pub const fn are_possible(mut terms: &[Terms]) -> bool {
    while let [first, rest @ ..] = terms {
        if matches!(first.expires, Some(0)) {
            return false;
        }
        if let Some(count) = first.approvers
            && (count == 0 || count > ApprovalTerms::MAX_APPROVERS)
        {
            return false;
        }
        terms = rest;
    }
    true
}

/// What the YAML policy permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted<'c> {
    pub(crate) needs_approval: bool,
    pub(crate) role: &'c str,
}

impl<'c> Granted<'c> {
    /// Whether a human has to agree.
    pub fn needs_approval(&self) -> bool {
        self.needs_approval
    }

    /// The role that decided, `default` if it was the policy's default.
    pub fn role(&self) -> &'c str {
        self.role
    }
}

/// What a check makes of a call that the YAML policy permits. There is no *allow*: that is the YAML policy's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Narrowed {
    /// What the YAML policy said holds.
    Keep,
    /// A human has to agree, even if the YAML policy allows the call.
    NeedsApproval,
    /// The same, on terms or with a message of the check's own. Those of the YAML policy go before, where it has any.
    NeedsApprovalWith {
        /// Who has to agree: terms among [`Check::TERMS`]. A call that is asked for on others is denied.
        terms: Option<&'static Terms>,
        /// What the model is told. Control characters become blanks, and after 500 bytes it ends.
        message: Option<&'static str>,
    },
}
