//! What a policy in Rust is: a trait to implement, and what it answers with.

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
    /// Decides a call. The request was found well-formed and within all limits.
    ///
    /// # Errors
    /// A [`Denial`] is the answer *deny*.
    fn decide<'c>(call: &Call<'c>) -> Result<Permit<'c>, Denial>;
}

/// A check beside a YAML policy. That policy decides first; only a call that it permits comes here. There is no answer that permits
/// more than it did, and a call on which the check panics is denied.
pub trait Check {
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
}

impl<'c> Permit<'c> {
    /// The call may happen.
    pub const fn allow() -> Self {
        Self {
            needs_approval: false,
            role: None,
        }
    }

    /// The call may happen once a human has agreed to it.
    pub const fn needs_approval() -> Self {
        Self {
            needs_approval: true,
            role: None,
        }
    }

    /// On the authority of this role of the caller.
    pub const fn by(self, role: Role<'c>) -> Self {
        Self {
            role: Some(role),
            ..self
        }
    }
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
}
