//! Files and folders in places where others may have a hand: for the crates of hexgate, and not an interface for anybody else.
//!
//! One rule holds them together: a path is walked once. What it names is opened, and from then on it is looked at, filled, locked and
//! removed through what is open, and never through the path again, which may name something else by then. Below an open folder no link is
//! followed.

mod access;
mod folder;
mod lock;
mod passing;
mod read;

pub use access::Access;
pub use folder::Folder;
pub use lock::{Lock, LockError, lock};
pub use passing::Passing;
pub use read::{FileError, open, read_all};

pub use passing::random;
