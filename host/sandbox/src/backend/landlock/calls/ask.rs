//! What a call asks for, in whichever of its forms.

use rustix::fs::{Mode, Timespec, Timestamps};
use rustix::io::Errno;

use super::super::filter::FCHMODAT2;
use super::super::path;
use super::super::sys::Notice;

/// The descriptor that stands for the working folder.
pub(super) const HERE: u64 = libc::AT_FDCWD as u64;

/// What a call asks for, whatever its form. Numbers are as the caller gave them: descriptors, addresses in its memory, flags.
pub(super) enum Ask {
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
pub(super) enum Times {
    Nanoseconds(u64),
    Microseconds(u64),
    Seconds(u64),
}

/// What a notice is about. None: a call that is not made here.
pub(super) fn ask(notice: &Notice) -> Option<Ask> {
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

/// A number of 32 bits.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the kernel takes the low half of these arguments too"
)]
pub(super) fn bits(argument: u64) -> u32 {
    argument as u32
}

/// A mode.
pub(super) fn mode_of(argument: u64) -> Mode {
    Mode::from_bits_retain(bits(argument) & 0o7777)
}

impl Times {
    /// Reads them out of the memory of a process.
    pub(super) fn read(self, pid: u32) -> Result<Timestamps, Errno> {
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
        path::read_all(pid, address, raw.get_mut(..size).unwrap_or_default())?;
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
