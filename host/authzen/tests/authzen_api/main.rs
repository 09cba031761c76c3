//! A decision point over HTTP, as enforcement points meet it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod alike;
mod asking;
mod clients;
mod requests;
mod scenario;
mod world;
