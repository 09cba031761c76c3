//! A file of used approvals outside the database, for hosts whose database can be rewritten.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use hexgate_base::disk::{Access, Folder, LockError, lock};
use hexgate_bundle::Timestamp;

use crate::request::RequestId;

/// A file with one line for each used approval. It is only appended to, so an operator can enforce that (`chattr +a`): then a used approval
/// stays used, even if the database is rewritten.
#[derive(Debug, Clone)]
pub struct UsedApprovals {
    path: PathBuf,
}

impl UsedApprovals {
    /// The record at `path`. An empty file is an empty record. A missing file is an error and is never made here, so that removing it makes
    /// approvals fail instead of forgetting uses.
    ///
    /// # Errors
    ///
    /// If it cannot be read or appended to, or is another file.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, UsedApprovalsError> {
        let used_approvals = Self { path: path.into() };
        let mut file = used_approvals.file()?;
        used_approvals.read(&mut file)?;
        Ok(used_approvals)
    }

    /// Adds an approval.
    ///
    /// # Errors
    ///
    /// If it is recorded already, or cannot be written and synced. Then the tool must not run.
    pub(crate) fn add(&self, id: &RequestId, now: Timestamp) -> Result<(), UsedApprovalsError> {
        let mut file = self.file()?;
        self.lock(&file)?;
        let text = self.read(&mut file)?;
        let name = id.to_string();
        if text.lines().any(|line| line.starts_with(&name)) {
            return Err(UsedApprovalsError::Used(*id));
        }
        // A crash can leave half a line; end it first. Its approval was not used.
        let end = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        file.write_all(format!("{end}{name} {now}\n").as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|source| self.io(source))
    }

    /// Waits for other processes. The lock is held until the file is closed.
    fn lock(&self, file: &File) -> Result<(), UsedApprovalsError> {
        lock(file, PATIENCE).map_err(|error| match error {
            LockError::File(error) => self.io(error.into()),
            LockError::Busy { .. } | LockError::Foreign(_) => UsedApprovalsError::Busy {
                path: self.path.clone(),
            },
        })
    }

    fn file(&self) -> Result<File, UsedApprovalsError> {
        let open = || {
            let (folder, name) = Folder::of(&self.path)?;
            Ok(folder.append_to(name)?)
        };
        let file = open().map_err(|source| self.io(source))?;
        let access = Access::of(&file).map_err(|source| self.io(source))?;
        // A user who can read the file can hold its lock, so only those who may write it may read it.
        let readers = access.mode >> 1 & 0o022;
        if access.is_own_or_roots() && access.mode & 0o006 == 0 && readers & !access.mode == 0 {
            return Ok(file);
        }
        Err(UsedApprovalsError::Exposed {
            path: self.path.clone(),
            access,
        })
    }

    fn read(&self, file: &mut File) -> Result<String, UsedApprovalsError> {
        let mut text = String::new();
        file.take(MAX_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(|source| self.io(source))?;
        if text.len() as u64 > MAX_BYTES {
            return Err(
                self.invalid("it is full; begin a new one when no request is open any more")
            );
        }
        for line in text.lines() {
            // A crash can leave half a line.
            let whole = line.len() < LINE
                || line.split_once(' ').is_some_and(|(id, at)| {
                    id.parse::<RequestId>().is_ok() && at.parse::<Timestamp>().is_ok()
                });
            if !whole {
                return Err(self
                    .invalid("it has a line that is not a request's digest, a blank and a time"));
            }
        }
        Ok(text)
    }

    fn io(&self, source: io::Error) -> UsedApprovalsError {
        UsedApprovalsError::Io {
            path: self.path.clone(),
            source,
        }
    }

    fn invalid(&self, reason: &'static str) -> UsedApprovalsError {
        UsedApprovalsError::Invalid {
            path: self.path.clone(),
            reason,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The file of used approvals cannot be used, or lists the approval already.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsedApprovalsError {
    /// It cannot be read or written.
    #[error("cannot use the file of used approvals `{}`: {source}; no approval can be used before it is an appendable file again (an empty one to begin with)", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It is another file.
    #[error("`{}` is not a file of used approvals: {reason}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// Other users can change it, or hold its lock.
    #[error("the file of used approvals `{}` {access}: other users could change it or hold its lock; make it root's or your own, and run `chmod 600` on it", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Whose it is, and its permission bits.
        access: Access,
    },
    /// Another process keeps it locked.
    #[error("the file of used approvals `{}` is kept locked by another process; find out which, and try again", .path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The approval was used before.
    #[error(
        "the approval of request `{0}` was used already, according to the file of used approvals"
    )]
    Used(RequestId),
}

/// How long to wait for other processes.
const PATIENCE: Duration = Duration::from_secs(5);
/// A digest, a blank, a time.
const LINE: usize = 64 + 1 + 20;
/// 780,000 approvals.
const MAX_BYTES: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    /// Makes a file of used approvals as the operator does.
    fn write(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn id(digit: char) -> RequestId {
        digit.to_string().repeat(64).parse().unwrap()
    }

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_approval_is_added_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("used");
        assert!(matches!(
            UsedApprovals::open(&path),
            Err(UsedApprovalsError::Io { .. })
        ));
        write(&path, "");
        let used_approvals = UsedApprovals::open(&path).unwrap();
        used_approvals.add(&id('a'), now()).unwrap();
        used_approvals.add(&id('b'), now()).unwrap();
        let again = UsedApprovals::open(&path).unwrap().add(&id('a'), now());
        assert!(matches!(again, Err(UsedApprovalsError::Used(used)) if used == id('a')));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);

        fs::remove_file(&path).unwrap();
        assert!(matches!(
            used_approvals.add(&id('c'), now()),
            Err(UsedApprovalsError::Io { .. })
        ));
        assert!(
            !path.exists(),
            "a file of used approvals that is gone is not begun anew"
        );
    }

    #[test]
    fn a_line_that_was_cut_off_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("used");
        write(&path, &id('a').to_string()[..30]);
        let used_approvals = UsedApprovals::open(&path).unwrap();
        used_approvals.add(&id('a'), now()).unwrap();
        assert!(matches!(
            used_approvals.add(&id('a'), now()),
            Err(UsedApprovalsError::Used(_))
        ));
    }

    #[test]
    fn another_file_is_no_record_of_used_approvals() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("used");
        for bad in ["x".repeat(LINE), "ä".repeat(LINE), "x".repeat(1000)] {
            write(&path, &bad);
            assert!(matches!(
                UsedApprovals::open(&path),
                Err(UsedApprovalsError::Invalid { .. })
            ));
        }
        let link = folder.path().join("link");
        write(&path, "");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(
            UsedApprovals::open(&link),
            Err(UsedApprovalsError::Io { .. })
        ));
        assert!(matches!(
            UsedApprovals::open(folder.path()),
            Err(UsedApprovalsError::Io { .. })
        ));
    }

    #[test]
    fn a_record_of_used_approvals_whose_lock_others_can_hold_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("used");
        write(&path, "");
        for (mode, is_fine) in [
            (0o600, true),
            (0o660, true),
            (0o620, true),
            (0o640, false),
            (0o644, false),
            (0o604, false),
            (0o602, false),
            (0o666, false),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let opened = UsedApprovals::open(&path);
            assert_eq!(opened.is_ok(), is_fine, "{mode:o}");
            if let Err(error) = opened {
                assert!(matches!(error, UsedApprovalsError::Exposed { .. }));
                assert!(error.to_string().contains("chmod 600"), "{error}");
            }
        }
    }
}
