//! A path that was resolved once, with what was found there.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A path without links, and which file it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) folder: bool,
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl Place {
    /// Follows links and looks at what is there.
    pub(crate) fn find(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let found = fs::symlink_metadata(&path)?;
        Ok(Self {
            folder: found.is_dir(),
            device: found.dev(),
            inode: found.ino(),
            path,
        })
    }

    /// Whether this is what was found.
    pub(crate) fn is(&self, device: u64, inode: u64) -> bool {
        self.device == device && self.inode == inode
    }
}
