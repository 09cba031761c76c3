//! Files and folders that other users may be able to change. For hexgate's own crates; the interface is not stable.
//!
//! One rule holds throughout: a path is walked once. The file or folder is opened, and is then inspected, filled, locked and removed
//! through its descriptor. The path is not used again, because an attacker may have changed what it names. Below an open folder no link is
//! followed.

mod access;
mod beneath;
mod folder;
mod lock;
mod passing;
mod read;

pub use access::Access;
pub use beneath::is_link;
pub use folder::Folder;
pub use lock::{Lock, LockError, lock};
pub use passing::Passing;
pub use read::{FileError, open, read_all};

pub use passing::random;
