//! Walks a log from its first line to its last and checks every link of the chain.

use std::{
    fmt,
    io::BufRead,
    path::{Path, PathBuf},
};

use hexgate_bundle::{Digest, KeyId};

use crate::{
    FORMAT_VERSION,
    chain::{Framed, Head, body_digest, genesis, link},
    entry::{Entry, Torn},
    folder,
    reader::{Garbage, Line, Lines, ReadError},
};

/// A line of a file of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The file's place among the files of the log.
    pub segment: u64,
    /// The line, from 1.
    pub line: u64,
    /// Where it begins, in bytes from the beginning of the file.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, line {}",
            folder::segment_name(self.segment),
            self.line
        )
    }
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// A record was changed, or moved to another's place.
    #[error("{place}: record {n} was changed: its hash does not match it and the record before it")]
    Changed {
        /// Where.
        place: Place,
        /// The number that it has.
        n: u64,
    },
    /// Records are missing.
    #[error("{place}: records {first} to {last} are missing before record {}", last + 1)]
    Missing {
        /// The record after them.
        place: Place,
        /// The first one that is missing.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// A record comes after a later one.
    #[error("{place}: record {n} comes after record {after}: records were moved or repeated")]
    Moved {
        /// Where.
        place: Place,
        /// The record.
        n: u64,
        /// The one before it.
        after: u64,
    },
    /// A line is not a record, and no later record describes it.
    #[error("{place}: it is not a record, and no later one describes it as unfinished")]
    NotARecord {
        /// Where.
        place: Place,
    },
    /// The bytes before a record are not the unfinished ones that it describes.
    #[error("{place}: the unfinished record before it is not the one that it describes")]
    Unfinished {
        /// Where.
        place: Place,
    },
    /// The log ends within a record.
    #[error(
        "{place}: the log ends within a record; the next process that opens it for writing records that, or the rest was cut off"
    )]
    TornTail {
        /// Where.
        place: Place,
    },
    /// A record is bound into the chain and cannot be read by this version.
    #[error("{place}: record {n} cannot be read: {reason}")]
    Unreadable {
        /// Where.
        place: Place,
        /// The record.
        n: u64,
        /// What is wrong.
        reason: String,
    },
    /// A file has a wrong head.
    #[error("{place}: {reason}")]
    Header {
        /// Where.
        place: Place,
        /// What is wrong.
        reason: String,
    },
    /// The log does not begin with its first record.
    #[error(
        "the log begins with record {n}, and no anchor binds what was before; bring the earlier files back, or name the record before it (`--from N:HASH`)"
    )]
    Beginning {
        /// Its first record.
        n: u64,
    },
    /// Files are missing.
    #[error("`{}` is missing", folder::segment_name(*segment))]
    File {
        /// The first that is missing.
        segment: u64,
    },
    /// There is no record.
    #[error("there is no record")]
    Empty,
    /// A signature is by a key that is not trusted.
    #[error("{place}: the checkpoint is by the key `{key}`, which is not trusted")]
    UnknownKey {
        /// Where.
        place: Place,
        /// The key, as the checkpoint names it.
        key: KeyId,
    },
    /// A signature does not hold.
    #[error("{place}: the signature of the checkpoint does not hold")]
    Signature {
        /// Where.
        place: Place,
    },
    /// Keys were given, and no checkpoint is by one of them.
    #[error(
        "no checkpoint of the log is by a trusted key, so any user who can write there can have made all of it"
    )]
    Unsigned,
    /// A record differs from the anchor.
    #[error("record {} has another hash than the anchor: the log was rewritten", anchor.n)]
    Anchor {
        /// What was noted.
        anchor: Head,
    },
    /// The record of an anchor is in a file that was archived.
    #[error(
        "the log begins after record {} of the anchor, so it cannot be compared; bring the earlier files back, or leave the anchor out", anchor.n
    )]
    AnchorBefore {
        /// What was noted.
        anchor: Head,
    },
    /// The log ends before the record of an anchor.
    #[error("the log ends before record {} of the anchor: its tail was cut off", anchor.n)]
    CutTail {
        /// What was noted.
        anchor: Head,
    },
}

