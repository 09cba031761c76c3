//! Remembers the newest bundle of each agent, so that an older one is refused.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

mod error;
mod file;
mod newest;

pub use error::SequenceError;
pub use newest::SequenceFloor;

use hexgate_base::disk::{Access, FileError, Folder, Lock, LockError, read_all};

use crate::{Contents, VerifiedBundle};
use file::{Entries, Name};
use newest::Newest;

/// The bundle with the highest sequence number that was admitted for each project and agent, in a file that its owner alone may use.
///
/// From 1 on a number belongs to one bundle, told by the digest of its manifest: another one with the same number is refused. A bundle
/// without a number (0, and all of version 1) is admitted as long as none with a number was.
///
/// Beside the file, which is replaced as a whole, lies `{file}.lock`, so that several processes can share it. No file means that nothing
/// was admitted yet. An attacker who can remove it can bring older bundles back, so keep it where the agent cannot write.
#[derive(Debug, Clone)]
pub struct SequenceStore {
    path: PathBuf,
}

impl SequenceStore {
    /// The store in the file at `path`. Its folder must exist: if that is missing, because a disk is not mounted say, what was admitted is
    /// not known. Nothing is read or written yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Admits a bundle that is newer than those that were admitted for the same project and agent, or the newest of them, and remembers it.
    /// To be called before the bundle is used.
    ///
    /// # Errors
    ///
    /// If the number is lower, belongs to another bundle or is missing where there was one, or the file cannot be read, trusted or
    /// written. Then nothing is remembered and the bundle must not be used.
    pub fn admit(&self, bundle: &VerifiedBundle) -> Result<(), SequenceError> {
        let name = Name::of(bundle);
        let (folder, file) = self.open()?;
        // Lock before loading: two processes must not both admit a bundle against the same old entries.
        let _lock = self.lock(&folder, file)?;
        let mut entries = self.load(&folder, file)?;
        let seen = entries.get(&name).copied();
        match self.after(seen, bundle.contents())? {
            Some(newest) if Some(newest) != seen => {
                entries.insert(name, newest);
                self.save(&entries, &folder, file)
            }
            _ => Ok(()),
        }
    }

    /// Whether a bundle would be [admitted](Self::admit). Nothing is remembered.
    ///
    /// # Errors
    ///
    /// If it would not be, or the file cannot be read or trusted.
    pub fn check(&self, bundle: &VerifiedBundle) -> Result<(), SequenceError> {
        let (folder, file) = self.open()?;
        let seen = self.load(&folder, file)?.get(&Name::of(bundle)).copied();
        self.after(seen, bundle.contents()).map(|_| ())
    }

    /// The highest number that was admitted for a project and an agent.
    ///
    /// # Errors
    ///
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
        let (folder, file) = self.open()?;
        let entries = self.load(&folder, file)?;
        Ok(entries.get(&name).map(|newest| newest.sequence))
    }

    /// Where the store is.
    #[must_use]
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

    fn open(&self) -> Result<(Folder, &OsStr), SequenceError> {
        Folder::of(&self.path).map_err(|error| self.io(error))
    }

    fn load(&self, folder: &Folder, file: &OsStr) -> Result<Entries, SequenceError> {
        // A user who can replace the file can bring older bundles back.
        let access = folder.access().map_err(|error| self.io(error))?;
        if !access.keeps_names() {
            return Err(SequenceError::ExposedFolder {
                path: self.path.clone(),
                mode: access.mode,
            });
        }
        let file = match folder.read(file) {
            Ok(file) => file,
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                // No file: nothing was admitted yet.
                return Ok(Entries::new());
            }
            Err(error) => return Err(self.io(error)),
        };
        // A file that others can write says nothing about what was admitted.
        let access = Access::of(&file).map_err(|error| self.io(error))?;
        if !access.is_guarded() {
            return Err(SequenceError::Exposed {
                path: self.path.clone(),
                mode: access.mode,
            });
        }
        let bytes = read_all(file, MAX_BYTES).map_err(|error| self.io(error))?;
        file::read(&bytes).map_err(|reason| SequenceError::Corrupt {
            path: self.path.clone(),
            reason,
        })
    }

    fn save(&self, entries: &Entries, folder: &Folder, file: &OsStr) -> Result<(), SequenceError> {
        let bytes = file::write(entries).map_err(|error| self.io(io::Error::from(error)))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(self.io(FileError::TooLarge(MAX_BYTES)));
        }
        folder
            // Synced before the bundle is used, so a crash cannot forget it.
            .replace(file, 0o600, &bytes)
            .map_err(|error| self.io(error))
    }

    /// Waits for other processes. The lock is a file of its own, since the store's file is replaced.
    fn lock(&self, folder: &Folder, file: &OsStr) -> Result<Lock, SequenceError> {
        let mut name = file.to_owned();
        name.push(".lock");
        let path = self.path.with_file_name(&name);
        Lock::take(folder, &name, PATIENCE).map_err(|error| match error {
            LockError::Busy { holder } => SequenceError::Busy { path, holder },
            LockError::Foreign(Access { mode, .. }) => SequenceError::Exposed { path, mode },
            LockError::File(error) => SequenceError::Io {
                path,
                source: error.into(),
            },
        })
    }

    fn io(&self, error: impl Into<FileError>) -> SequenceError {
        SequenceError::Io {
            path: self.path.clone(),
            source: error.into().into(),
        }
    }
}

impl Name {
    /// The agent and project that the bundle was accepted for, also if it names none.
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
