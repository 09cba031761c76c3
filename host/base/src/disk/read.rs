//! Opening and reading files that another user may control.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
    path::Path,
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, fstat, openat},
    io::Errno,
};

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A symbolic link where none is followed.
    #[error("it is a symbolic link; name the file itself")]
    Symlink,
    /// A directory.
    #[error("it is a directory")]
    Directory,
    /// A pipe, a socket, a device.
    #[error("it is not a regular file")]
    Special,
    /// More bytes than allowed.
    #[error("it has more than {0} bytes")]
    TooLarge(u64),
    /// Any other error, a missing file included.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<Errno> for FileError {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(error) => error,
            other => Self::other(other.to_string()),
        }
    }
}

/// Opens a regular file at a path that the user named, for reading; links are followed, as everywhere else.
///
/// # Errors
///
/// It is not a regular file, or the system fails.
pub fn open(path: &Path) -> Result<File, FileError> {
    open_regular(CWD, path, OFlags::RDONLY, Mode::empty())
}

/// Reads the rest of `file`, once, and refuses more than `limit` bytes.
///
/// # Errors
///
/// There are more bytes, or the system fails.
pub fn read_all(file: File, limit: u64) -> Result<Vec<u8>, FileError> {
    // A file that is too large is refused before any of it is read.
    let size = file.metadata()?.len();
    if size > limit {
        return Err(FileError::TooLarge(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default().saturating_add(1));
    // The file can grow between the two calls.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        Err(FileError::TooLarge(limit))
    } else {
        Ok(bytes)
    }
}

/// Opens a regular file below `dir`, and nothing else.
pub(super) fn open_regular(
    dir: impl AsFd,
    name: &Path,
    flags: OFlags,
    mode: Mode,
) -> Result<File, FileError> {
    // Without NONBLOCK, opening a pipe would wait for its other end for ever.
    let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match openat(dir, name, flags, mode) {
        Ok(file) => file,
        // ELOOP by POSIX, EMLINK on some BSDs.
        Err(Errno::LOOP | Errno::MLINK) if flags.contains(OFlags::NOFOLLOW) => {
            return Err(FileError::Symlink);
        }
        Err(Errno::ISDIR) => return Err(FileError::Directory),
        Err(Errno::NXIO) => return Err(FileError::Special),
        Err(error) => return Err(error.into()),
    };
    match FileType::from_raw_mode(fstat(&file)?.st_mode) {
        FileType::RegularFile => Ok(File::from(file)),
        FileType::Directory => Err(FileError::Directory),
        _ => Err(FileError::Special),
    }
}
