//! A lock that other users cannot hold.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, Mode, fchmod, flock},
    io::Errno,
};

use super::{Access, FileError, Folder};

/// An exclusive lock. It is released on drop and when the process ends.
///
/// The system lets any user lock a file that they can open, even for reading. So the lock is a file of its own that only its owner can
/// open.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes the lock `name` in a folder. Waits at most `patience` for its holder.
    ///
    /// # Errors
    ///
    /// Another process holds it, the file is another user's, or the system fails.
    pub fn take(
        folder: &Folder,
        name: impl AsRef<Path>,
        patience: Duration,
    ) -> Result<Self, LockError> {
        let file = folder.open_or_create(name, 0o600)?;
        let access = Access::of(&file)?;
        // The folder's owner controls it anyway; that covers root working in a user's folder.
        if !access.is_own() && access.owner != folder.access()?.owner {
            return Err(LockError::Foreign(access));
        }
        if access.mode & 0o077 != 0 {
            fchmod(&file, Mode::RUSR | Mode::WUSR).map_err(io::Error::from)?;
        }
        let mut lock = Self(file);
        if let Err(mut error) = self::lock(&lock.0, patience) {
            if let LockError::Busy { holder } = &mut error {
                let mut text = String::new();
                let _ = (&lock.0).take(20).read_to_string(&mut text);
                *holder = text.trim().parse().ok();
            }
            return Err(error);
        }
        // The next process names the holder in its error. On a full disk it cannot, and that is no failure.
        let file = &mut lock.0;
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(lock)
    }
}

/// Locks an open file until it is closed. Waits at most `patience` for the holder. Any user who can open the file can hold its lock: the
/// caller checks who that is.
///
/// # Errors
///
/// Another process holds it, or the system fails.
pub fn lock(file: &File, patience: Duration) -> Result<(), LockError> {
    let begin = Instant::now();
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK | Errno::INTR) if begin.elapsed() < patience => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(Errno::WOULDBLOCK | Errno::INTR) => return Err(LockError::Busy { holder: None }),
            Err(error) => return Err(LockError::File(io::Error::from(error).into())),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that was just forked still has it open until it executes another program.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// A lock was not taken.
#[derive(Debug)]
pub enum LockError {
    /// Another process holds it.
    Busy {
        /// Its id, if it wrote one.
        holder: Option<u32>,
    },
    /// The lock file is another user's.
    Foreign(Access),
    /// The file cannot be used.
    File(FileError),
}

impl From<FileError> for LockError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        Self::File(error.into())
    }
}
