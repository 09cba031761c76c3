//! Opening for writing: what a path leads to, through links that end nowhere, or a new file.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, OFlags};
use rustix::io::Errno;

use super::super::caller::Caller;
use super::super::lookup::{self, Target};
use super::super::path::Path;
use super::super::sys::{self, Notice};
use super::Done;
use super::ask::{bits, mode_of};
use crate::workspace::Shield;

/// Opens a file for writing, or makes it.
#[allow(clippy::too_many_arguments, reason = "all that an opening is about")]
pub(super) fn open(
    shield: &Shield,
    caller: &Caller,
    notice: &Notice,
    listener: BorrowedFd<'_>,
    base: &OwnedFd,
    path: &Path,
    flags: u64,
    mode: u64,
) -> Result<Done, Errno> {
    let flags = OFlags::from_bits_retain(bits(flags));
    let close_on_exec = flags.contains(OFlags::CLOEXEC);
    let own = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
    let mut path = *path;
    let mut base = rustix::io::dup(base)?;
    // As many links as the kernel follows.
    for _ in 0..40 {
        let found = match caller.descriptor_of(&path) {
            Some(number) => caller.file(number),
            None => lookup::existing(&base, &path, flags.contains(OFlags::NOFOLLOW)),
        };
        match found {
            Ok(found) => {
                if flags.contains(OFlags::CREATE | OFlags::EXCL) {
                    return Err(Errno::EXIST);
                }
                return open_existing(shield, notice, listener, found.as_fd(), own).map(|file| {
                    file.map_or(Done::Elsewhere, |file| Done::File(file, close_on_exec))
                });
            }
            Err(Errno::NOENT) if flags.contains(OFlags::CREATE) => {}
            // A link to something of the caller's own, such as `/dev/stdout`.
            Err(Errno::LOOP) if !flags.contains(OFlags::NOFOLLOW) => {}
            Err(error) => return Err(error),
        }
        let target = Target::find(&base, &path, Errno::ISDIR)?;
        if target.is_link().unwrap_or(false) {
            if flags.contains(OFlags::CREATE | OFlags::EXCL) {
                return Err(Errno::EXIST);
            }
            if flags.contains(OFlags::NOFOLLOW) {
                return Err(Errno::LOOP);
            }
            path = target.link()?;
            base = lookup::start(&path, &target.folder)?;
            continue;
        }
        if !flags.contains(OFlags::CREATE) {
            return Err(Errno::LOOP);
        }
        target.allowed(shield)?;
        rustix::process::umask(caller.umask()?);
        return match rustix::fs::openat(
            &target.folder,
            target.name(),
            own | OFlags::NOFOLLOW,
            mode_of(mode & 0o1777),
        ) {
            Ok(file) => Ok(Done::File(file, close_on_exec)),
            // It has just become a link.
            Err(Errno::LOOP) => continue,
            Err(error) => Err(error),
        };
    }
    Err(Errno::LOOP)
}

/// Opens what was found. None: another process does, because it may take long.
fn open_existing(
    shield: &Shield,
    notice: &Notice,
    listener: BorrowedFd<'_>,
    found: BorrowedFd<'_>,
    flags: OFlags,
) -> Result<Option<OwnedFd>, Errno> {
    let kind =
        FileType::from_raw_mode(rustix::fs::statat(found, c"", AtFlags::EMPTY_PATH)?.st_mode);
    if kind == FileType::Symlink {
        return Err(Errno::LOOP);
    }
    if kind == FileType::Directory {
        // A nameless file in it, or an error of the kernel's.
        if !flags.contains(OFlags::TMPFILE) {
            return Err(Errno::ISDIR);
        }
    }
    lookup::writable(shield, found)?;
    let flags = flags - (OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW);
    if kind == FileType::Fifo && !flags.contains(OFlags::NONBLOCK) {
        // Waits for whoever opens the other end.
        return match sys::fork()? {
            Some(_) => Ok(None),
            None => {
                let file = lookup::reopen(found, flags);
                let answered = match &file {
                    Ok(file) => sys::answer_file(
                        listener,
                        notice.id,
                        file.as_fd(),
                        flags.contains(OFlags::CLOEXEC),
                    ),
                    Err(error) => sys::answer(listener, notice.id, Err(*error)),
                };
                sys::exit(i32::from(answered.is_err()))
            }
        };
    }
    lookup::reopen(found, flags).map(Some)
}
