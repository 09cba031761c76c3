//! Remembering the newest bundle of each agent, so that an older one does not come back.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{CWD, FlockOperation, OFlags, flock},
    io::Errno,
};

mod error;
mod file;
mod newest;

pub use error::SequenceError;
pub use newest::SequenceFloor;

use crate::{
    Contents, VerifiedBundle,
    files::{FileError, create_new, open_in, read_all},
    write::swap::sync_folder,
};
use file::{Entries, Name};
use newest::Newest;

/// The bundle with the highest sequence number that was admitted for each project and agent, in a file that its owner alone may use.
///
/// From 1 on a number belongs to one bundle, told by the digest of its manifest: another one with the same number is refused. A bundle
/// without a number (0, and all of version 1) is admitted as long as none with a number was.
///
/// Beside the file, which is replaced as a whole, lies `{file}.lock`, so that several processes can share it. No file means that nothing was
/// admitted yet: whoever can remove it can bring older bundles back, so keep it where the agent cannot write.
#[derive(Debug, Clone)]
pub struct SequenceStore {
    path: PathBuf,
}

impl SequenceStore {
    /// The store in the file at `path`, in a folder that exists. Nothing is read or written yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Admits a bundle that is newer than those that were admitted for the same project and agent, or the newest of them, and remembers it.
    /// To be called before the bundle is used.
    ///
    /// # Errors
    /// If the number is lower, belongs to another bundle or is missing where there was one, or the file cannot be read, trusted or
    /// written. Then nothing is remembered and the bundle must not be used.
    pub fn admit(&self, bundle: &VerifiedBundle) -> Result<(), SequenceError> {
        let name = Name::of(bundle);
        let _lock = self.lock()?;
        let mut entries = self.load()?;
        let seen = entries.get(&name).copied();
        match self.after(seen, bundle.contents())? {
            Some(newest) if Some(newest) != seen => {
                entries.insert(name, newest);
                self.save(&entries)
            }
            _ => Ok(()),
        }
    }

    /// Whether a bundle would be [admitted](Self::admit). Nothing is remembered.
    ///
    /// # Errors
    /// If it would not be, or the file cannot be read or trusted.
    pub fn check(&self, bundle: &VerifiedBundle) -> Result<(), SequenceError> {
        let seen = self.load()?.get(&Name::of(bundle)).copied();
        self.after(seen, bundle.contents()).map(|_| ())
    }

    /// The highest number that was admitted for a project and an agent.
    ///
    /// # Errors
    /// If the file cannot be read or trusted.
    pub fn highest(
        &self,
        project: Option<&str>,
        agent: Option<&str>,
    ) -> Result<Option<u64>, SequenceError> {
        let name = Name {
            project: project.map(str::to_owned),
            agent: agent.map(str::to_owned),
        };
        Ok(self.load()?.get(&name).map(|newest| newest.sequence))
    }

    /// Where the store is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn after(
        &self,
        seen: Option<Newest>,
        bundle: &Contents,
    ) -> Result<Option<Newest>, SequenceError> {
        Newest::after(seen, bundle, Some(&self.path))
    }

    fn load(&self) -> Result<Entries, SequenceError> {
        let file = match open_in(CWD, &self.path) {
            Ok(file) => file,
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                // Where the folder is gone, a disk that is not mounted say, nobody knows what was admitted.
                return match fs::read_dir(self.folder()) {
                    Ok(_) => Ok(Entries::new()),
                    Err(error) => Err(self.file_error(FileError::Io(error))),
                };
            }
            Err(error) => return Err(self.file_error(error)),
        };
        self.check_owner(&file)?;
        let bytes = read_all(file, MAX_BYTES).map_err(|error| self.file_error(error))?;
        file::read(&bytes).map_err(|reason| SequenceError::Corrupt {
            path: self.path.clone(),
            reason,
        })
    }

    fn save(&self, entries: &Entries) -> Result<(), SequenceError> {
        let write = || {
            let bytes = file::write(entries)?;
            if bytes.len() as u64 > MAX_BYTES {
                return Err(io::Error::other(format!(
                    "it would have more than {MAX_BYTES} bytes"
                )));
            }
            let folder = self.folder();
            let mut file = tempfile::Builder::new()
                .prefix(".hexgate-sequence-")
                .make_in(folder, |path| create_new(path, 0o600))?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
            sync_folder(folder)
        };
        write().map_err(|source| SequenceError::Io {
            path: self.path.clone(),
            source,
        })
    }

    /// Waits for other processes. The lock is a file of its own, since the store's file is replaced.
    fn lock(&self) -> Result<File, SequenceError> {
        let mut path = self.path.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let io = |source| SequenceError::Io {
            path: path.clone(),
            source,
        };
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags.bits().cast_signed())
            .open(&path)
            .map_err(io)?;
        let begin = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(Errno::WOULDBLOCK | Errno::INTR) if begin.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(5))
                }
                Err(Errno::WOULDBLOCK) => return Err(SequenceError::Busy { path }),
                Err(error) => return Err(io(error.into())),
            }
        }
    }

    /// A file that others can write says nothing about what was admitted.
    fn check_owner(&self, file: &File) -> Result<(), SequenceError> {
        let metadata = file.metadata().map_err(|source| SequenceError::Io {
            path: self.path.clone(),
            source,
        })?;
        let own = [rustix::process::geteuid().as_raw(), 0].contains(&metadata.uid());
        let mode = metadata.mode() & 0o7777;
        if own && mode & 0o022 == 0 {
            Ok(())
        } else {
            Err(SequenceError::Exposed {
                path: self.path.clone(),
                mode,
            })
        }
    }

    fn file_error(&self, error: FileError) -> SequenceError {
        let not_a_file = || io::Error::other("it is not a regular file");
        let source = match error {
            FileError::Io(source) => source,
            FileError::TooLarge => io::Error::other(format!("it has more than {MAX_BYTES} bytes")),
            FileError::Symlink | FileError::Directory | FileError::Special => not_a_file(),
        };
        SequenceError::Io {
            path: self.path.clone(),
            source,
        }
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }
}

impl Name {
    /// For whom a bundle was accepted, also if it leaves that open.
    fn of(bundle: &VerifiedBundle) -> Self {
        let manifest = bundle.contents().manifest();
        let agent = bundle.accepted_agent().or(manifest.agent());
        let project = bundle.accepted_project().or(manifest.project());
        Self {
            project: project.map(str::to_owned),
            agent: agent.map(str::to_owned),
        }
    }
}

/// The largest file: some 10,000 agents with long names.
const MAX_BYTES: u64 = 8 << 20;

/// How long to wait for other processes, which need milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
