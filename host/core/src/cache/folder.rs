//! The files of the cache. Everything goes through the folder's descriptor, so that nothing can be put in its place meanwhile.

use std::io::{self, Write as _};
use std::path::Path;

use hexgate_base::disk::{self, Access, FileError, read_all};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW};

use crate::error::CacheError;

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    handle: disk::Folder,
    max_bytes: u64,
    max_entries: usize,
}

impl Folder {
    pub(super) fn open(
        path: &Path,
        max_bytes: u64,
        max_entries: usize,
    ) -> Result<Self, CacheError> {
        let io = |source| CacheError::Io {
            path: path.into(),
            source,
        };
        let untrusted = |reason: &str| CacheError::Untrusted {
            path: path.into(),
            reason: reason.into(),
        };
        disk::Folder::provide(path, 0o700).map_err(io)?;
        let handle = match disk::Folder::open_itself(path) {
            Err(_) if path.is_symlink() || path.is_file() => {
                return Err(untrusted("it is a link or a file; name a folder"));
            }
            opened => opened.map_err(io)?,
        };
        let access = handle.access().map_err(io)?;
        if !access.is_own() {
            return Err(untrusted("it belongs to another user"));
        }
        if !access.is_private() {
            return Err(untrusted(
                "others can look into it or change it; its mode should be 0700",
            ));
        }
        Ok(Self {
            handle,
            max_bytes,
            max_entries,
        })
    }

    /// The whole content of an entry. What is not a plain file of ours is removed.
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        let file = match self.handle.read(name) {
            Ok(file) => file,
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(_) => {
                self.remove(name);
                return None;
            }
        };
        if !Access::of(&file).ok()?.is_own() {
            self.remove(name);
            return None;
        }
        // So that what is used stays. It does not matter if it fails.
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        };
        let _ = rustix::fs::futimens(
            &file,
            &Timestamps {
                last_access: now,
                last_modification: now,
            },
        );
        match read_all(file, self.max_bytes) {
            Ok(bytes) => Some(bytes),
            Err(_) => {
                self.remove(name);
                None
            }
        }
    }

    /// Writes an entry so that it is there whole or not at all, and then makes room.
    pub(super) fn write(&self, name: &str, head: &[u8], body: &[u8]) {
        let size = head.len().saturating_add(body.len());
        if u64::try_from(size).map_or(true, |size| size > self.max_bytes) || self.max_entries == 0 {
            return;
        }
        // A cache that cannot be written is a slow one.
        let _ = self.write_whole(name, head, body);
        self.make_room();
    }

    /// Removes an entry, whatever it is.
    pub(super) fn remove(&self, name: &str) {
        if self.handle.remove(name).is_err() {
            let _ = self.handle.remove_folder(name);
        }
    }

    fn write_whole(&self, name: &str, head: &[u8], body: &[u8]) -> io::Result<()> {
        let mut file = self.handle.passing(0o600)?;
        file.write_all(head)?;
        file.write_all(body)?;
        file.persist(name)
    }

    /// Removes what was not used for the longest time until both bounds hold. Files that writers left behind age like all others.
    fn make_room(&self) {
        let mut entries = Vec::new();
        for (name, _) in self.handle.entries().unwrap_or_default() {
            let Some(name) = name.to_str() else {
                continue;
            };
            let Ok(stat) = self.handle.stat(name) else {
                continue;
            };
            let age = (stat.st_mtime, stat.st_mtime_nsec);
            entries.push((
                age,
                u64::try_from(stat.st_size).unwrap_or(0),
                name.to_owned(),
            ));
        }
        entries.sort_unstable();
        let mut bytes = entries
            .iter()
            .fold(0u64, |sum, (_, size, _)| sum.saturating_add(*size));
        let mut count = entries.len();
        for (_, size, name) in &entries {
            if bytes <= self.max_bytes && count <= self.max_entries {
                break;
            }
            self.remove(name);
            bytes = bytes.saturating_sub(*size);
            count = count.saturating_sub(1);
        }
    }
}