/// The receiver of records and findings.
pub(crate) trait Visitor {
    /// A record, after the findings about its place in the chain.
    fn record(&mut self, seen: &Seen<'_>);
    /// A finding.
    fn finding(&mut self, finding: Finding);
}

/// A record of the walk.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) place: Place,
    pub(crate) head: Head,
    /// The record before it.
    pub(crate) before: Head,
    pub(crate) entry: &'a Entry,
    /// The log's id, as its files say it.
    pub(crate) log: &'a str,
}

/// Goes over the log in a folder, or over one file of it. `from` is the record before its first one, if that is not in there.
pub(crate) fn walk(
    path: &Path,
    from: Option<Head>,
    visitor: &mut dyn Visitor,
) -> Result<(), ReadError> {
    let read_error = |path: &Path, source| ReadError {
        path: path.to_owned(),
        source,
    };
    let segments = folder::segments(path).map_err(|source| read_error(path, source))?;
    let mut walk = Walk {
        from,
        at: None,
        log: None,
        visitor,
    };
    let last = segments.last().map(|(segment, _)| *segment);
    let mut expected = segments.first().map(|(segment, _)| *segment);
    for (segment, path) in &segments {
        // A missing file is a finding; the chain is checked on, to report all.
        if let Some(missing) = expected.filter(|expected| expected != segment) {
            walk.visitor.finding(Finding::File { segment: missing });
        }
        expected = segment.checked_add(1);
        let lines = Lines::open(path).map_err(|source| read_error(path, source))?;
        walk.file(path, lines, *segment, Some(*segment) == last)?;
    }
    if walk.at.is_none() {
        walk.visitor.finding(Finding::Empty);
    }
    Ok(())
}

/// Goes over bytes that claim to be the only file of a log.
pub(crate) fn walk_bytes(bytes: &[u8], visitor: &mut dyn Visitor) -> Result<(), ReadError> {
    let mut walk = Walk {
        from: None,
        at: None,
        log: None,
        visitor,
    };
    walk.file(&PathBuf::new(), Lines::new(bytes), 0, true)?;
    if walk.at.is_none() {
        walk.visitor.finding(Finding::Empty);
    }
    Ok(())
}

struct Walk<'a> {
    from: Option<Head>,
    /// The last record.
    at: Option<Head>,
    log: Option<String>,
    visitor: &'a mut dyn Visitor,
}

