//! Detects changes of files without reading them.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::SourceError;

/// Metadata of some files, read without opening them.
///
/// Each change gives a file a new time of change (ctime), which no program can set, in steps of the system's clock tick. So files that
/// changed just before they were looked at are not [settled](Fingerprint::is_settled): they may change again without a new time.
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

/// Longer than the steps of ctime on any system, network file systems included.
const SETTLED: Duration = Duration::from_secs(2);

impl Fingerprint {
    /// The fingerprint of a file, or of a folder and the entries directly in it.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        let mut files = vec![(path.to_owned(), Some(Entry::of(&metadata)))];
        if metadata.is_dir() {
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                // A file that disappears meanwhile changes the folder, too.
                let metadata = entry.metadata().ok();
                files.push((entry.path(), metadata.as_ref().map(Entry::of)));
            }
        }
        files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(Self { files })
    }

    /// Whether an equal fingerprint means equal files: nothing changed shortly before `now`, or after it.
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

/// The content that was accepted last, and the fingerprint of its files.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    accepted: Option<(Fingerprint, bool)>,
    found: Option<(Fingerprint, bool)>,
}

impl Seen {
    /// The fingerprint of the files at a path now. None: they are the accepted ones.
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

    /// Notes the fingerprint from just before the files were read, and whether it was settled.
    pub(crate) fn found(&mut self, fingerprint: Fingerprint, settled: bool) {
        self.found = Some((fingerprint, settled));
    }

    /// The content that was found last was accepted.
    pub(crate) fn accept(&mut self) {
        if let Some(found) = self.found.take() {
            self.accepted = Some(found);
        }
    }
}
