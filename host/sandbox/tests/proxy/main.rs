//! The egress proxy: what leaves, and what does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bodies;
mod clients;
mod corpus;
mod decisions;
mod fixture;
mod names;
mod sandboxed;
mod tunnels;
