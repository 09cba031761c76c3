//! Paths of a command, looked up by init: read once, resolved once, held by descriptors.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::sys;
use crate::workspace::Shield;

/// Bytes of a path, its end included: what the kernel takes.
const PATH_BYTES: usize = 4096;
/// The file system of `/proc`. What lies there is of the process that looks, which here is the wrong one.
const PROC_MAGIC: i64 = 0x9fa0;
/// How a folder or a file is held: without a right to its content.
const HOLD: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// A path of a command: bytes up to a zero.
#[derive(Clone, Copy)]
pub(super) struct Path {
    bytes: [u8; PATH_BYTES],
    len: usize,
}

impl Path {
    /// Reads a path out of the memory of a process.
    pub(super) fn read(pid: u32, address: u64) -> Result<Self, Errno> {
        let mut path = Self {
            bytes: [0; PATH_BYTES],
            len: 0,
        };
        while path.len < PATH_BYTES {
            let free = path.bytes.get_mut(path.len..).ok_or(Errno::NAMETOOLONG)?;
            let at = address.checked_add(path.len as u64).ok_or(Errno::FAULT)?;
            let read = sys::read_memory(pid, at, free)?;
            let new = free.get(..read).ok_or(Errno::FAULT)?;
            match new.iter().position(|byte| *byte == 0) {
                Some(end) => {
                    path.len += end;
                    return Ok(path);
                }
                None if read == 0 => return Err(Errno::FAULT),
                None => path.len += read,
            }
        }
        Err(Errno::NAMETOOLONG)
    }

    fn from_bytes(from: &[u8]) -> Result<Self, Errno> {
        let mut path = Self {
            bytes: [0; PATH_BYTES],
            len: from.len(),
        };
        // One byte stays for the end.
        if from.len() >= PATH_BYTES {
            return Err(Errno::NAMETOOLONG);
        }
        for (to, from) in path.bytes.iter_mut().zip(from) {
            *to = *from;
        }
        Ok(path)
    }

    /// What a link says.
    pub(super) fn of_link(target: &Target) -> Result<Self, Errno> {
        let mut bytes = [0; PATH_BYTES];
        let read = rustix::fs::readlinkat_raw(&target.folder, target.name(), &mut bytes[..])?;
        Self::from_bytes(bytes.get(..read).unwrap_or_default())
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }
}

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
}

/// A name in a folder that is held.
pub(super) struct Target {
    pub(super) folder: OwnedFd,
    name: Path,
}

impl Target {
    /// Finds the folder of a path, following links. `not_a_name` is the error for a path that ends in no name, such as `..`.
    pub(super) fn find(base: &OwnedFd, path: &Path, not_a_name: Errno) -> Result<Self, Errno> {
        let text = path.text();
        if text.is_empty() {
            return Err(Errno::NOENT);
        }
        let trimmed = text
            .iter()
            .rposition(|byte| *byte != b'/')
            .map_or(0, |last| last + 1);
        let trimmed = text.get(..trimmed).unwrap_or_default();
        let start = trimmed
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |slash| slash + 1);
        // A slash at the end stays with the name: the kernel knows what it means for each call.
        let name = text.get(start..).unwrap_or_default();
        if matches!(trimmed.get(start..), Some(b"" | b"." | b"..") | None) {
            return Err(not_a_name);
        }
        let above = match text.get(..start) {
            Some(above) if !above.is_empty() => Path::from_bytes(above)?,
            _ => Path::from_bytes(b".")?,
        };
        let folder = rustix::fs::openat2(
            base,
            above.c_str(),
            HOLD | OFlags::DIRECTORY,
            Mode::empty(),
            ResolveFlags::NO_MAGICLINKS,
        )?;
        not_of_a_process(folder.as_fd())?;
        Ok(Self {
            folder,
            name: Path::from_bytes(name)?,
        })
    }

    /// The name, with the slashes that stood behind it.
    pub(super) fn name(&self) -> &CStr {
        self.name.c_str()
    }

    fn bare_name(&self) -> &[u8] {
        let text = self.name.text();
        let end = text
            .iter()
            .position(|byte| *byte == b'/')
            .unwrap_or(text.len());
        text.get(..end).unwrap_or_default()
    }

    /// Whether it may be written.
    pub(super) fn allowed(&self, shield: &Shield) -> Result<(), Errno> {
        let mut buffer = [0; PATH_BYTES];
        let folder = place(self.folder.as_fd(), &mut buffer)?;
        if shield.covers(folder, self.bare_name()) {
            return Err(Errno::ACCESS);
        }
        Ok(())
    }

    /// Whether it may be moved or removed: nothing that is protected by its path lies beneath it.
    pub(super) fn movable(&self, shield: &Shield) -> Result<(), Errno> {
        let mut buffer = [0; PATH_BYTES];
        let folder = place(self.folder.as_fd(), &mut buffer)?;
        if shield.holds(folder, self.bare_name()) {
            return Err(Errno::ACCESS);
        }
        Ok(())
    }

    /// Whether it lies where all names are free.
    pub(super) fn is_temporary(&self, shield: &Shield) -> Result<bool, Errno> {
        let mut buffer = [0; PATH_BYTES];
        Ok(shield.is_temporary(place(self.folder.as_fd(), &mut buffer)?))
    }

    /// Whether it is a link.
    pub(super) fn is_link(&self) -> Result<bool, Errno> {
        let found = rustix::fs::statat(&self.folder, self.name(), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(found.st_mode) == FileType::Symlink)
    }
}

