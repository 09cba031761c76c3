//! A file gets its content as a whole, or keeps the one that it has.

use std::io::{self, Write};

use hexgate_agent::tool::ToolError;
use hexgate_base::disk::Passing;
use rustix::fs::{Access, AtFlags, Gid, Mode, Stat, Uid, accessat, fchmod, fchown, fstat};

use super::failure::{changed, of_system};
use super::target::Target;
use crate::blocking::Cancelled;

/// The permission bits of a new file, less the umask.
const NEW: u32 = 0o666;
/// A file that is written anew is nobody else's to read before it has the bits of the one that it replaces.
const HIDDEN: u32 = 0o600;
/// How much is written between two looks at whether the run was cancelled.
const PIECE: usize = 1024 * 1024;

impl Target<'_> {
    /// Writes the file. Readers see the old content or the new one, whole, also after a power failure; after an error nothing has changed.
    pub(super) fn put(mut self, content: &[u8], cancelled: &Cancelled) -> Result<(), ToolError> {
        let failed = |error: io::Error| of_system(&error, &self.shown);
        if self.before.is_some() {
            accessat(&self.folder, self.name, Access::WRITE_OK, AtFlags::empty())
                .map_err(|error| failed(error.into()))?;
        }
        let mode = if self.before.is_some() { HIDDEN } else { NEW };
        let mut file = self.folder.passing(mode).map_err(failed)?;
        for piece in content.chunks(PIECE) {
            cancelled.check()?;
            file.write_all(piece).map_err(failed)?;
        }
        if let Some(before) = &self.before {
            resemble(&file, before).map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        cancelled.check()?;
        match &self.before {
            Some(before) => {
                let now = self.folder.stat(self.name).map_err(failed)?;
                if !is_same(before, &now) {
                    return Err(changed(&self.shown));
                }
                file.persist(self.name).map_err(failed)?;
            }
            None => file.persist_new(self.name).map_err(failed)?,
        }
        self.made.keep();
        // The file is there. A disk that cannot promise to keep it says so, and not that nothing has changed.
        self.folder.sync().map_err(|error| {
            ToolError::new(
                "io",
                format!(
                    "`{}` was written, but the disk may lose it: {error}",
                    self.shown
                ),
            )
        })
    }
}

/// Gives a file the owner and the permission bits of the one that it replaces. Bits that lend the owner's rights are left out, as whenever
/// a file is written.
fn resemble(file: &Passing<'_>, before: &Stat) -> io::Result<()> {
    let now = fstat(&**file)?;
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid) {
        let (user, group) = (Uid::from_raw(before.st_uid), Gid::from_raw(before.st_gid));
        fchown(&**file, Some(user), Some(group))?;
    }
    let bits = Mode::from_raw_mode(before.st_mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO);
    Ok(fchmod(&**file, bits)?)
}

/// Whether nothing happened to a file between two looks.
pub(super) fn is_same(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino, a.st_size) == (b.st_dev, b.st_ino, b.st_size)
        && (a.st_mtime, a.st_mtime_nsec) == (b.st_mtime, b.st_mtime_nsec)
        && (a.st_ctime, a.st_ctime_nsec) == (b.st_ctime, b.st_ctime_nsec)
}
