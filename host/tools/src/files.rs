//! Files of the workspace: reading, writing, editing.
//!
//! Every file is opened below a folder that is open already, by a path in which nothing is a link. So it does not matter what is renamed,
//! replaced or linked while a tool runs: what is opened is what was decided.

mod edit;
mod failure;
mod links;
mod path;
mod reach;
mod read;
mod replace;
mod target;
mod text;
mod write;

pub use edit::{MAX_DIFF, edit_file};
pub use reach::{HardLinks, Reach, ReachError};
pub use read::{MAX_CONTENT, MAX_PASSED, read_file};
pub use write::{MAX_WRITTEN, write_file};

pub(crate) use path::Written;
pub(crate) use reach::Place;
