//! A runtime that runs agents: a model proposes calls, the policy decides them, tools run.
//!
//! It is a host of the policy interface like any other, on `hexgate-enforce` alone. A tool runs from a
//! [`Permit`](hexgate_enforce::Permit), and only an enforcer makes one.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "files")]
pub mod definition;
pub mod event;
#[doc(hidden)]
pub mod made;
pub mod message;
pub mod model;
pub mod schema;
pub mod tool;

/// JSON schemas of Rust types: what the arguments of a [tool](macro@tool) derive.
pub use schemars;

/// Makes a tool of a function.
///
#[doc = include_str!("tool/attribute.md")]
pub use hexgate_macros::tool;
