//! Policies for AI agents, written in Rust and exported as components of the world `hexgate:policy/policy`.
//!
//! # Example
//!
//! A policy that a YAML policy has decided already, and that says no in one more case. The YAML stands in `policy.yaml`; the code
//! can only narrow what it permits.
//!
//! ```
//! use hexgate_guest::{Call, Check, Denial, Granted, Narrowed, require};
//!
//! struct Refunds;
//!
//! impl Check for Refunds {
//!     fn check(call: &Call<'_>, _granted: &Granted<'_>) -> Result<Narrowed, Denial> {
//!         if call.tool() == "refund_order" {
//!             let (amount, paid) = (call.arg("amount").integer()?, call.arg("paid").integer()?);
//!             require!(amount <= paid);
//!             if amount > 100 {
//!                 return Ok(Narrowed::NeedsApproval);
//!             }
//!         }
//!         Ok(Narrowed::Keep)
//!     }
//! }
//!
//! // In a package of its own: hexgate_guest::export!(Refunds narrows "policy");
//! ```
//!
//! # Concepts
//!
//! - A [`Policy`] decides alone. A [`Check`] narrows what a YAML policy permits, and has no way to say *allow*.
//! - [`export!`] makes the component's exports of either. A package has one.
//! - A [`Call`] has the tool, the caller's [`Role`]s, the arguments and the facts. Each [`Value`] in them may be absent or of any
//!   kind, and asking it is never a panic: a condition about it is then *undefined*, a typed access a [`Mismatch`]. Either ends in a
//!   [`Denial`].
//! - Conditions have the three values of the policy language ([`Truth`]), with `&`, `|` and `!` for its `and`, `or` and `not`.
//!   [`require!`] demands that they are *true*, and names all that are not.
//! - [`testing::Ask`] asks a policy natively, as the component is asked.
//!
//! # Features
//!
//! `std` (not default): the policy is built with the standard library. Without it this crate brings an allocator and a panic handler to
//! WebAssembly.
//!
//! | module | what happens there |
//! |---|---|
//! | `policy` | the two traits, and what they answer with |
//! | `call`, `value`, `condition`, `literal` | asking about a call |
//! | `denial` | saying no |
//! | `export`, `digest` | the macros, and what they check while rustc runs |
//! | `answer` | from a request to a verdict, in the component and in tests |
//! | `component` | the interfaces of the world, generated and filled in |
//! | `testing` | asking a policy natively |
//! | `runtime` | allocator and panic handler |
#![no_std]
#![deny(missing_docs)]

extern crate alloc;

mod answer;
mod call;
mod component;
mod condition;
mod denial;
mod digest;
mod export;
mod literal;
mod policy;
#[cfg(all(target_family = "wasm", not(feature = "std")))]
mod runtime;
pub mod testing;
mod value;

pub use call::{Call, Role};
pub use condition::Holds;
pub use denial::Denial;
pub use hexgate_eval::Truth;
pub use literal::{Literal, decimal};
pub use policy::{Check, Granted, Narrowed, Permit, Policy, Terms};
pub use value::{Kind, Mismatch, Value};

/// What [`export!`] expands to. Not for direct use, and not subject to any promise.
#[doc(hidden)]
pub mod exported {
    pub use crate::{
        answer::{Exported, alone, narrowed},
        component::{Component, bindings, export_policy},
        digest::{digest, is_compiled_from},
        policy::are_possible,
    };
    pub use hexgate_contract::{Request, Verdict};
    pub use hexgate_eval::Error;
}
