//! Finds the end of a log, so that writing can continue.

use std::{fs::File, io, path::Path};

use hexgate_base::disk::Folder;
use hexgate_bundle::Digest;

use super::writer::End;
use crate::{
    chain::{Framed, body_digest, genesis, link},
    entry::Entry,
    folder,
    reader::{Garbage, Lines, MAX_LINE_BYTES},
};

/// What a folder holds.
pub(super) enum Found {
    /// No log.
    Nothing,
    /// A log that ends in this file.
    Log { segment: u64, end: Box<End> },
}

/// Why a log cannot be continued.
#[derive(Debug)]
pub(super) enum Trouble {
    Io(io::Error),
    /// This line of this file is neither a record nor the beginning of an unfinished one.
    Damaged {
        segment: u64,
        line: u64,
        reason: String,
    },
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Finds the end of the log in a folder. The last file is read and its chain is checked; those before it are `verify`'s business.
pub(super) fn find_end(open: &Folder, folder: &Path) -> Result<Found, Trouble> {
    let mut segments = folder::segments(folder)?;
    while let Some((segment, path)) = segments.pop() {
        if let Some(end) = scan(segment, &path)? {
            return Ok(Found::Log {
                segment,
                end: Box::new(end),
            });
        }
        // A process or machine stopped between making the file and writing its first record. Nothing is lost: the record will be written
        // again.
        tracing::warn!(file = %path.display(), "removing a file of the log that holds no record yet");
        open.remove(folder::segment_name(segment))?;
    }
    Ok(Found::Nothing)
}

fn scan(segment: u64, path: &Path) -> Result<Option<End>, Trouble> {
    let damaged = |line: u64, reason: String| Trouble::Damaged {
        segment,
        line,
        reason,
    };
    let mut lines = Lines::open(path)?;
    let mut garbage = Garbage::default();
    let mut end: Option<End> = None;
    let mut ends_whole = true;
    let mut first_garbage = 0;
    while let Some(line) = lines.next(&mut garbage)? {
        let number = line.number;
        ends_whole = line.is_whole;
        let framed = Framed::of(line.text).filter(|_| line.too_long.is_none() && line.is_whole);
        let Some(framed) = framed else {
            if garbage.is_empty() {
                first_garbage = number;
            }
            if line.too_long.is_none() {
                garbage.begin_line();
                garbage.push(line.text);
            }
            continue;
        };
        let entry = Entry::parse(line.text);
        let (before, next, log, unsigned) = match (&end, &entry) {
            (Some(end), _) => (end.hash, end.next, end.log.clone(), end.unsigned),
            (None, Ok(Entry::Segment(header))) => {
                if header.version != crate::FORMAT_VERSION {
                    return Err(damaged(
                        number,
                        format!("its format has version {}", header.version),
                    ));
                }
                if header.segment != segment {
                    return Err(damaged(number, "it is another file of the log".to_owned()));
                }
                if (segment == 0) != (header.previous == Digest::from_bytes(genesis())) {
                    return Err(damaged(number, "it is not a first file".to_owned()));
                }
                (*header.previous.as_bytes(), framed.n, header.log.clone(), 0)
            }
            (None, _) => {
                return Err(damaged(number, "it is not the head of a file".to_owned()));
            }
        };
        if framed.n != next || link(&before, next, &body_digest(framed.body)) != framed.hash {
            return Err(damaged(
                number,
                "it does not follow from the record before it".to_owned(),
            ));
        }
        if !garbage.is_empty() {
            let names_it = matches!(&entry, Ok(Entry::Torn(torn)) if torn.bytes == garbage.bytes && *torn.digest.as_bytes() == garbage.digest());
            if !names_it {
                return Err(damaged(first_garbage, "it is not a record".to_owned()));
            }
            garbage = Garbage::default();
        }
        let said_lost = match entry {
            Ok(Entry::Lost(_)) => Some(next),
            _ => end.as_ref().and_then(|end| end.said_lost),
        };
        let unsigned = match entry {
            Ok(Entry::Checkpoint(_)) => 0,
            _ => unsigned + 1,
        };
        end = Some(End {
            log,
            next: next + 1,
            hash: framed.hash,
            garbage: Garbage::default(),
            bytes: 0,
            unsigned,
            said_lost,
        });
    }
    if end.is_none() && ends_whole && !garbage.is_empty() {
        return Err(damaged(1, "it is not the head of a file".to_owned()));
    }
    // Several attempts can have failed, each with the beginning of a record. A writer leaves no more than that.
    if garbage.bytes > 4 * MAX_LINE_BYTES as u64 {
        return Err(damaged(
            first_garbage,
            "from here on there are no records".to_owned(),
        ));
    }
    if ends_whole && !garbage.is_empty() {
        garbage.push(b"\n");
    }
    Ok(end.map(|mut end| {
        end.bytes = lines.next_offset();
        end.garbage = garbage;
        end
    }))
}

/// The end of an empty log.
pub(super) fn beginning() -> io::Result<End> {
    let mut id = [0u8; 16];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    Ok(End {
        log: format!("{:032x}", u128::from_be_bytes(id)),
        next: 0,
        hash: genesis(),
        garbage: Garbage::default(),
        bytes: 0,
        unsigned: 0,
        said_lost: None,
    })
}

/// The random source of the system.
impl super::writer::Sink for std::sync::Arc<File> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut self.as_ref(), bytes)
    }
}
