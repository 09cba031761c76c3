//! The gateway between real clients and real servers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod asking;
mod caching;
mod changing;
mod client;
mod config;
mod deciding;
mod going_on;
mod holding;
mod hostile;
mod http;
mod listening;
mod malformed;
mod matrix;
mod plain;
mod recording;
mod redeployed;
mod server;
mod talker;
mod talking;
mod twisted;
mod watching;
mod words;
mod world;
