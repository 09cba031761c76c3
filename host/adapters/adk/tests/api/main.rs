//! Agents of adk-rust behind the gate, beyond the scenarios of the kit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod approvals;
mod calls;
mod confirmations;
mod fixture;
mod runs;
