//! A lock that only who may write can hold.

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

/// An exclusive lock. It ends when it is dropped, and with the process.
///
/// The system gives a lock to everybody who can open the file, for reading too. So it lies on a file of its own, which only its owner can
/// open, and not on a folder or on something that others may read.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes the lock `name` in a folder, and waits at most so long for who holds it.
    ///
    /// # Errors
    /// Somebody holds it, the file is another user's, or the system fails.
    pub fn take(
        folder: &Folder,
        name: impl AsRef<Path>,
        patience: Duration,
    ) -> Result<Self, LockError> {
        let file = folder.open_or_create(name, 0o600)?;
        let access = Access::of(&file)?;
        // Whoever the folder belongs to can do there what they like; root comes by to help.
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
        // For the message of whoever comes second; on a full disk that has to do without.
        let file = &mut lock.0;
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(lock)
    }
}

/// Locks an open file, and waits at most so long for who holds its lock. It ends when the file is closed. Whoever can open the file can hold
/// its lock: the caller knows who that is.
///
/// # Errors
/// Somebody holds it, or the system fails.
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
        // Not left to the closing of the file: a child that was just forked has it too, until it becomes another program.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// A lock was not taken.
#[derive(Debug)]
pub enum LockError {
    /// Somebody holds it: this process, if they said so.
    Busy {
        /// The process.
        holder: Option<u32>,
    },
    /// Another user's file lies there.
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
