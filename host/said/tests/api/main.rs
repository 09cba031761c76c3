//! What a user's words name: a table of texts, properties, hostile texts, bounds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod bounds;
mod hostile;
mod properties;
mod table;

use hexgate_said::{Kind, Said};

/// The names of a kind in a text.
fn named(kind: Kind, text: &str) -> Vec<String> {
    Said::of([text]).items(kind).map(str::to_owned).collect()
}
