//! Reading a log line by line, with memory for one line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

/// The longest line, in bytes, without its newline. A record has at most two members of [`MAX_MEMBER_BYTES`](crate::MAX_MEMBER_BYTES), of which
/// each byte can become six.
pub(crate) const MAX_LINE_BYTES: usize = 8 << 20;

/// The lines of one file.
pub(crate) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    /// How many were read.
    number: u64,
    next: u64,
}

/// A line, and whether it ends as a line does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Where it begins, in bytes.
    pub(crate) offset: u64,
    /// Without the newline. If it is too long, its beginning.
    pub(crate) text: &'a [u8],
    /// Whether a newline follows.
    pub(crate) is_whole: bool,
    /// Set if it is longer than any record: how many bytes it has without the newline, and their SHA-256.
    pub(crate) too_long: Option<u64>,
}

impl Lines<BufReader<File>> {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::new(BufReader::with_capacity(
            256 << 10,
            File::open(path)?,
        )))
    }
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
            number: 0,
            next: 0,
        }
    }

    /// How many lines were read.
    pub(crate) fn read(&self) -> u64 {
        self.number
    }

    /// Where the next line begins.
    pub(crate) fn next_offset(&self) -> u64 {
        self.next
    }

    /// The next line; None at the end. Lines that are too long go into `garbage` in pieces.
    pub(crate) fn next(&mut self, garbage: &mut Garbage) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let offset = self.next;
        let mut length: u64 = 0;
        let mut streamed = false;
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                break;
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = available
                .get(..end.unwrap_or(available.len()))
                .unwrap_or_default();
            length += part.len() as u64;
            if streamed {
                garbage.push(part);
            } else {
                self.line.extend_from_slice(part);
                if self.line.len() > MAX_LINE_BYTES {
                    garbage.begin_line();
                    garbage.push(&self.line);
                    streamed = true;
                }
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            self.next += used as u64;
            if end.is_some() {
                self.number += 1;
                return Ok(Some(Line {
                    number: self.number,
                    offset,
                    text: &self.line,
                    is_whole: true,
                    too_long: streamed.then_some(length),
                }));
            }
        }
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(Line {
            number: self.number,
            offset,
            text: &self.line,
            is_whole: false,
            too_long: streamed.then_some(length),
        }))
    }
}

/// Consecutive lines that are not records: their size and digest, without the newline before the next record.
#[derive(Clone, Default)]
pub(crate) struct Garbage {
    hasher: Sha256,
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
}

impl Garbage {
    /// A newline between the lines.
    pub(crate) fn begin_line(&mut self) {
        if self.lines > 0 {
            self.push(b"\n");
        }
        self.lines += 1;
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        self.hasher.clone().finalize().into()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines == 0
    }
}

impl std::fmt::Debug for Garbage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Garbage")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// A file of a log cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`: {source}", .path.display())]
#[non_exhaustive]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// The cause.
    pub source: io::Error,
}
