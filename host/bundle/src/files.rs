//! Opening and reading files that somebody else may control.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    os::{fd::AsFd, unix::fs::OpenOptionsExt},
    path::Path,
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, fstat, openat},
    io::Errno,
};

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum FileError {
    /// A symbolic link where none is followed.
    Symlink,
    /// A directory.
    Directory,
    /// A pipe, a socket, a device.
    Special,
    /// More bytes than allowed.
    TooLarge,
    /// Anything else, among it that there is no such file.
    Io(io::Error),
}

impl From<Errno> for FileError {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

/// Opens a regular file below `dir` without following a link in the last place.
pub(crate) fn open_in(dir: impl AsFd, name: impl AsRef<OsStr>) -> Result<File, FileError> {
    open(dir, name.as_ref(), OFlags::NOFOLLOW)
}

/// Opens a regular file at a path that the user named; links are followed, as everywhere else.
pub(crate) fn open_path(path: &Path) -> Result<File, FileError> {
    open(CWD, path.as_os_str(), OFlags::empty())
}

/// Reads the rest of `file`, once, and refuses more than `limit` bytes.
pub(crate) fn read_all(file: File, limit: u64) -> Result<Vec<u8>, FileError> {
    let size = file.metadata().map_err(FileError::Io)?.len();
    if size > limit {
        return Err(FileError::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default().saturating_add(1));
    // The file can grow between the two calls.
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(FileError::Io)?;
    if bytes.len() as u64 > limit {
        Err(FileError::TooLarge)
    } else {
        Ok(bytes)
    }
}

/// Makes a file for [`tempfile::Builder::make_in`], whose own way puts the passing name, which tells nobody anything, into each error.
pub(crate) fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
}

fn open(dir: impl AsFd, name: &OsStr, flags: OFlags) -> Result<File, FileError> {
    // Without NONBLOCK, opening a pipe would wait for a writer for ever.
    let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match openat(dir, name, flags, Mode::empty()) {
        Ok(file) => file,
        // ELOOP by POSIX, EMLINK on some BSDs.
        Err(Errno::LOOP | Errno::MLINK) if flags.contains(OFlags::NOFOLLOW) => {
            return Err(FileError::Symlink);
        }
        Err(Errno::NXIO) => return Err(FileError::Special),
        Err(error) => return Err(error.into()),
    };
    match FileType::from_raw_mode(fstat(&file)?.st_mode) {
        FileType::RegularFile => Ok(File::from(file)),
        FileType::Directory => Err(FileError::Directory),
        _ => Err(FileError::Special),
    }
}
