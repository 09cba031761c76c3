//! What the evaluator says of calls of policies in YAML: several rules for a tool, patterns of names, forbids, words for people, approval
//! terms and file scopes. And of plans that were tampered with.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod decisions {
    pub(crate) mod common;
    mod damaged;
    mod described;
    mod forbids;
    mod paths;
    mod patterns;
    mod people;
    mod rules;
    mod windows;
}
