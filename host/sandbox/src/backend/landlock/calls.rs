//! The calls that init makes in the place of a command.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, Timespec, Timestamps};
use rustix::io::Errno;

use super::filter::FCHMODAT2;
use super::lookup::{self, Caller, Path, Target};
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

/// The descriptor that stands for the working folder.
const HERE: u64 = libc::AT_FDCWD as u64;

/// What a call asks for, whatever its form.
enum Ask {
    Open {
        folder: u64,
        path: u64,
        flags: u64,
        mode: u64,
    },
    Folder {
        folder: u64,
        path: u64,
        mode: u64,
    },
    Node {
        folder: u64,
        path: u64,
        mode: u64,
        device: u64,
    },
    Symlink {
        target: u64,
        folder: u64,
        path: u64,
    },
    Link {
        from: (u64, u64),
        to: (u64, u64),
        flags: u64,
    },
    Rename {
        from: (u64, u64),
        to: (u64, u64),
        flags: u64,
    },
    Remove {
        folder: u64,
        path: u64,
        flags: u64,
    },
    Truncate {
        path: u64,
        length: u64,
    },
    Mode {
        folder: u64,
        path: u64,
        mode: u64,
        flags: u64,
    },
    ModeOpen {
        file: u64,
        mode: u64,
    },
    Times {
        folder: u64,
        path: u64,
        times: Times,
        flags: u64,
    },
}

/// Where the times of a call lie, and in which form.
enum Times {
    Nanoseconds(u64),
    Microseconds(u64),
    Seconds(u64),
}

fn ask(notice: &Notice) -> Option<Ask> {
    let [a, b, c, d, e, _] = notice.args;
    let call = libc::c_long::from(notice.nr);
    #[cfg(target_arch = "x86_64")]
    {
        const CREATE: u64 = (libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC) as u64;
        let older = match call {
            libc::SYS_open => Some(Ask::Open {
                folder: HERE,
                path: a,
                flags: b,
                mode: c,
            }),
            libc::SYS_creat => Some(Ask::Open {
                folder: HERE,
                path: a,
                flags: CREATE,
                mode: b,
            }),
            libc::SYS_mkdir => Some(Ask::Folder {
                folder: HERE,
                path: a,
                mode: b,
            }),
            libc::SYS_mknod => Some(Ask::Node {
                folder: HERE,
                path: a,
                mode: b,
                device: c,
            }),
            libc::SYS_symlink => Some(Ask::Symlink {
                target: a,
                folder: HERE,
                path: b,
            }),
            libc::SYS_link => Some(Ask::Link {
                from: (HERE, a),
                to: (HERE, b),
                flags: 0,
            }),
            libc::SYS_rename => Some(Ask::Rename {
                from: (HERE, a),
                to: (HERE, b),
                flags: 0,
            }),
            libc::SYS_unlink => Some(Ask::Remove {
                folder: HERE,
                path: a,
                flags: 0,
            }),
            libc::SYS_rmdir => Some(Ask::Remove {
                folder: HERE,
                path: a,
                flags: libc::AT_REMOVEDIR as u64,
            }),
            libc::SYS_chmod => Some(Ask::Mode {
                folder: HERE,
                path: a,
                mode: b,
                flags: 0,
            }),
            libc::SYS_utime => Some(Ask::Times {
                folder: HERE,
                path: a,
                times: Times::Seconds(b),
                flags: 0,
            }),
            libc::SYS_utimes => Some(Ask::Times {
                folder: HERE,
                path: a,
                times: Times::Microseconds(b),
                flags: 0,
            }),
            libc::SYS_futimesat => Some(Ask::Times {
                folder: a,
                path: b,
                times: Times::Microseconds(c),
                flags: 0,
            }),
            _ => None,
        };
        if older.is_some() {
            return older;
        }
    }
    Some(match call {
        libc::SYS_openat => Ask::Open {
            folder: a,
            path: b,
            flags: c,
            mode: d,
        },
        libc::SYS_mkdirat => Ask::Folder {
            folder: a,
            path: b,
            mode: c,
        },
        libc::SYS_mknodat => Ask::Node {
            folder: a,
            path: b,
            mode: c,
            device: d,
        },
        libc::SYS_symlinkat => Ask::Symlink {
            target: a,
            folder: b,
            path: c,
        },
        libc::SYS_linkat => Ask::Link {
            from: (a, b),
            to: (c, d),
            flags: e,
        },
        libc::SYS_renameat => Ask::Rename {
            from: (a, b),
            to: (c, d),
            flags: 0,
        },
        libc::SYS_renameat2 => Ask::Rename {
            from: (a, b),
            to: (c, d),
            flags: e,
        },
        libc::SYS_unlinkat => Ask::Remove {
            folder: a,
            path: b,
            flags: c,
        },
        libc::SYS_truncate => Ask::Truncate { path: a, length: b },
        libc::SYS_fchmod => Ask::ModeOpen { file: a, mode: b },
        libc::SYS_fchmodat => Ask::Mode {
            folder: a,
            path: b,
            mode: c,
            flags: 0,
        },
        FCHMODAT2 => Ask::Mode {
            folder: a,
            path: b,
            mode: c,
            flags: d,
        },
        libc::SYS_utimensat => Ask::Times {
            folder: a,
            path: b,
            times: Times::Nanoseconds(c),
            flags: d,
        },
        _ => return None,
    })
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

#[allow(
    clippy::cast_possible_truncation,
    reason = "the kernel takes the low half of these arguments too"
)]
fn bits(argument: u64) -> u32 {
    argument as u32
}

fn mode_of(argument: u64) -> Mode {
    Mode::from_bits_retain(bits(argument) & 0o7777)
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

impl Times {
    fn read(self, pid: u32) -> Result<Timestamps, Errno> {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: libc::UTIME_NOW,
        };
        let (address, size) = match self {
            Self::Nanoseconds(address) | Self::Microseconds(address) => (address, 32),
            Self::Seconds(address) => (address, 16),
        };
        if address == 0 {
            return Ok(Timestamps {
                last_access: now,
                last_modification: now,
            });
        }
        let mut raw = [0; 32];
        lookup::read_all(pid, address, raw.get_mut(..size).unwrap_or_default())?;
        let word = |at: usize| {
            raw.get(at * 8..at * 8 + 8)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, i64::from_ne_bytes)
        };
        let time = |seconds, nanoseconds| Timespec {
            tv_sec: seconds,
            tv_nsec: nanoseconds,
        };
        let micro = |value: i64| value.checked_mul(1000).ok_or(Errno::INVAL);
        let (last_access, last_modification) = match self {
            Self::Nanoseconds(_) => (time(word(0), word(1)), time(word(2), word(3))),
            Self::Microseconds(_) => (
                time(word(0), micro(word(1))?),
                time(word(2), micro(word(3))?),
            ),
            Self::Seconds(_) => (time(word(0), 0), time(word(1), 0)),
        };
        Ok(Timestamps {
            last_access,
            last_modification,
        })
    }
}

/// Opens a file for writing, or makes it.
#[allow(clippy::too_many_arguments, reason = "all that an opening is about")]
fn open(
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
        let found = match lookup::descriptor_of(&path, caller) {
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
            path = Path::of_link(&target)?;
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
