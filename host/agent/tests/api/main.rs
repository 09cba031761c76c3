//! What the crate does, by its public API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

#[cfg(feature = "chat")]
mod chat;
#[cfg(feature = "files")]
mod definition;
#[cfg(feature = "files")]
mod events;
#[cfg(feature = "genai")]
mod models;
mod runtime;
mod scripts;
#[cfg(all(feature = "files", feature = "opentelemetry"))]
mod telemetry;
#[cfg(feature = "files")]
mod tools;
