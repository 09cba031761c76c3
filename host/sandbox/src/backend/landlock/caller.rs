//! The process that made a call: where its paths begin, what it has open.

use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::path::{Path, Text};

/// How a folder or a file is held: without a right to its content.
pub(super) const HOLD: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// The process that made a call.
pub(super) struct Caller {
    pid: u32,
    folder: OwnedFd,
}

impl Caller {
    pub(super) fn of(pid: u32) -> Result<Self, Errno> {
        let mut text = Text::new();
        text.push(b"/proc/");
        text.number(pid);
        Ok(Self {
            pid,
            folder: rustix::fs::openat(CWD, text.c_str(), HOLD | OFlags::DIRECTORY, Mode::empty())?,
        })
    }

    /// Where the lookup of a path begins.
    pub(super) fn base(&self, folder: u64, path: &Path) -> Result<OwnedFd, Errno> {
        if path.text().first() == Some(&b'/') {
            return rustix::fs::openat(CWD, c"/", HOLD | OFlags::DIRECTORY, Mode::empty());
        }
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the kernel takes the low half too"
        )]
        let number = folder as i32;
        if number == libc::AT_FDCWD {
            return rustix::fs::openat(
                &self.folder,
                c"cwd",
                HOLD | OFlags::DIRECTORY,
                Mode::empty(),
            );
        }
        self.file(folder)
    }

    /// An open file of the process, held without a right to its content.
    pub(super) fn file(&self, number: u64) -> Result<OwnedFd, Errno> {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the kernel takes the low half too"
        )]
        let number = u32::try_from(number as i32).map_err(|_| Errno::BADF)?;
        let mut text = Text::new();
        text.push(b"fd/");
        text.number(number);
        rustix::fs::openat(&self.folder, text.c_str(), HOLD, Mode::empty()).map_err(|error| {
            if error == Errno::NOENT {
                Errno::BADF
            } else {
                error
            }
        })
    }

    /// The bits that the process takes away from the modes of what it makes.
    pub(super) fn umask(&self) -> Result<Mode, Errno> {
        let status = rustix::fs::openat(
            &self.folder,
            c"status",
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let mut text = [0; 256];
        let read = rustix::io::read(&status, &mut text)?;
        let text = text.get(..read).ok_or(Errno::IO)?;
        const FIELD: &[u8] = b"\nUmask:\t";
        let at = text
            .windows(FIELD.len())
            .position(|window| window == FIELD)
            .ok_or(Errno::IO)?;
        let digits = text.get(at + FIELD.len()..).ok_or(Errno::IO)?;
        let mask = digits
            .iter()
            .take_while(|digit| (b'0'..=b'7').contains(digit))
            .fold(0, |mask, digit| (mask << 3) | u32::from(digit - b'0'));
        Ok(Mode::from_bits_retain(mask & 0o777))
    }

    /// The number of a descriptor of the process, if that is what a path names.
    pub(super) fn descriptor_of(&self, path: &Path) -> Option<u64> {
        let text = path.text();
        match text {
            b"/dev/stdin" => return Some(0),
            b"/dev/stdout" => return Some(1),
            b"/dev/stderr" => return Some(2),
            _ => {}
        }
        let mut own = Text::new();
        own.push(b"/proc/");
        own.number(self.pid);
        own.push(b"/fd/");
        let digits = [
            b"/dev/fd/".as_slice(),
            b"/proc/self/fd/",
            b"/proc/thread-self/fd/",
            own.bytes(),
        ]
        .iter()
        .find_map(|prefix| text.strip_prefix(*prefix))?;
        if digits.is_empty() || digits.len() > 9 {
            return None;
        }
        digits.iter().try_fold(0, |number: u64, digit| {
            digit
                .is_ascii_digit()
                .then(|| number * 10 + u64::from(digit - b'0'))
        })
    }
}
