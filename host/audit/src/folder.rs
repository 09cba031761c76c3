//! The folder of a log: its files, its mode, and the lock of its writer.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use hexgate_base::disk::{self, Folder, LockError};

/// The name of a file of the log.
pub(crate) fn segment_name(index: u64) -> String {
    format!("segment-{index:06}.jsonl")
}

fn segment_index(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".jsonl")?;
    let index = digits.parse().ok()?;
    (segment_name(index) == name).then_some(index)
}

/// The files of a log, in their order: all of a folder, or one named file.
///
/// # Errors
///
/// If there is nothing at the path, or the folder holds no file of a log.
pub(crate) fn segments(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    if !fs::metadata(path)?.is_dir() {
        let index = path
            .file_name()
            .and_then(|name| segment_index(name.to_str()?));
        return Ok(vec![(index.unwrap_or(0), path.to_owned())]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if let Some(index) = entry.file_name().to_str().and_then(segment_index) {
            found.push((index, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Opens the folder of a log for writing. Makes a private one if it is missing.
///
/// # Errors
///
/// If other users can write there: a log that they can change proves nothing.
pub(crate) fn open(path: &Path) -> Result<Folder, FolderError> {
    let io = |source| FolderError::Io {
        path: path.to_owned(),
        source,
    };
    Folder::provide(path, 0o700).map_err(io)?;
    let folder = Folder::open(path).map_err(io)?;
    let access = folder.access().map_err(io)?;
    if !access.is_own() || !access.is_guarded() {
        return Err(FolderError::Exposed {
            path: path.to_owned(),
            mode: access.mode,
        });
    }
    Ok(folder)
}

/// The file that a writer holds locked.
pub(crate) const WRITER: &str = "writer.lock";

/// The exclusive right of one log in one process to write or deliver. Released on drop.
#[derive(Debug)]
pub(crate) struct Lock {
    _lock: disk::Lock,
}

impl Lock {
    /// Takes the lock of that name in the folder at a path.
    #[cfg(feature = "deliver")]
    pub(crate) fn take(path: &Path, name: &str) -> Result<Self, FolderError> {
        let folder = Folder::open(path).map_err(|source| FolderError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::take_in(&folder, path, name)
    }

    /// Takes the lock in an open folder; `path` names it in messages.
    pub(crate) fn take_in(folder: &Folder, path: &Path, name: &str) -> Result<Self, FolderError> {
        match disk::Lock::take(folder, name, Duration::ZERO) {
            Ok(lock) => Ok(Self { _lock: lock }),
            Err(LockError::Busy { holder }) => Err(FolderError::Busy {
                folder: path.to_owned(),
                holder,
            }),
            Err(LockError::Foreign(access)) => Err(FolderError::Exposed {
                path: path.join(name),
                mode: access.mode,
            }),
            Err(LockError::File(error)) => Err(FolderError::Io {
                path: path.join(name),
                source: error.into(),
            }),
        }
    }
}

/// Opens a file of the log for appending; with `new`, one that is not there yet.
pub(crate) fn append_to(folder: &Folder, segment: u64, new: bool) -> io::Result<File> {
    let name = segment_name(segment);
    if !new {
        return Ok(folder.append_to(name)?);
    }
    let file = folder.create_to_append(name, 0o600)?;
    folder.sync()?;
    Ok(file)
}

/// A log's folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The system fails.
    #[error("cannot use `{}`: {source}; name a folder that you may write to", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Other users can write there.
    #[error("`{}` (mode {mode:04o}) can be written by other users, so a log in it proves nothing; make it yours and run `chmod 700` on it", .path.display())]
    Exposed {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process, or another log in this one, writes there.
    #[error("`{}` already has a writer{}; a log has one at a time: end that one, or name another folder", .folder.display(), holder.map(|id| format!(" (process {id})")).unwrap_or_default())]
    Busy {
        /// The folder.
        folder: PathBuf,
        /// The process that writes, if it said so.
        holder: Option<u32>,
    },
}
