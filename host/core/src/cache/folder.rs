//! The files of the cache. Everything goes through the folder's descriptor, so that nothing can be put in its place meanwhile.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Timespec, Timestamps, UTIME_NOW};

use crate::error::CacheError;

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    handle: OwnedFd,
    max_bytes: u64,
    max_entries: usize,
}

impl Folder {
    pub(super) fn open(
        path: &Path,
        max_bytes: u64,
        max_entries: usize,
    ) -> Result<Self, CacheError> {
        let io = |source: rustix::io::Errno| CacheError::Io {
            path: path.into(),
            source: source.into(),
        };
        let untrusted = |reason: &str| CacheError::Untrusted {
            path: path.into(),
            reason: reason.into(),
        };
        match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(io(error)),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        let handle = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR) => {
                return Err(untrusted("it is a link or a file; name a folder"));
            }
            Err(error) => return Err(io(error)),
        };
        let stat = rustix::fs::fstat(&handle).map_err(io)?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(untrusted("it belongs to another user"));
        }
        if stat.st_mode & 0o077 != 0 {
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
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.handle, name, flags, Mode::empty());
        let file = match opened {
            Ok(file) => file,
            Err(rustix::io::Errno::NOENT) => return None,
            Err(_) => {
                self.remove(name);
                return None;
            }
        };
        let stat = rustix::fs::fstat(&file).ok()?;
        let size = u64::try_from(stat.st_size).ok()?;
        let ours = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && stat.st_uid == rustix::process::geteuid().as_raw()
            && size <= self.max_bytes;
        if !ours {
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
        let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?.checked_add(1)?);
        File::from(file).take(size).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Writes an entry so that it is there whole or not at all, and then makes room.
    pub(super) fn write(&self, name: &str, head: &[u8], body: &[u8]) {
        let size = head.len().saturating_add(body.len());
        if u64::try_from(size).map_or(true, |size| size > self.max_bytes) || self.max_entries == 0 {
            return;
        }
        let mut random = [0; 8];
        if getrandom::fill(&mut random).is_err() {
            return;
        }
        let temporary = format!(".new-{:016x}", u64::from_le_bytes(random));
        if self.write_new(&temporary, head, body).is_err()
            || rustix::fs::renameat(&self.handle, &temporary, &self.handle, name).is_err()
        {
            self.remove(&temporary);
        }
        self.make_room();
    }

    /// Removes an entry, whatever it is.
    pub(super) fn remove(&self, name: &str) {
        if rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()).is_err() {
            let _ = rustix::fs::unlinkat(&self.handle, name, AtFlags::REMOVEDIR);
        }
    }

    fn write_new(&self, name: &str, head: &[u8], body: &[u8]) -> std::io::Result<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(
            &self.handle,
            name,
            flags,
            Mode::RUSR | Mode::WUSR,
        )?);
        file.write_all(head)?;
        file.write_all(body)
    }

    /// Removes what was not used for the longest time until both bounds hold. Files that writers left behind age like all others.
    fn make_room(&self) {
        let Ok(folder) = Dir::read_from(&self.handle) else {
            return;
        };
        let mut entries = Vec::new();
        for entry in folder.flatten() {
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if name == "." || name == ".." {
                continue;
            }
            let Ok(stat) = rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) else {
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
