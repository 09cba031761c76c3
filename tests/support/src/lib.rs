//! Tests that need a tool which not every machine has.
//!
//! Without the tool such a test says aloud that it was skipped. Where `HEXGATE_REQUIRE_TOOLS=1` says that all tools are there, as
//! `cargo xtask test` does in a full run, it fails.
#![forbid(unsafe_code)]
#![allow(clippy::panic, reason = "a test fails by panicking")]

pub mod authzen;
pub mod python;
mod wasm;

use std::{fmt::Display, io::Write};

pub use wasm::{guest_package, wasi_environment, wasm_environment};

/// Whether all tools have to be there.
pub fn tools_required() -> bool {
    std::env::var_os("HEXGATE_REQUIRE_TOOLS").is_some_and(|value| value == "1")
}

/// The tool that a test needs. None: it is absent, and `reason` has been said.
///
/// # Panics
/// If the tool is absent where all tools are required, or if it is there and unusable.
#[track_caller]
pub fn tool<T, E: Display>(
    found: Result<T, E>,
    is_absent: impl FnOnce(&E) -> bool,
    reason: &str,
) -> Option<T> {
    match found {
        Ok(tool) => Some(tool),
        Err(error) if is_absent(&error) => {
            skipped(reason);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Says that a test was left out.
///
/// # Panics
/// Where all tools are required.
#[track_caller]
pub fn skipped(reason: &str) {
    assert!(!tools_required(), "{reason}");
    announce(reason);
}

/// Says that something was left out, past the capture of a test's output.
#[allow(
    clippy::explicit_write,
    reason = "what the macro prints is shown for failing tests only"
)]
pub fn announce(reason: &str) {
    let said = writeln!(std::io::stderr(), "SKIPPED: {reason}");
    assert!(said.is_ok(), "standard error is closed: {reason}");
}
