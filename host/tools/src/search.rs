//! Searching the workspace, in this process and with ripgrep's libraries.
//!
//! Folders and files are opened below a folder that is open already, and links are not followed: a search that is running stays in the
//! workspace whatever is renamed or linked meanwhile. Each file that is found is held against the policy's scope before anything is said of
//! it; one that is not covered is left out, and not counted.

mod first;
mod glob;
mod grep;
mod hits;
mod ignored;
mod pattern;
mod start;
mod walk;

pub use glob::{MAX_NAMES, glob};
pub use grep::{MAX_LINE, MAX_LINES, MAX_SEARCHED_LINE, grep};
pub use walk::{MAX_ENTRIES, MAX_HELD, MAX_TIME};
