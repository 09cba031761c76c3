//! Everything that users of the crate rely on, through its public interface only.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod child;
mod disk;
mod fixture;
mod hostile;
mod keys;
mod python;
mod reading;
mod replacing;
mod sequence;
mod tampering;
mod terms;
