//! What this crate promises, through its public interface only.

mod abi;
mod component;
mod support;
mod weave;
