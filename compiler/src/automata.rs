//! Patterns as tables: `matches` and globs become finite automata when a policy is compiled, so that matching is linear and the
//! engine carries no pattern compiler.

mod code_points;
pub mod dfa;
mod error;
pub mod glob;
mod minimize;
pub mod regex;
mod table;

pub use dfa::Dfa;
pub use error::PatternError;
