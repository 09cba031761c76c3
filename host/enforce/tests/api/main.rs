//! The public interface, and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod approvals;
mod bans;
mod composed;
mod decisions;
mod fixture;
mod platform;
mod python;
mod recording;
mod reloads;
mod resolving;
mod scopes;
mod server;
mod sources;
mod stops;
mod tokens;
mod watching;
