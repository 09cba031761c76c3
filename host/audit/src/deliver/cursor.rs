//! The cursor of a delivery: how far a log was delivered, on disk.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use hexgate_base::disk::Folder;
use hexgate_bundle::Digest;
use serde::{Deserialize, Serialize};

use super::aside::SetAside;

/// How far a log was delivered. The place and the events that are set aside before it are in one file, so that no process finds the one
/// without the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    /// The version of this file.
    pub(crate) version: u64,
    /// The file of the log.
    pub(crate) segment: u64,
    /// The byte offset of the next line.
    pub(crate) offset: u64,
    /// The number of the next record.
    pub(crate) next: u64,
    /// The record before it: its file, the offset of its line, and its hash, which identifies the log.
    pub(crate) last: Option<Last>,
    /// Events that the platform took.
    pub(crate) delivered: u64,
    /// Events that the platform will never take.
    pub(crate) refused: u64,
    /// Records that were skipped, because too many were waiting or their file is gone.
    pub(crate) skipped: u64,
    /// Events before this place that are tried again later. A reader that does not know them refuses the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) aside: Vec<SetAside>,
}

/// A place between two records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file of the log.
    pub(crate) segment: u64,
    /// The byte offset of the next line.
    pub(crate) offset: u64,
    /// The number of the next record.
    pub(crate) next: u64,
    /// The record before it.
    pub(crate) last: Option<Last>,
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
    /// The same counts at the beginning of the log. Nothing is set aside: all records are read again.
    pub(crate) fn at_the_beginning(self) -> Self {
        let mut cursor = Self {
            aside: Vec::new(),
            ..self
        };
        cursor.move_to(Place::default());
        cursor
    }

    /// Goes on at another place.
    pub(crate) fn move_to(&mut self, place: Place) {
        self.segment = place.segment;
        self.offset = place.offset;
        self.next = place.next;
        self.last = place.last;
    }

    /// Where it is.
    pub(crate) fn place(&self) -> Place {
        Place {
            segment: self.segment,
            offset: self.offset,
            next: self.next,
            last: self.last,
        }
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
        // Only one process delivers, so one temporary name is enough, and killed processes leave at most one file.
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
