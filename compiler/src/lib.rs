//! Compiles an authorization policy for AI agents into a WebAssembly component.
//!
//! ```text
//! policy.yaml -> source (spans) -> model (roles resolved, inheritance flattened) -> expr (typed constraints) -> plan -> component -> bundle
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod automata;
pub mod expr;
pub mod model;
