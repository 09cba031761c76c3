//! What is kept of a conversation: what the user's own words name, and what is counted.
//!
//! Each conversation has a private file below a folder that is nobody else's. The file's name is a digest, so that no id of a conversation is
//! ever a part of a path. Processes take turns: a lock is held from reading the file to writing it.

mod clean;
mod kept;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hexgate_base::Digest;
use hexgate_base::disk::{FileError, Folder, Lock, LockError, read_all};

use crate::agent::Agent;
use crate::failure::Failure;

pub(crate) use kept::{Kept, Running};

/// The most bytes of a conversation's file.
const MOST_BYTES: u64 = 2 << 20;

/// A conversation that this process has to itself.
#[derive(Debug)]
pub(crate) struct Session {
    folder: Folder,
    path: PathBuf,
    name: String,
    pub(crate) kept: Kept,
    _lock: Lock,
}

impl Session {
    /// Opens what is kept of a conversation. Waits at most `patience` for another process that has it.
    pub(crate) fn open(
        state: &Path,
        agent: Agent,
        id: &str,
        patience: Duration,
    ) -> Result<Self, Failure> {
        let failed = |path: &Path, reason: String| Failure::State {
            path: path.to_owned(),
            reason,
        };
        let io = |error: io::Error| failed(state, format!("cannot be used: {error}"));
        Folder::provide(state, 0o700).map_err(io)?;
        let folder = Folder::open(state).map_err(io)?;
        let access = folder.access().map_err(io)?;
        if !access.is_own() || access.mode & 0o022 != 0 {
            return Err(failed(
                state,
                "can be changed by other users; make it private (`chmod 700`) and your own".into(),
            ));
        }
        let digest = Digest::of(format!("hexgate-hook\0{agent}\0{id}").as_bytes());
        let digest: String = digest
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let name = format!("{digest}.json");
        let path = state.join(&name);
        let lock = Lock::take(&folder, format!("{digest}.lock"), patience).map_err(|error| {
            failed(
                &path,
                match error {
                    LockError::Busy { .. } => "is in use by another process".to_owned(),
                    LockError::Foreign(_) => "is another user's".to_owned(),
                    LockError::File(error) => format!("cannot be locked: {error}"),
                },
            )
        })?;
        let kept = match folder.read(&name) {
            Ok(file) => {
                let bytes = read_all(file, MOST_BYTES)
                    .map_err(|error| failed(&path, format!("cannot be read: {error}")))?;
                Kept::read(&bytes, agent, id).map_err(|reason| {
                    failed(&path, format!("{reason}; remove the file to begin anew"))
                })?
            }
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                clean::clean(&folder, SystemTime::now());
                Kept::new(agent, id, seconds(SystemTime::now()))
            }
            Err(error) => return Err(failed(&path, format!("cannot be read: {error}"))),
        };
        Ok(Self {
            folder,
            path,
            name,
            kept,
            _lock: lock,
        })
    }

    /// Writes what is kept. Readers see the old file or the new one, whole.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        use io::Write as _;
        let failed = |reason: String| Failure::State {
            path: self.path.clone(),
            reason,
        };
        let bytes = self.kept.to_bytes().map_err(failed)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(failed(format!(
                "would have more than {MOST_BYTES} bytes; begin another conversation"
            )));
        }
        // Not synced to the disk: a machine that stops may leave a damaged file, with which every call of this conversation is denied.
        let write = || -> io::Result<()> {
            let mut file = self.folder.passing(0o600)?;
            file.write_all(&bytes)?;
            file.persist(&self.name)
        };
        write().map_err(|error| failed(format!("cannot be written: {error}")))
    }
}

pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

pub(crate) fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
