//! What of a server and of a caller is trusted: pins, starter policies, identity.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod authority;
mod authorizing;
mod config;
mod documents;
mod gateway;
mod identity;
mod issuer;
mod jwt;
mod pins;
mod starter;
mod tokens;
mod upstream;
mod visible;
mod web;