/// Holds what a path leads to, following links but for those of `/proc`.
pub(super) fn existing(base: &OwnedFd, path: &Path, no_follow: bool) -> Result<OwnedFd, Errno> {
    let flags = if no_follow {
        HOLD | OFlags::NOFOLLOW
    } else {
        HOLD
    };
    let found = rustix::fs::openat2(
        base,
        path.c_str(),
        flags,
        Mode::empty(),
        ResolveFlags::NO_MAGICLINKS,
    )?;
    not_of_a_process(found.as_fd())?;
    Ok(found)
}

/// Where the lookup of what a link says begins.
pub(super) fn start(path: &Path, folder: &OwnedFd) -> Result<OwnedFd, Errno> {
    if path.text().first() == Some(&b'/') {
        rustix::fs::openat(CWD, c"/", HOLD | OFlags::DIRECTORY, Mode::empty())
    } else {
        rustix::io::dup(folder)
    }
}

fn not_of_a_process(file: BorrowedFd<'_>) -> Result<(), Errno> {
    #[allow(clippy::useless_conversion, reason = "other systems have other widths")]
    if i64::from(rustix::fs::fstatfs(file)?.f_type) == PROC_MAGIC {
        return Err(Errno::ACCESS);
    }
    Ok(())
}

/// Whether an open file may be written, by where it lies.
pub(super) fn writable(shield: &Shield, file: BorrowedFd<'_>) -> Result<(), Errno> {
    not_of_a_process(file)?;
    let mut buffer = [0; PATH_BYTES];
    let path = place(file, &mut buffer)?;
    if path.first() != Some(&b'/') {
        // A pipe or a socket.
        return Ok(());
    }
    let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let folder = path.get(..slash.max(1)).unwrap_or_default();
    let name = path.get(slash + 1..).unwrap_or_default();
    if shield.covers(folder, name) && !shield.roots.iter().any(|root| root == path) {
        return Err(Errno::ACCESS);
    }
    Ok(())
}

/// Whether the mode and the times of an open file may be changed: landlock has no rule for them, so only what may be written is.
pub(super) fn changeable(shield: &Shield, file: BorrowedFd<'_>) -> Result<(), Errno> {
    writable(shield, file)?;
    let mut buffer = [0; PATH_BYTES];
    let path = place(file, &mut buffer)?;
    if path.first() == Some(&b'/') && !shield.reaches(path) {
        return Err(Errno::PERM);
    }
    Ok(())
}

/// Refuses what is no regular file.
pub(super) fn regular(file: BorrowedFd<'_>) -> Result<(), Errno> {
    let found = rustix::fs::statat(file, c"", AtFlags::EMPTY_PATH)?;
    match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Errno::ISDIR),
        _ => Err(Errno::INVAL),
    }
}

/// Opens what is held.
pub(super) fn reopen(file: BorrowedFd<'_>, flags: OFlags) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(
        CWD,
        own_link(file).c_str(),
        flags,
        Mode::from_bits_retain(0o600),
    )
}

/// Where a file lies, as the kernel says it.
fn place<'a>(file: BorrowedFd<'_>, buffer: &'a mut [u8; PATH_BYTES]) -> Result<&'a [u8], Errno> {
    let read = rustix::fs::readlinkat_raw(CWD, own_link(file).c_str(), &mut buffer[..])?;
    match buffer.get(..read) {
        Some(text) if read < PATH_BYTES => Ok(text),
        _ => Err(Errno::NAMETOOLONG),
    }
}

/// The link in `/proc` to a file that this process has open.
pub(super) fn own_link(file: BorrowedFd<'_>) -> Text {
    let mut text = Text::new();
    text.push(b"/proc/self/fd/");
    text.number(file.as_raw_fd().unsigned_abs());
    text
}

/// The number of a descriptor of the caller, if that is what a path names.
pub(super) fn descriptor_of(path: &Path, caller: &Caller) -> Option<u64> {
    let text = path.text();
    match text {
        b"/dev/stdin" => return Some(0),
        b"/dev/stdout" => return Some(1),
        b"/dev/stderr" => return Some(2),
        _ => {}
    }
    let mut own = Text::new();
    own.push(b"/proc/");
    own.number(caller.pid);
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

/// Reads all of a buffer out of the memory of a process.
pub(super) fn read_all(pid: u32, address: u64, buffer: &mut [u8]) -> Result<(), Errno> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let at = address.checked_add(done as u64).ok_or(Errno::FAULT)?;
        match sys::read_memory(pid, at, rest)? {
            0 => return Err(Errno::FAULT),
            read => done += read,
        }
    }
    Ok(())
}

/// A short text that is put together without an allocation.
pub(super) struct Text {
    bytes: [u8; 48],
    len: usize,
}

impl Text {
    fn new() -> Self {
        Self {
            bytes: [0; 48],
            len: 0,
        }
    }

    /// Parts that do not fit are left out; none of ours is that long.
    fn push(&mut self, part: &[u8]) {
        let end = self.bytes.len() - 1;
        for byte in part {
            if self.len < end
                && let Some(to) = self.bytes.get_mut(self.len)
            {
                *to = *byte;
                self.len += 1;
            }
        }
    }

    fn number(&mut self, number: u32) {
        let mut divisor = 1_000_000_000;
        let mut begun = false;
        while divisor > 0 {
            let digit = number / divisor % 10;
            begun |= digit != 0 || divisor == 1;
            if begun {
                self.push(&[b'0' + u8::try_from(digit).unwrap_or(0)]);
            }
            divisor /= 10;
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(super) fn c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }
}
