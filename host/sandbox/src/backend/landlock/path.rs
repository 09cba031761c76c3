//! Paths and texts between `fork` and `exec`, where nothing is allocated.

use std::ffi::CStr;

use rustix::io::Errno;

use super::sys;

/// Bytes of a path, its end included: what the kernel takes.
pub(super) const PATH_BYTES: usize = 4096;
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

    /// A path of these bytes.
    pub(super) fn from_bytes(from: &[u8]) -> Result<Self, Errno> {
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

    pub(super) fn text(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }
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
    pub(super) fn new() -> Self {
        Self {
            bytes: [0; 48],
            len: 0,
        }
    }

    /// Parts that do not fit are left out; none of ours is that long.
    pub(super) fn push(&mut self, part: &[u8]) {
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

    pub(super) fn number(&mut self, number: u32) {
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

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(super) fn c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }
}
