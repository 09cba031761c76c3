//! Why a bundle is not admitted.

use std::{io, path::PathBuf};

use super::PATIENCE;
use crate::{Digest, verified::sequence_text};

/// A bundle was not admitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SequenceError {
    /// A newer bundle was admitted before.
    #[error("`{origin}` has {}, and {highest} was already in use{}; deploy the newest bundle, or compile the policy with a higher sequence number (`--sequence`)", sequence_text(.found), according_to(.path))]
    Older {
        /// The bundle.
        origin: String,
        /// Its number. None: it has none.
        found: Option<u64>,
        /// The highest number that was admitted.
        highest: u64,
        /// The store's file. None: the number was remembered in memory.
        path: Option<PathBuf>,
    },
    /// Another bundle with the same number was admitted before.
    #[error("`{origin}` has the sequence number {sequence}, which belongs to another bundle{}: the manifest admitted with it has the digest {admitted}, and this one {found}; deploy that bundle, or compile the policy with a higher sequence number (`--sequence`)", according_to(.path))]
    Another {
        /// The bundle.
        origin: String,
        /// The number of both.
        sequence: u64,
        /// SHA-256 of its manifest.
        found: Digest,
        /// SHA-256 of the manifest that was admitted.
        admitted: Digest,
        /// The store's file. None: the bundle was remembered in memory.
        path: Option<PathBuf>,
    },
    /// The file is not what this crate wrote.
    #[error("`{}` does not tell which bundles were in use: {reason}; restore it from a backup, or remove it if older bundles may come back", .path.display())]
    Corrupt {
        /// The store's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file can be written by others.
    #[error("`{}` (mode {mode:04o}) can be written by others, so it proves nothing; make it yours and run `chmod 600` on it after checking it", .path.display())]
    Exposed {
        /// The store's file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others can put another file in its place.
    #[error("`{}` lies in a folder (mode {mode:04o}) in which others can replace it, so it proves nothing; make the folder yours, and run `chmod o-w` on it after checking the file", .path.display())]
    ExposedFolder {
        /// The store's file.
        path: PathBuf,
        /// The folder's permission bits.
        mode: u32,
    },
    /// Another process keeps the lock.
    #[error("`{}` is held by another process{} for more than {} seconds; end that process", .path.display(), .holder.map(|id| format!(" ({id})")).unwrap_or_default(), PATIENCE.as_secs())]
    Busy {
        /// The lock's file.
        path: PathBuf,
        /// The process, if it said so.
        holder: Option<u32>,
    },
    /// The system fails.
    #[error("cannot use `{}`: {source}; name a file in a folder that exists and that you may write to", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl SequenceError {
    /// Whether the bundle is at fault, and not the store.
    #[must_use]
    pub fn is_about_the_bundle(&self) -> bool {
        matches!(self, Self::Older { .. } | Self::Another { .. })
    }
}

fn according_to(path: &Option<PathBuf>) -> String {
    path.as_ref().map_or_else(String::new, |path| {
        format!(" according to `{}`", path.display())
    })
}
