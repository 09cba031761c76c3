//! The evaluator of hexgate policies.
//!
//! A compiled policy is a [`Plan`]: a compact, versioned binary that is read where it lies. [`decide`] is the only evaluator of
//! plans. The in-process reference engine and the WebAssembly component both run this code, so there is one meaning.
//!
//! The crate has no `unsafe`, does not panic, and allocates only to explain a denial: all working memory comes from the caller
//! as a [`Scratch`]. A plan that lies about itself ends in [`Error::Internal`], never in a permission.
//!
//! | module | content |
//! |---|---|
//! | `plan` | the binary form of a policy: layout, decoding |
//! | `validate` | walking all of a plan once |
//! | `json` | the strict reader of arguments and facts |
//! | `names` | closed names, and patterns of names |
//! | `number` | exact decimal comparison |
//! | `bytes` | comparing bytes a word at a time |
//! | `value` | values met during evaluation, and how they compare |
//! | `condition` | three-valued evaluation of constraints |
//! | `scope` | file scopes: path normalisation and matching |
//! | `rules` | which roles decide, which rule applies |
//! | `decide` | reading a request, and the verdict |
//! | `denial` | the reasons of a denial |
//! | `dfa` | running the tables of patterns |
//! | `workspace` | working memory for the evaluator in-process |
//! | `trace` | the value of every part of a constraint, for explanations |
//! | `written` | paths and texts as policies write them |
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod bytes;
mod condition;
mod decide;
mod denial;
mod dfa;
mod error;
mod json;
pub mod names;
mod number;
pub mod plan;
mod rules;
mod scope;
pub mod trace;
mod validate;
mod value;
mod workspace;
pub mod written;

pub use decide::{Scratch, check, decide, read};
pub use error::Error;
pub use hexgate_contract as contract;
pub use hexgate_contract::{
    Denial, Exceeded, Field, Grant, Malformed, PathScope, Request, Verdict,
};
pub use json::{MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, Node, Tree, TreeValue, fold_case};
pub use number::compare_numbers;
pub use plan::Plan;
pub use scope::{IGNORED_IN_NAMES, MAX_PATH, covers};
pub use validate::InvalidPlan;
pub use value::Truth;
pub use workspace::Workspace;
