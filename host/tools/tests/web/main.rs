//! The tools that reach the web.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod fetching;
mod fixture;
mod hostile;
mod refunding;
mod searching;
