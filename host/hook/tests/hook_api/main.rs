//! The hook as agents meet it: what they send, what they are answered, and that nothing but a permission lets a call pass.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod answers;
mod approvals;
mod ends;
mod fixture;
mod forms;
mod hostile;
mod installing;
mod sample;
mod scripts;
mod sessions;
mod times;
