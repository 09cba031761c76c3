//! Compiles an authorization policy for AI agents into a WebAssembly component.
//!
//! ```text
//! policy.yaml -> source (spans) -> model (roles resolved, inheritance flattened) -> expr (typed constraints) -> plan -> component -> bundle
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod automata;
mod compile;
pub mod constraint;
pub mod diagnostic;
pub mod document;
pub mod expr;
pub mod lint;
pub mod model;
pub mod plan;
mod release;
pub mod resolve;
pub mod schema;
pub mod source;

pub use hexgate_bundle as bundle;

pub use compile::{Compiled, Compiler, Options, Outcome};
pub use release::{CONTRACT, Release};
