//! Follows a log that is being written.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use hexgate_bundle::Digest;

use super::{
    aside,
    cursor::{Last, Place},
};
use crate::{
    chain::{Framed, Head},
    entry::{Decision, Entry},
    folder,
    reader::MAX_LINE_BYTES,
};

/// The whole lines of a log from a place on.
pub(super) struct Tail {
    log: PathBuf,
    at: Place,
    file: Option<BufReader<File>>,
    /// The beginning of a line that is not complete yet.
    line: Vec<u8>,
    /// The last complete record.
    taken: Vec<u8>,
}

/// The next record of a log.
pub(super) struct Item {
    pub(super) head: Head,
    /// None: it is no decision.
    pub(super) decision: Option<Box<Decision>>,
    /// The place after it.
    pub(super) behind: Place,
    /// Whether this version does not know its kind.
    pub(super) is_unreadable: bool,
}

impl Tail {
    pub(super) fn new(log: &Path, at: Place) -> Self {
        Self {
            log: log.to_owned(),
            at,
            file: None,
            line: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// The decision at a place. None if it is gone.
    pub(super) fn at(
        log: &Path,
        place: &aside::Place,
    ) -> io::Result<Option<(Head, Box<Decision>)>> {
        let at = Place {
            segment: place.segment,
            offset: place.offset,
            ..Place::default()
        };
        let found = Self::new(log, at).next()?;
        let found = found.filter(|it| it.head.n == place.record && it.head.hash == place.hash);
        Ok(found.and_then(|it| Some((it.head, it.decision?))))
    }

    /// Whether the record before the cursor is the one that was settled. It is not if the log was replaced by another one, or lost its end
    /// when the machine stopped.
    pub(super) fn is_where_it_was(&self) -> io::Result<bool> {
        let Some(last) = self.at.last else {
            return Ok(self.at.offset == 0);
        };
        let path = self.log.join(folder::segment_name(self.at.segment));
        let mut file = match File::open(&path) {
            Ok(file) => file,
            // The file was archived, so all later records are new.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let segments = folder::segments(&self.log)?;
                return Ok(segments.iter().any(|(it, _)| *it > self.at.segment));
            }
            Err(error) => return Err(error),
        };
        let length = self.at.offset.saturating_sub(last.offset);
        if length > MAX_LINE_BYTES as u64 + 1 {
            return Ok(false);
        }
        let mut line = Vec::new();
        file.seek(SeekFrom::Start(last.offset))?;
        file.take(length).read_to_end(&mut line)?;
        let framed = line.strip_suffix(b"\n").and_then(Framed::of);
        Ok(framed.is_some_and(|framed| {
            line.len() as u64 == length
                && framed.n.saturating_add(1) == self.at.next
                && framed.hash == *last.hash.as_bytes()
        }))
    }

    /// The next record; None if there is none yet.
    pub(super) fn next(&mut self) -> io::Result<Option<Item>> {
        loop {
            if !self.advance()? {
                return Ok(None);
            }
            let line = self.taken.strip_suffix(b"\n").unwrap_or(&self.taken);
            let Some(framed) = Framed::of(line) else {
                // An unfinished record; the next record names it.
                continue;
            };
            let head = Head {
                n: framed.n,
                hash: Digest::from_bytes(framed.hash),
            };
            let (decision, is_unreadable) = match Entry::parse(line) {
                Ok(Entry::Decision(decision)) => (Some(decision), false),
                Ok(_) => (None, false),
                Err(error) => {
                    tracing::error!(record = head.n, %error, "a record cannot be read, and is not delivered");
                    (None, true)
                }
            };
            self.at.next = head.n.saturating_add(1);
            self.at.last = Some(Last {
                offset: self.at.offset.saturating_sub(self.taken.len() as u64),
                hash: head.hash,
            });
            return Ok(Some(Item {
                head,
                decision,
                behind: self.at,
                is_unreadable,
            }));
        }
    }

    /// Reads the next whole line. False: there is none yet.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            if self.file.is_none() && !self.open()? {
                return Ok(false);
            }
            let Some(file) = &mut self.file else {
                return Ok(false);
            };
            let held = self.line.len();
            let room = (MAX_LINE_BYTES as u64 + 1).saturating_sub(held as u64);
            Read::take(&mut *file, room).read_until(b'\n', &mut self.line)?;
            if self.line.last() == Some(&b'\n') {
                self.at.offset += self.line.len() as u64;
                break;
            }
            if self.line.len() > MAX_LINE_BYTES {
                return Err(io::Error::other("a line is longer than any record"));
            }
            if self.line.len() > held {
                continue;
            }
            // The end for now. Once there is a next file, this one is complete.
            let segments = folder::segments(&self.log)?;
            if segments
                .last()
                .is_none_or(|(last, _)| *last <= self.at.segment)
            {
                return Ok(false);
            }
            // The next file may have been started after the last read of this one.
            if file.read_until(b'\n', &mut self.line)? > 0 {
                if self.line.last() == Some(&b'\n') {
                    self.at.offset += self.line.len() as u64;
                    break;
                }
                continue;
            }
            self.at.segment += 1;
            self.at.offset = 0;
            self.file = None;
            self.line.clear();
        }
        std::mem::swap(&mut self.line, &mut self.taken);
        self.line.clear();
        Ok(true)
    }

    /// Opens the file with the next line or, if it is gone, the first one after it.
    fn open(&mut self) -> io::Result<bool> {
        let segments = folder::segments(&self.log)?;
        let Some((segment, path)) = segments
            .iter()
            .find(|(segment, _)| *segment >= self.at.segment)
        else {
            return Ok(false);
        };
        if *segment != self.at.segment {
            // Missed records are counted by their numbers.
            tracing::error!(
                first = self.at.segment,
                next = *segment,
                "files of the audit log are gone before they were delivered"
            );
            self.at.segment = *segment;
            self.at.offset = 0;
        }
        let mut file = BufReader::with_capacity(64 << 10, File::open(path)?);
        file.seek(SeekFrom::Start(self.at.offset))?;
        self.file = Some(file);
        Ok(true)
    }
}
