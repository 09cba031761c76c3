//! The calls that init makes in the place of a command.

mod ask;
mod open;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use self::ask::{Ask, HERE, ask, bits, mode_of};
use self::open::open;
use super::caller::Caller;
use super::lookup::{self, Target};
use super::path::Path;
use super::sys::{self, Notice};
use crate::workspace::Shield;

/// What came of a call.
pub(super) enum Done {
    /// A value.
    Value(i64),
    /// An open file, and whether `exec` closes it.
    File(OwnedFd, bool),
    /// Another process answers, when it can.
    Elsewhere,
}

/// Makes the call of a notice.
pub(super) fn make(
    shield: &Shield,
    notice: &Notice,
    listener: BorrowedFd<'_>,
) -> Result<Done, Errno> {
    let caller = Caller::of(notice.pid)?;
    let ask = ask(notice).ok_or(Errno::NOSYS)?;
    // Everything that is read of the caller is read before this is asked, so that it is the caller's and not that of another process
    // which has its number by now.
    let waits = || sys::waits(listener, notice.id);
    match ask {
        Ask::Open {
            folder,
            path,
            flags,
            mode,
        } => {
            let path = Path::read(notice.pid, path)?;
            let base = caller.base(folder, &path)?;
            waits()?;
            open(shield, &caller, notice, listener, &base, &path, flags, mode)
        }
        Ask::Folder { folder, path, mode } => {
            let path = Path::read(notice.pid, path)?;
            let base = caller.base(folder, &path)?;
            let umask = caller.umask()?;
            waits()?;
            let target = Target::find(&base, &path, Errno::EXIST)?;
            target.allowed(shield)?;
            rustix::process::umask(umask);
            rustix::fs::mkdirat(&target.folder, target.name(), mode_of(mode)).map(value)
        }
        Ask::Node {
            folder,
            path,
            mode,
            device,
        } => {
            let path = Path::read(notice.pid, path)?;
            let base = caller.base(folder, &path)?;
            let umask = caller.umask()?;
            waits()?;
            let kind = FileType::from_raw_mode(bits(mode));
            if !matches!(kind, FileType::Fifo | FileType::RegularFile)
                && bits(mode) & 0o170_000 != 0
            {
                return Err(Errno::PERM);
            }
            let kind = if kind == FileType::Fifo {
                FileType::Fifo
            } else {
                FileType::RegularFile
            };
            let target = Target::find(&base, &path, Errno::EXIST)?;
            target.allowed(shield)?;
            rustix::process::umask(umask);
            rustix::fs::mknodat(&target.folder, target.name(), kind, mode_of(mode), device)
                .map(value)
        }
        Ask::Symlink {
            target: text,
            folder,
            path,
        } => {
            let text = Path::read(notice.pid, text)?;
            let path = Path::read(notice.pid, path)?;
            let base = caller.base(folder, &path)?;
            waits()?;
            let target = Target::find(&base, &path, Errno::EXIST)?;
            target.allowed(shield)?;
            rustix::fs::symlinkat(text.c_str(), &target.folder, target.name()).map(value)
        }
        Ask::Link { from, to, flags } => {
            let (old, new) = (
                Path::read(notice.pid, from.1)?,
                Path::read(notice.pid, to.1)?,
            );
            let (old_base, new_base) = (caller.base(from.0, &old)?, caller.base(to.0, &new)?);
            waits()?;
            if flags & !(libc::AT_SYMLINK_FOLLOW as u64) != 0 {
                return Err(Errno::PERM);
            }
            let source = Target::find(&old_base, &old, Errno::PERM)?;
            source.allowed(shield)?;
            if flags != 0 && source.is_link()? {
                return Err(Errno::PERM);
            }
            let target = Target::find(&new_base, &new, Errno::EXIST)?;
            target.allowed(shield)?;
            rustix::fs::linkat(
                &source.folder,
                source.name(),
                &target.folder,
                target.name(),
                AtFlags::empty(),
            )
            .map(value)
        }
        Ask::Rename { from, to, flags } => {
            let (old, new) = (
                Path::read(notice.pid, from.1)?,
                Path::read(notice.pid, to.1)?,
            );
            let (old_base, new_base) = (caller.base(from.0, &old)?, caller.base(to.0, &new)?);
            waits()?;
            let source = Target::find(&old_base, &old, Errno::BUSY)?;
            source.allowed(shield)?;
            source.movable(shield)?;
            let target = Target::find(&new_base, &new, Errno::BUSY)?;
            target.allowed(shield)?;
            target.movable(shield)?;
            // What is protected within a folder would not be, where all names are free. As between file systems, which these are if there
            // are namespaces.
            if source.is_temporary(shield)? != target.is_temporary(shield)? {
                return Err(Errno::XDEV);
            }
            rustix::fs::renameat_with(
                &source.folder,
                source.name(),
                &target.folder,
                target.name(),
                RenameFlags::from_bits_retain(bits(flags)),
            )
            .map(value)
        }
        Ask::Remove {
            folder,
            path,
            flags,
        } => {
            let path = Path::read(notice.pid, path)?;
            let base = caller.base(folder, &path)?;
            waits()?;
            let target = Target::find(&base, &path, Errno::BUSY)?;
            target.allowed(shield)?;
            target.movable(shield)?;
            rustix::fs::unlinkat(
                &target.folder,
                target.name(),
                AtFlags::from_bits_retain(bits(flags)),
            )
            .map(value)
        }
        Ask::Truncate { path, length } => {
            let path = Path::read(notice.pid, path)?;
            let base = caller.base(HERE, &path)?;
            waits()?;
            let found = lookup::existing(&base, &path, false)?;
            lookup::writable(shield, found.as_fd())?;
            lookup::regular(found.as_fd())?;
            let file = lookup::reopen(found.as_fd(), OFlags::WRONLY | OFlags::CLOEXEC)?;
            rustix::fs::ftruncate(&file, length).map(value)
        }
        Ask::Mode {
            folder,
            path,
            mode,
            flags,
        } => {
            let path = Path::read(notice.pid, path)?;
            let found = if path.is_empty() && flags & libc::AT_EMPTY_PATH as u64 != 0 {
                let found = caller.file(folder)?;
                waits()?;
                found
            } else {
                let base = caller.base(folder, &path)?;
                waits()?;
                lookup::existing(&base, &path, flags & libc::AT_SYMLINK_NOFOLLOW as u64 != 0)?
            };
            change_mode(shield, found.as_fd(), mode)
        }
        Ask::ModeOpen { file, mode } => {
            let found = caller.file(file)?;
            waits()?;
            change_mode(shield, found.as_fd(), mode)
        }
        Ask::Times {
            folder,
            path: at,
            times,
            flags,
        } => {
            let times = times.read(notice.pid)?;
            let found = if at == 0 {
                let found = caller.file(folder)?;
                waits()?;
                found
            } else {
                let path = Path::read(notice.pid, at)?;
                let base = caller.base(folder, &path)?;
                waits()?;
                lookup::existing(&base, &path, flags & libc::AT_SYMLINK_NOFOLLOW as u64 != 0)?
            };
            lookup::changeable(shield, found.as_fd())?;
            rustix::fs::utimensat(&found, c"", &times, AtFlags::EMPTY_PATH).map(value)
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the end of a call")]
fn value((): ()) -> Done {
    Done::Value(0)
}

fn change_mode(shield: &Shield, file: BorrowedFd<'_>, mode: u64) -> Result<Done, Errno> {
    lookup::changeable(shield, file)?;
    let found = rustix::fs::statat(file, c"", AtFlags::EMPTY_PATH)?;
    if FileType::from_raw_mode(found.st_mode) == FileType::Symlink {
        return Err(Errno::OPNOTSUPP);
    }
    // No program takes on the user or group of its file here, and none that is left behind should elsewhere.
    let mode = Mode::from_bits_retain(bits(mode) & 0o1777);
    let link = lookup::own_link(file);
    rustix::fs::chmodat(rustix::fs::CWD, link.c_str(), mode, AtFlags::empty()).map(value)
}
