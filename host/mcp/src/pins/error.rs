//! Why pins cannot be used.

use std::io;
use std::path::PathBuf;

use hexgate_base::disk::Access;
use hexgate_base::shortened;

/// Why a check has no answer, or nothing was accepted. The tools in question must not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PinsError {
    /// The system fails, or the file is none that can be read.
    #[error("the pins `{}` cannot be used, so no tool of them is: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Other users can change what was accepted.
    #[error("no tool is used by pins that others can change: `{}` {}", .path.display(), .access.remedy())]
    Exposed {
        /// The file, its folder or its lock.
        path: PathBuf,
        /// Who can.
        access: Access,
    },
    /// The file does not have what `accept` writes.
    #[error(
        "the pins `{}` are damaged, so no tool of them is used: {reason}; restore the file, or remove it and accept each server again with `hexgate mcp pin`",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another process holds the lock.
    #[error("the pins are being written{}: `{}` is locked; try again when it has ended", match .holder {
        Some(process) => format!(" by process {process}"),
        None => String::new(),
    }, .path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
        /// The process.
        holder: Option<u32>,
    },
    /// A tool is too large, or its name cannot be pinned.
    #[error("the tool `{}` cannot be pinned: {reason}", shortened(.name, 128))]
    Tool {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A server names a tool twice.
    #[error("the server offers two tools `{}`: which of them a call would reach is not known", shortened(.name, 128))]
    Twice {
        /// The name.
        name: String,
    },
    /// There is more than a file of pins takes.
    #[error("there are too many {what}: at most {most} are pinned")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        most: usize,
    },
    /// The name of a server is empty or too long.
    #[error("the name of a server has 1 to 256 bytes, and this one has {found}")]
    Server {
        /// Its length in bytes.
        found: usize,
    },
}
