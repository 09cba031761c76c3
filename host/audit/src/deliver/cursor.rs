//! How far a log was delivered, on disk.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use hexgate_bundle::{Digest, disk::Folder};
use serde::{Deserialize, Serialize};

/// How far a log was delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    /// The version of this file.
    pub(crate) version: u64,
    /// The file of the log.
    pub(crate) segment: u64,
    /// Where in it the next line begins.
    pub(crate) offset: u64,
    /// The number of the next record.
    pub(crate) next: u64,
    /// The record before it: where in that file its line begins, and its hash, which tells that log from every other one.
    pub(crate) last: Option<Last>,
    /// Events that the platform took.
    pub(crate) delivered: u64,
    /// Events that the platform will never take.
    pub(crate) refused: u64,
    /// Records that were passed over, because too many were waiting or their file is gone.
    pub(crate) skipped: u64,
}

/// The last record that was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Last {
    pub(crate) offset: u64,
    pub(crate) hash: Digest,
}

/// The file.
const NAME: &str = "delivery.json";
const PASSING: &str = "delivery.json.new";
const VERSION: u64 = 1;

impl Cursor {
    /// The same counts, at the beginning of the log.
    pub(crate) fn at_the_beginning(self) -> Self {
        Self {
            segment: 0,
            offset: 0,
            next: 0,
            last: None,
            ..self
        }
    }

    /// Goes on behind a record.
    pub(crate) fn move_behind(&mut self, other: &Self) {
        self.segment = other.segment;
        self.offset = other.offset;
        self.next = other.next;
        self.last = other.last;
    }

    /// The cursor of a log; at its beginning if there is none.
    pub(crate) fn load(log: &Path) -> io::Result<Self> {
        match fs::read(path(log)) {
            Ok(bytes) => {
                let cursor: Self = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
                if cursor.version == VERSION {
                    Ok(cursor)
                } else {
                    Err(io::Error::other(format!(
                        "its version {} is not known",
                        cursor.version
                    )))
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self {
                version: VERSION,
                ..Self::default()
            }),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file. A reader sees the old one or the new one.
    pub(crate) fn save(&self, log: &Path) -> io::Result<()> {
        let folder = Folder::open(log)?;
        // One process delivers, so one name is enough, and what a killed one left does not pile up.
        let _ = folder.remove(PASSING);
        let mut file = folder.create(PASSING, 0o600)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())?;
        file.sync_data()?;
        Ok(folder.rename(PASSING, NAME)?)
    }
}

pub(crate) fn path(log: &Path) -> PathBuf {
    log.join(NAME)
}
