//! Everything that users of the crate rely on, through its public interface only.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod approvers;
mod child;
mod database;
mod fixture;
mod flow;
mod hostile;
mod migration;
mod race;
mod several;
