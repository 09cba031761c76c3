//! What an agent names in its own folder: opened below it, link by link, so that nothing leads out.

use std::fs::File;
use std::io;
use std::path::{Component, Path};

use hexgate_base::disk::{FileError, Folder};
use rustix::io::Errno;

/// What stands at a path in the agent's folder.
pub(super) enum Beside {
    /// A regular file.
    File(File),
    /// A folder.
    Folder,
}

/// Why nothing can be taken from there.
pub(super) enum Problem {
    /// The path leads out of the folder; why.
    Leaves(&'static str),
    /// Nothing is there.
    Missing,
    /// It is of no use.
    Other(String),
}

/// Opens what stands at `path` in `folder`. No link is followed.
pub(super) fn open(folder: &Path, path: &str) -> Result<Beside, Problem> {
    let mut parts = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            Component::ParentDir => return Err(Problem::Leaves("`..` leads out of it")),
            Component::RootDir | Component::Prefix(_) => {
                return Err(Problem::Leaves("the path is absolute"));
            }
        }
    }
    let Some((last, parents)) = parts.split_last() else {
        return Err(Problem::Other("it names no file".to_owned()));
    };
    let mut at = Folder::open(folder).map_err(problem)?;
    for name in parents {
        at = at.folder(name).map_err(problem)?;
    }
    match at.read(last) {
        Ok(file) => Ok(Beside::File(file)),
        Err(FileError::Directory) => Ok(Beside::Folder),
        Err(FileError::Symlink) => Err(Problem::Leaves("it is a symbolic link")),
        Err(FileError::Io(error)) => Err(problem(error)),
        Err(other) => Err(Problem::Other(other.to_string())),
    }
}

/// Links and what is no folder on the way are told alike by the system.
fn problem(error: io::Error) -> Problem {
    match Errno::from_io_error(&error) {
        Some(Errno::NOENT) => Problem::Missing,
        // ELOOP by POSIX, EMLINK on some BSDs.
        Some(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => {
            Problem::Leaves("a symbolic link or a file stands on the way to it")
        }
        _ => Problem::Other(error.to_string()),
    }
}
