//! Whether files changed, without reading them.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::SourceError;

/// What the file system tells about some files without opening them.
///
/// Each change gives a file a new time of change, which no program can set, but only to the clock tick of the system. So files that
/// changed just before they were looked at are not [settled](Fingerprint::is_settled): what is equal may still differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    files: Vec<(PathBuf, Option<Entry>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Longer than a clock tick of any system, and than the times of change of network file systems are coarse.
const SETTLED: Duration = Duration::from_secs(2);

impl Fingerprint {
    /// Of a file; of a folder and everything directly in it.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        let mut files = vec![(path.to_owned(), Some(Entry::of(&metadata)))];
        if metadata.is_dir() {
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                // A file that goes away meanwhile is a change of the folder too.
                let metadata = entry.metadata().ok();
                files.push((entry.path(), metadata.as_ref().map(Entry::of)));
            }
        }
        files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(Self { files })
    }

    /// Whether an equal fingerprint means equal files: nothing changed within the last moments before `now`, or after it.
    pub(crate) fn is_settled(&self, now: SystemTime) -> bool {
        let Ok(now) = now.duration_since(UNIX_EPOCH) else {
            return false;
        };
        self.files.iter().all(|(_, entry)| {
            entry.is_some_and(|entry| {
                let (seconds, nanoseconds) = entry.changed;
                let (Ok(seconds), Ok(nanoseconds)) =
                    (u64::try_from(seconds), u32::try_from(nanoseconds))
                else {
                    return false;
                };
                Duration::new(seconds, nanoseconds) + SETTLED < now
            })
        })
    }
}

impl Entry {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// What was accepted last, and what the files looked like then.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    accepted: Option<(Fingerprint, bool)>,
    found: Option<(Fingerprint, bool)>,
}

impl Seen {
    /// What the files at a path look like now. None: they are those that were accepted.
    pub(crate) fn look(&self, path: &Path) -> Result<Option<Fingerprint>, SourceError> {
        let now = Fingerprint::of(path).map_err(|source| SourceError::Io {
            path: path.to_owned(),
            source,
        })?;
        let accepted = self
            .accepted
            .as_ref()
            .is_some_and(|(accepted, settled)| *settled && *accepted == now);
        Ok((!accepted).then_some(now))
    }

    /// Notes what the files looked like just before they were read, and whether they were settled then.
    pub(crate) fn found(&mut self, fingerprint: Fingerprint, settled: bool) {
        self.found = Some((fingerprint, settled));
    }

    /// What was found last was accepted.
    pub(crate) fn accept(&mut self) {
        if let Some(found) = self.found.take() {
            self.accepted = Some(found);
        }
    }
}
