//! The log as its users meet it: written, killed, cut, changed, read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod child;
mod contents;
mod crash;
mod delivery;
mod earlier;
mod ends;
mod fixture;
mod platform;
mod poison;
mod replay;
mod segments;
mod tampering;
