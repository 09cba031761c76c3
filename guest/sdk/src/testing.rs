//! Asking a policy natively: through the same code as the component, limits and YAML policy included.
//!
//! ```
//! use hexgate_guest::{Call, Denial, Permit, Policy, export, testing::Ask};
//!
//! struct ReadOnly;
//!
//! impl Policy for ReadOnly {
//!     fn decide<'c>(call: &Call<'c>) -> Result<Permit<'c>, Denial> {
//!         match call.tool().starts_with("view_") {
//!             true => Ok(Permit::allow()),
//!             false => Err(Denial::because("only tools that view are open")),
//!         }
//!     }
//! }
//!
//! export!(ReadOnly);
//!
//! let ask = Ask::new::<ReadOnly>();
//! assert!(ask.call("view_order", r#"{"id": 7}"#).is_allowed());
//! assert_eq!(
//!     ask.call("delete_order", r#"{"id": 7}"#).reason(),
//!     r#"Policy denied tool "delete_order": only tools that view are open"#
//! );
//! ```

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use hexgate_contract::{Request, Verdict};
use hexgate_eval::Error;

use crate::answer::Exported;

/// A caller, who asks a policy.
#[derive(Debug, Clone)]
pub struct Ask {
    answer: fn(&Request<'_>) -> Result<Verdict, Error>,
    roles: Vec<String>,
    facts: Option<String>,
}

/// What a policy answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Answer(Result<Verdict, Error>);

impl Ask {
    /// A caller without roles or facts.
    pub fn new<P: Exported>() -> Self {
        Self {
            answer: P::answer,
            roles: Vec::new(),
            facts: None,
        }
    }

    /// The caller has one more role.
    #[must_use]
    pub fn role(mut self, name: &str) -> Self {
        self.roles.push(name.into());
        self
    }

    /// The host states these facts: a JSON object with no members but `ctx`, `run`, `said`, `usage`, `user` and `user_usage`.
    #[must_use]
    pub fn facts(mut self, facts: &str) -> Self {
        self.facts = Some(facts.into());
        self
    }

    /// Asks about a call. The arguments are a JSON object.
    pub fn call(&self, tool: &str, arguments: &str) -> Answer {
        let roles: Vec<&str> = self.roles.iter().map(String::as_str).collect();
        let request = Request::new(tool, arguments).roles(&roles);
        Answer((self.answer)(
            &request.optional_facts(self.facts.as_deref()),
        ))
    }
}

impl Answer {
    /// Whether the call may happen.
    pub fn is_allowed(&self) -> bool {
        matches!(self.0, Ok(Verdict::Allow(_)))
    }

    /// Whether a human has to agree.
    pub fn needs_approval(&self) -> bool {
        matches!(self.0, Ok(Verdict::NeedsApproval(_)))
    }

    /// Whether the call may not happen: it is denied, or was not understood.
    pub fn is_denied(&self) -> bool {
        matches!(self.0, Ok(Verdict::Deny(_)) | Err(_))
    }

    /// Why the call may not happen. Empty if it may.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.0 {
            Ok(Verdict::Deny(denial)) => denial.reason.clone(),
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    /// What the model is told of a denial, or of an approval that is needed.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match &self.0 {
            Ok(Verdict::Deny(denial)) => denial.message.as_deref(),
            Ok(Verdict::NeedsApproval(needed)) => needed.message.as_deref(),
            Ok(Verdict::Allow(_)) | Err(_) => None,
        }
    }

    /// The verdict itself, or why there is none.
    ///
    /// # Errors
    /// The request was not understood, or is too large.
    pub fn verdict(&self) -> Result<&Verdict, Error> {
        self.0.as_ref().map_err(|error| *error)
    }
}
