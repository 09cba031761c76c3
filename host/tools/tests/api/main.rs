//! Built-in tools by their public interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod cancelling;
mod commands;
mod editing;
mod fixture;
mod globbing;
mod grepping;
mod hostile;
mod named;
mod races;
mod reading;
mod scopes;
mod writing;
