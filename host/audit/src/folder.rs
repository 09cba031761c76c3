//! The folder of a log: its files, who may write there, and who does.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

/// The file that a writer holds locked.
const LOCK: &str = "writer.lock";

/// The name of a file of the log.
pub(crate) fn segment_name(index: u64) -> String {
    format!("segment-{index:06}.jsonl")
}

fn segment_index(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".jsonl")?;
    let index = digits.parse().ok()?;
    (segment_name(index) == name).then_some(index)
}

/// The files of a log, in their order: all of a folder, or the one that is named.
///
/// # Errors
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

/// Makes the folder if there is none, for its owner alone.
///
/// # Errors
/// If others can write there: what they can change proves nothing.
pub(crate) fn prepare(path: &Path) -> Result<(), FolderError> {
    let io = |source| FolderError::Io {
        path: path.to_owned(),
        source,
    };
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(error)),
    }
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_dir() {
        return Err(io(io::ErrorKind::NotADirectory.into()));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(FolderError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

/// That this process, and within it this log, is the one that writes. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock of a folder.
    pub(crate) fn take(folder: &Path, name: &str) -> Result<Self, FolderError> {
        let path = folder.join(name);
        let io = |source| FolderError::Io {
            path: path.clone(),
            source,
        };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            let _ = file.take(20).read_to_string(&mut holder);
            return Err(FolderError::Busy {
                folder: folder.to_owned(),
                holder: holder.trim().parse().ok(),
            });
        }
        // For the message of whoever comes second; on a full disk that has to do without.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self(file))
    }

    /// Takes the lock of the writer.
    pub(crate) fn writer(folder: &Path) -> Result<Self, FolderError> {
        Self::take(folder, LOCK)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Not left to the closing of the file: a child that was just forked has it too, until it becomes another program.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Opens a file of the log for appending; with `new`, one that is not there yet.
pub(crate) fn append_to(path: &Path, new: bool) -> io::Result<File> {
    let file = File::options()
        .append(true)
        .create_new(new)
        .mode(0o600)
        .open(path)?;
    if new && let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// A log's folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The system fails.
    #[error("cannot use `{}`: {source}; name a folder in one that exists and that you may write to", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Others can write there.
    #[error("`{}` (mode {mode:04o}) is not its user's alone to write to, so a log in it proves nothing; make it yours and run `chmod 700` on it", .path.display())]
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
