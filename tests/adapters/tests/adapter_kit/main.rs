//! Our own hosts, held to the scenarios of the kit, and the page that shows what passes where.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod faulty;
mod gateway;
mod hook;
mod page;
mod runtime;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hexgate_adapter_kit::{Driver, check};

/// The folder with the files of coverage.
fn coverage() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("coverage")
}

async fn holds(driver: impl Driver) {
    let checked = check(Arc::new(driver), &coverage()).await;
    checked.unwrap_or_else(|failure| panic!("{failure}"));
    page::write();
}
