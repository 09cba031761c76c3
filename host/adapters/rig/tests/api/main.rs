//! Agents of rig behind the gate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod approvals;
mod callers;
mod fixture;
mod hooks;
mod tools;
