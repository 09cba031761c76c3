//! What this crate promises, through its public interface only.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that panics fails its test"
)]

mod abi;
mod component;
mod embed;
mod opa;
mod support;
