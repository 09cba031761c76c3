//! The public interface, and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../../core/tests/common/mod.rs"]
mod common;

mod approvals;
mod bans;
mod composed;
mod costs;
mod decisions;
mod fixture;
mod platform;
mod python;
mod reach;
mod recording;
mod registries;
mod reloads;
mod resolving;
mod scopes;
mod server;
mod shadowing;
mod sources;
mod stops;
#[cfg(feature = "opentelemetry")]
mod telemetry;
mod tokens;
mod watching;
