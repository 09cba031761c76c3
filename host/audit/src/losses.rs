//! The count of decisions that pass without a record, in a file beside the log, so that it survives a killed process. The file's space is
//! reserved early, so it can be changed on a full disk.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use hexgate_base::disk::Folder;
use serde::{Deserialize, Serialize};

/// Lost decisions that are not recorded in the log yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Losses {
    /// The version of this file.
    version: u64,
    /// The record of these losses gets this number or a later one. If the log has such a record, they are recorded.
    pub(crate) next: u64,
    /// How many.
    pub(crate) decisions: u64,
    /// Why the first could not be written.
    pub(crate) reason: String,
}

/// The file.
const NAME: &str = "lost.json";
const VERSION: u64 = 1;
/// Its fixed size: one sector, which is written as a whole.
const BYTES: usize = 512;
/// The longest reason, so that it fits with each byte escaped.
const REASON_BYTES: usize = 64;

impl Losses {
    /// `count` lost decisions, to be recorded from number `next` on.
    pub(crate) fn new(next: u64, decisions: u64, reason: &str) -> Self {
        Self {
            version: VERSION,
            next,
            decisions,
            reason: crate::protect::cut(reason, REASON_BYTES).0.to_owned(),
        }
    }

    /// The losses in the file beside the log, unless the log records them: its last record of lost decisions has the number `said`.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is damaged.
    pub(crate) fn unsaid(folder: &Path, said: Option<u64>) -> io::Result<Option<Self>> {
        let bytes = match fs::read(path(folder)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // A machine stopped while the file was made.
        if bytes.trim_ascii().is_empty() {
            return Ok(None);
        }
        let losses: Self = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
        if losses.version != VERSION {
            let reason = format!("its version {} is not known", losses.version);
            return Err(io::Error::other(reason));
        }
        let is_said = said.is_some_and(|said| said >= losses.next);
        Ok((losses.decisions > 0 && !is_said).then_some(losses))
    }
}

/// The file, open.
#[derive(Debug)]
pub(crate) struct LossFile(File);

impl LossFile {
    /// Opens the file and reserves its space, if that was not done.
    pub(crate) fn open(folder: &Folder) -> io::Result<Self> {
        let opened = Self(folder.open_or_create(NAME, 0o600)?);
        if opened.0.metadata()?.len() != BYTES as u64 {
            opened.0.set_len(0)?;
            opened.clear()?;
            opened.0.sync_all()?;
            folder.sync()?;
        }
        Ok(opened)
    }

    /// Writes the losses that are not recorded in the log yet.
    pub(crate) fn write(&self, losses: &Losses) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(losses)?;
        bytes.resize(BYTES - 1, b' ');
        bytes.push(b'\n');
        self.0.write_all_at(&bytes, 0)
    }

    /// All losses are recorded in the log.
    pub(crate) fn clear(&self) -> io::Result<()> {
        self.write(&Losses::new(0, 0, ""))
    }
}

pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}