impl Walk<'_> {
    fn file<R: BufRead>(
        &mut self,
        path: &Path,
        mut lines: Lines<R>,
        segment: u64,
        is_last: bool,
    ) -> Result<(), ReadError> {
        let mut garbage = Garbage::default();
        let mut first_garbage = None;
        let mut is_first = true;
        let mut is_whole = true;
        loop {
            let line = lines.next(&mut garbage).map_err(|source| ReadError {
                path: path.to_owned(),
                source,
            })?;
            let Some(Line {
                number,
                offset,
                text,
                is_whole: whole,
                too_long,
            }) = line
            else {
                break;
            };
            is_whole = whole;
            let framed = match Framed::of(text) {
                Some(framed) if whole && too_long.is_none() => Some(framed),
                _ => None,
            };
            let Some(framed) = framed else {
                if too_long.is_none() {
                    garbage.begin_line();
                    garbage.push(text);
                }
                first_garbage = first_garbage.or(Some((number, offset)));
                continue;
            };
            let entry = Entry::parse(text);
            let place = Place {
                segment,
                line: number,
                offset,
            };
            let head = Head {
                n: framed.n,
                hash: Digest::from_bytes(framed.hash),
            };
            let torn = match &entry {
                Ok(Entry::Torn(torn)) => Some(torn),
                _ => None,
            };
            if let Some((line, offset)) = first_garbage.take() {
                let place = Place {
                    line,
                    offset,
                    ..place
                };
                // Only a record that names exactly these bytes excuses them.
                if torn.is_none_or(|torn| !names(torn, &garbage)) {
                    self.visitor.finding(Finding::NotARecord { place });
                }
                garbage = Garbage::default();
            } else if torn.is_some() {
                self.visitor.finding(Finding::Unfinished { place });
            }
            if is_first {
                self.header(&place, &head, entry.as_ref().ok());
            } else if matches!(entry, Ok(Entry::Segment(_))) {
                self.visitor.finding(Finding::Header {
                    place,
                    reason: "the head of a file is within a file".to_owned(),
                });
            }
            is_first = false;
            let before = self.at.unwrap_or(BEFORE_FIRST);
            self.link(&place, &framed);
            self.at = Some(head);
            match entry {
                Ok(entry) => self.visitor.record(&Seen {
                    place,
                    head,
                    before,
                    entry: &entry,
                    log: self.log.as_deref().unwrap_or_default(),
                }),
                Err(error) => self.visitor.finding(Finding::Unreadable {
                    place,
                    n: head.n,
                    reason: error.to_string(),
                }),
            }
        }
        if let Some((line, offset)) = first_garbage {
            let place = Place {
                segment,
                line,
                offset,
            };
            self.visitor
                .finding(if is_last && !is_whole && line == lines.read() {
                    Finding::TornTail { place }
                } else {
                    Finding::NotARecord { place }
                });
        }
        Ok(())
    }

    /// Checks the first record of a file. The first of all files says where the chain begins.
    fn header(&mut self, place: &Place, head: &Head, entry: Option<&Entry>) {
        let wrong = |reason: &str| Finding::Header {
            place: *place,
            reason: reason.to_owned(),
        };
        let Some(Entry::Segment(header)) = entry else {
            self.visitor
                .finding(wrong("the file does not begin with its head"));
            if self.at.is_none() {
                // Continue with the stated hash, so that the rest is checked; the first record is reported as changed.
                self.at = head.n.checked_sub(1).map(|n| Head {
                    n,
                    hash: Digest::from_bytes(genesis()),
                });
            }
            return;
        };
        if header.version != FORMAT_VERSION {
            self.visitor.finding(wrong(
                "the version of the format is not one that this program reads",
            ));
        }
        if header.segment != place.segment {
            self.visitor
                .finding(wrong("it is another file of the log by its head"));
        }
        match &self.log {
            Some(log) if *log != header.log => {
                self.visitor.finding(wrong("it is a file of another log"));
            }
            Some(_) => {}
            None => self.log = Some(header.log.clone()),
        }
        if self.at.is_some() {
            return;
        }
        let is_genesis = header.previous == Digest::from_bytes(genesis());
        if head.n == 0 && is_genesis {
            return;
        }
        let before = head.n.checked_sub(1).map(|n| Head {
            n,
            hash: header.previous,
        });
        if before.is_none() || self.from != before {
            self.visitor.finding(Finding::Beginning { n: head.n });
        }
        self.at = before;
    }

    /// Checks that a record follows from the one before it.
    fn link(&mut self, place: &Place, framed: &Framed<'_>) {
        let (next, before) = match &self.at {
            Some(at) => (at.n.saturating_add(1), *at.hash.as_bytes()),
            None => (0, genesis()),
        };
        let place = *place;
        let n = framed.n;
        if n > next {
            self.visitor.finding(Finding::Missing {
                place,
                first: next,
                last: n - 1,
            });
        } else if n < next {
            self.visitor.finding(Finding::Moved {
                place,
                n,
                after: next - 1,
            });
        } else if link(&before, n, &body_digest(framed.body)) != framed.hash {
            self.visitor.finding(Finding::Changed { place, n });
        }
    }
}

fn names(torn: &Torn, garbage: &Garbage) -> bool {
    torn.bytes == garbage.bytes && *torn.digest.as_bytes() == garbage.digest()
}

/// There is no record before the first, so nothing signs or describes one.
const BEFORE_FIRST: Head = Head {
    n: u64::MAX,
    hash: Digest::from_bytes([0; 32]),
};
