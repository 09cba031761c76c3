//! Paths of a command, looked up by init: resolved once, held by descriptors.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::caller::HOLD;
use super::path::{PATH_BYTES, Path, Text};
use crate::workspace::Shield;

/// The file system of `/proc`. What lies there is of the process that looks, which here is the wrong one.
const PROC_MAGIC: i64 = 0x9fa0;

/// A name in a folder that is held.
pub(super) struct Target {
    pub(super) folder: OwnedFd,
    name: Path,
}

impl Target {
    /// Finds the folder of a path, following links. `not_a_name` is the error for a path that ends in no name, such as `..`.
    pub(super) fn find(base: &OwnedFd, path: &Path, not_a_name: Errno) -> Result<Self, Errno> {
        let text = path.text();
        if text.is_empty() {
            return Err(Errno::NOENT);
        }
        let trimmed = text
            .iter()
            .rposition(|byte| *byte != b'/')
            .map_or(0, |last| last + 1);
        let trimmed = text.get(..trimmed).unwrap_or_default();
        let start = trimmed
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |slash| slash + 1);
        // A slash at the end stays with the name: the kernel knows what it means for each call.
        let name = text.get(start..).unwrap_or_default();
        if matches!(trimmed.get(start..), Some(b"" | b"." | b"..") | None) {
            return Err(not_a_name);
        }
        let above = match text.get(..start) {
            Some(above) if !above.is_empty() => Path::from_bytes(above)?,
            _ => Path::from_bytes(b".")?,
        };
        let folder = rustix::fs::openat2(
            base,
            above.c_str(),
            HOLD | OFlags::DIRECTORY,
            Mode::empty(),
            ResolveFlags::NO_MAGICLINKS,
        )?;
        not_of_a_process(folder.as_fd())?;
        Ok(Self {
            folder,
            name: Path::from_bytes(name)?,
        })
    }

    /// The name, with the slashes that stood behind it.
    pub(super) fn name(&self) -> &CStr {
        self.name.c_str()
    }

    fn bare_name(&self) -> &[u8] {
        let text = self.name.text();
        let end = text
            .iter()
            .position(|byte| *byte == b'/')
            .unwrap_or(text.len());
        text.get(..end).unwrap_or_default()
    }

    /// Whether it may be written.
    pub(super) fn allowed(&self, shield: &Shield) -> Result<(), Errno> {
        let mut buffer = [0; PATH_BYTES];
        let folder = place(self.folder.as_fd(), &mut buffer)?;
        if shield.covers(folder, self.bare_name()) {
            return Err(Errno::ACCESS);
        }
        Ok(())
    }

    /// Whether it may be moved or removed: nothing that is protected by its path lies beneath it.
    pub(super) fn movable(&self, shield: &Shield) -> Result<(), Errno> {
        let mut buffer = [0; PATH_BYTES];
        let folder = place(self.folder.as_fd(), &mut buffer)?;
        if shield.holds(folder, self.bare_name()) {
            return Err(Errno::ACCESS);
        }
        Ok(())
    }

    /// Whether it lies where all names are free.
    pub(super) fn is_temporary(&self, shield: &Shield) -> Result<bool, Errno> {
        let mut buffer = [0; PATH_BYTES];
        Ok(shield.is_temporary(place(self.folder.as_fd(), &mut buffer)?))
    }

    /// What it says, if it is a link.
    pub(super) fn link(&self) -> Result<Path, Errno> {
        let mut bytes = [0; PATH_BYTES];
        let read = rustix::fs::readlinkat_raw(&self.folder, self.name(), &mut bytes[..])?;
        Path::from_bytes(bytes.get(..read).unwrap_or_default())
    }

    /// Whether it is a link.
    pub(super) fn is_link(&self) -> Result<bool, Errno> {
        let found = rustix::fs::statat(&self.folder, self.name(), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(found.st_mode) == FileType::Symlink)
    }
}

/// Holds what a path leads to, following links but for those of `/proc`.
pub(super) fn existing(base: &OwnedFd, path: &Path, no_follow: bool) -> Result<OwnedFd, Errno> {
    let flags = if no_follow {
        HOLD | OFlags::NOFOLLOW
    } else {
        HOLD
    };
    let found = rustix::fs::openat2(
        base,
        path.c_str(),
        flags,
        Mode::empty(),
        ResolveFlags::NO_MAGICLINKS,
    )?;
    not_of_a_process(found.as_fd())?;
    Ok(found)
}

/// Where the lookup of what a link says begins.
pub(super) fn start(path: &Path, folder: &OwnedFd) -> Result<OwnedFd, Errno> {
    if path.text().first() == Some(&b'/') {
        rustix::fs::openat(CWD, c"/", HOLD | OFlags::DIRECTORY, Mode::empty())
    } else {
        rustix::io::dup(folder)
    }
}

fn not_of_a_process(file: BorrowedFd<'_>) -> Result<(), Errno> {
    #[allow(clippy::useless_conversion, reason = "other systems have other widths")]
    if i64::from(rustix::fs::fstatfs(file)?.f_type) == PROC_MAGIC {
        return Err(Errno::ACCESS);
    }
    Ok(())
}

/// Whether an open file may be written, by where it lies.
pub(super) fn writable(shield: &Shield, file: BorrowedFd<'_>) -> Result<(), Errno> {
    not_of_a_process(file)?;
    let mut buffer = [0; PATH_BYTES];
    let path = place(file, &mut buffer)?;
    if path.first() != Some(&b'/') {
        // A pipe or a socket.
        return Ok(());
    }
    let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let folder = path.get(..slash.max(1)).unwrap_or_default();
    let name = path.get(slash + 1..).unwrap_or_default();
    if shield.covers(folder, name) && !shield.roots.iter().any(|root| root == path) {
        return Err(Errno::ACCESS);
    }
    Ok(())
}

/// Whether the mode and the times of an open file may be changed: landlock has no rule for them, so only what may be written is.
pub(super) fn changeable(shield: &Shield, file: BorrowedFd<'_>) -> Result<(), Errno> {
    writable(shield, file)?;
    let mut buffer = [0; PATH_BYTES];
    let path = place(file, &mut buffer)?;
    if path.first() == Some(&b'/') && !shield.reaches(path) {
        return Err(Errno::PERM);
    }
    Ok(())
}

/// Refuses what is no regular file.
pub(super) fn regular(file: BorrowedFd<'_>) -> Result<(), Errno> {
    let found = rustix::fs::statat(file, c"", AtFlags::EMPTY_PATH)?;
    match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Errno::ISDIR),
        _ => Err(Errno::INVAL),
    }
}

/// Opens what is held.
pub(super) fn reopen(file: BorrowedFd<'_>, flags: OFlags) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(
        CWD,
        own_link(file).c_str(),
        flags,
        Mode::from_bits_retain(0o600),
    )
}

/// Where a file lies, as the kernel says it.
fn place<'a>(file: BorrowedFd<'_>, buffer: &'a mut [u8; PATH_BYTES]) -> Result<&'a [u8], Errno> {
    let read = rustix::fs::readlinkat_raw(CWD, own_link(file).c_str(), &mut buffer[..])?;
    match buffer.get(..read) {
        Some(text) if read < PATH_BYTES => Ok(text),
        _ => Err(Errno::NAMETOOLONG),
    }
}

/// The link in `/proc` to a file that this process has open.
pub(super) fn own_link(file: BorrowedFd<'_>) -> Text {
    let mut text = Text::new();
    text.push(b"/proc/self/fd/");
    text.number(file.as_raw_fd().unsigned_abs());
    text
}
