//! The contract between a policy and its host, `hexgate:policy`, in Rust.
//!
//! The contract itself is the WIT text beside this crate, `wit/policy/policy.wit`. This crate has its names and types for all other crates,
//! under the WIT's own names, and a test compares the two.
//!
//! ```
//! use hexgate_contract::{Effect, Grant, Request, Verdict};
//!
//! let request = Request::new("refund", r#"{"amount": 12}"#).roles(&["support"]);
//! let verdict = Verdict::NeedsApproval(Grant { role: Some(0), scope: None }.into());
//! assert_eq!(verdict.effect(), Effect::NeedsApproval);
//! assert_eq!(
//!     hexgate_contract::approval(request.tool),
//!     r#"Policy requires approval for tool "refund""#
//! );
//! ```
//!
//! Requests are open: a [`Request`] is made by its constructor and may get more fields. Answers are exhaustive on purpose: a host must not
//! ignore a part of an answer that it does not know. A new case or field is a new version of the contract, and each place that reads
//! answers has to handle it.
//!
//! | module | content |
//! |---|---|
//! | `names` | version, package, interfaces, functions |
//! | `decision`, `description` | the types of the two interfaces |
//! | `effect` | deny, needs approval, allow, and their spellings |
//! | `wording` | the sentences of denials and approvals, and the quoting of names |
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod decision;
mod description;
mod effect;
pub mod names;
#[cfg(test)]
mod tests;
mod wording;

pub use decision::{
    Denial, Error, Exceeded, FACTS, Field, Grant, MAX_MESSAGE, MAX_NAME, MAX_REASON, MAX_ROLES,
    Malformed, NeededApproval, PathScope, Request, Verdict, is_message,
};
pub use description::{
    ApprovalTerms, Coverage, Exclusion, FileScope, Forbid, Limits, Mode, PathStyle, Role, Rule,
    Summary, Tools,
};
pub use effect::Effect;
pub use wording::{Wording, approval, denied, quote};
