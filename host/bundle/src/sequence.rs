//! Remembering the highest sequence number, so that an older bundle does not come back.

use std::{
    collections::BTreeMap,
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
use serde::{Deserialize, Serialize};

use crate::{
    VerifiedBundle, canonical,
    files::{FileError, create_new, open_in, read_all},
    v2::MAX_SEQUENCE,
    verified::sequence_text,
    write::swap::sync_folder,
};

/// The highest sequence number that was admitted for each project and agent, in a file that its owner alone may use.
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

    /// Admits a bundle whose number is at least the highest one that was admitted for the same project and agent, and remembers it. To be
    /// called before the bundle is used. A bundle without a number, one of version 1, is admitted only where none with a number was.
    ///
    /// # Errors
    /// If the number is lower, or the file cannot be read, trusted or written. Then nothing is remembered and the bundle must not be used.
    pub fn admit(&self, bundle: &VerifiedBundle) -> Result<(), SequenceError> {
        let manifest = bundle.contents().manifest();
        let agent = bundle.accepted_agent().or(manifest.agent());
        let project = bundle.accepted_project().or(manifest.project());
        let name = Name {
            project: project.map(str::to_owned),
            agent: agent.map(str::to_owned),
        };
        let found = manifest.sequence();

        let _lock = self.lock()?;
        let mut highest = self.load()?;
        match (found, highest.get(&name).copied()) {
            (None, None) => Ok(()),
            (Some(found), Some(highest)) if found == highest => Ok(()),
            (Some(found), seen) if seen.is_none_or(|seen| found > seen) => {
                highest.insert(name, found);
                self.save(&highest)
            }
            (found, seen) => Err(SequenceError::Older {
                origin: bundle.contents().origin().to_owned(),
                found,
                highest: seen.unwrap_or_default(),
                path: self.path.clone(),
            }),
        }
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
        Ok(self.load()?.get(&name).copied())
    }

    fn load(&self) -> Result<BTreeMap<Name, u64>, SequenceError> {
        let corrupt = |reason: String| SequenceError::Corrupt {
            path: self.path.clone(),
            reason,
        };
        let file = match open_in(CWD, &self.path) {
            Ok(file) => file,
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(BTreeMap::new());
            }
            Err(error) => return Err(self.file_error(error)),
        };
        self.check_owner(&file)?;
        let bytes = read_all(file, MAX_BYTES).map_err(|error| self.file_error(error))?;
        let content: Content =
            serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
        if content.version != VERSION {
            return Err(corrupt(format!(
                "version {} is not known, and version {VERSION} is",
                content.version
            )));
        }
        if !content.highest.is_sorted_by(|a, b| a.name() < b.name())
            || content
                .highest
                .iter()
                .any(|entry| entry.sequence > MAX_SEQUENCE)
        {
            return Err(corrupt(
                "its entries are not sorted, not unique or too large".to_owned(),
            ));
        }
        let highest = content
            .highest
            .into_iter()
            .map(|entry| (entry.name(), entry.sequence))
            .collect();
        // The same content in another spelling was not written here.
        match encode(&highest) {
            Ok(canonical) if canonical == bytes => Ok(highest),
            _ => Err(corrupt("it was edited or cut off".to_owned())),
        }
    }

    fn save(&self, highest: &BTreeMap<Name, u64>) -> Result<(), SequenceError> {
        let write = || {
            let bytes = encode(highest)?;
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

/// A bundle was not admitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SequenceError {
    /// A newer bundle was admitted before.
    #[error("`{origin}` has {}, and {highest} was already in use according to `{}`; deploy the newest bundle, or compile the policy with a higher sequence number", sequence_text(.found), .path.display())]
    Older {
        /// The bundle.
        origin: String,
        /// Its number; None in version 1.
        found: Option<u64>,
        /// The highest number that was admitted.
        highest: u64,
        /// The store's file.
        path: PathBuf,
    },
    /// The file is not what this crate wrote.
    #[error("`{}` does not tell which bundles were in use: {reason}; restore it from a backup, or remove it if older bundles may come back", .path.display())]
    Corrupt {
        /// The store's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file can be written by others.
    #[error("`{}` (mode {mode:04o}) can be written by others, so it proves nothing; make it yours and run `chmod 600` on it after checking it", .path.display())]
    Exposed {
        /// The store's file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process does not let go.
    #[error("`{}` is held by another process for more than {} seconds; end that process", .path.display(), PATIENCE.as_secs())]
    Busy {
        /// The lock's file.
        path: PathBuf,
    },
    /// The system fails.
    #[error("cannot use `{}`: {source}; name a file in a folder that exists and that you may write to", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// The version of the file's format.
const VERSION: u64 = 1;

/// The largest file: some 10,000 agents with long names.
const MAX_BYTES: u64 = 8 << 20;

/// How long to wait for other processes, which need milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    project: Option<String>,
    agent: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    highest: Vec<Entry>,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    agent: Option<String>,
    project: Option<String>,
    sequence: u64,
}

impl Entry {
    fn name(&self) -> Name {
        Name {
            project: self.project.clone(),
            agent: self.agent.clone(),
        }
    }
}

fn encode(highest: &BTreeMap<Name, u64>) -> Result<Vec<u8>, serde_json::Error> {
    let highest = highest
        .iter()
        .map(|(name, sequence)| Entry {
            agent: name.agent.clone(),
            project: name.project.clone(),
            sequence: *sequence,
        })
        .collect();
    canonical::to_bytes(&Content {
        highest,
        version: VERSION,
    })
}
