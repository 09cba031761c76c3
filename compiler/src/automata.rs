//! Patterns as tables: `matches` and globs become finite automata when a policy is compiled, so that matching is linear and the
//! engine carries no pattern compiler.

pub mod dfa;

pub use dfa::Dfa;
