//! The end of a log: appends records, and repairs the end after a failed write.

use std::{io, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hexgate_bundle::{Digest, PrivateKey};

use crate::{
    chain::{Head, body_digest, link, push_end},
    checkpoint,
    encode::Body,
    losses::Losses,
    reader::Garbage,
};

/// The file that bytes are appended to.
pub(super) trait Sink {
    /// Appends as [`io::Write::write`] does: some of the bytes, or none.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
}

/// The end of a log.
#[derive(Debug)]
pub(super) struct Writer<S> {
    pub(super) sink: S,
    /// The log's id.
    log: String,
    /// The number of the next record.
    next: u64,
    /// The hash of the last one.
    hash: [u8; 32],
    /// Bytes at the end that are not a record, after a failed write.
    garbage: Garbage,
    /// Decisions that could not be written since the last record, and why the first could not.
    lost: Option<(u64, String)>,
    /// The size of this file, with bytes that are not records.
    pub(super) bytes: u64,
    /// Records since the last checkpoint.
    pub(super) unsigned: u64,
    line: Vec<u8>,
    spare: Vec<u8>,
}

/// Ends a line that is not a record. A bare newline could complete one that lacks nothing else, and make it a record.
const UNFINISHED: &[u8] = b"~";

/// Where a log ends, as it was found.
#[derive(Debug)]
pub(super) struct End {
    pub(super) log: String,
    pub(super) next: u64,
    pub(super) hash: [u8; 32],
    pub(super) garbage: Garbage,
    pub(super) bytes: u64,
    pub(super) unsigned: u64,
    /// The number of the last record in this file that says that decisions were lost.
    pub(super) said_lost: Option<u64>,
}

impl<S: Sink> Writer<S> {
    pub(super) fn new(sink: S, end: End) -> Self {
        Self {
            sink,
            log: end.log,
            next: end.next,
            hash: end.hash,
            garbage: end.garbage,
            lost: None,
            bytes: end.bytes,
            unsigned: end.unsigned,
            line: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// The last record. None before the first.
    pub(super) fn head(&self) -> Option<Head> {
        Some(Head {
            n: self.next.checked_sub(1)?,
            hash: Digest::from_bytes(self.hash),
        })
    }

    /// The number of the next record.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Appends a record, after repairing the end of the log if needed.
    pub(super) fn append(
        &mut self,
        body: &[u8],
        digest: &[u8; 32],
        at: SystemTime,
    ) -> io::Result<Head> {
        if !self.garbage.is_empty() || self.lost.is_some() {
            self.mend(at)?;
        }
        self.put(body, digest)
    }

    /// Appends a record that is made here.
    pub(super) fn append_body(&mut self, body: &[u8], at: SystemTime) -> io::Result<Head> {
        self.append(body, &body_digest(body), at)
    }

    /// Signs the last record, if it is not signed yet.
    pub(super) fn checkpoint(&mut self, key: &PrivateKey, at: SystemTime) -> io::Result<()> {
        let Some(head) = self.head().filter(|_| self.unsigned > 0) else {
            return Ok(());
        };
        if !self.garbage.is_empty() || self.lost.is_some() {
            // A repair would come between the record and its signature. The next record makes it, and the next signature covers both.
            return Ok(());
        }
        let signature = key.sign_for(checkpoint::PURPOSE, &checkpoint::message(&self.log, &head));
        let mut body = Body::begin(std::mem::take(&mut self.spare), "checkpoint", at);
        body.text("key", &key.public_key().id().to_string());
        body.text("signature", &URL_SAFE_NO_PAD.encode(signature));
        self.put_body(body)?;
        self.unsigned = 0;
        Ok(())
    }

    /// Counts a decision that passes although it could not be written. Returns the count.
    pub(super) fn lose(&mut self, reason: &str) -> Losses {
        self.owe(1, reason)
    }

    /// The same for several.
    pub(super) fn owe(&mut self, decisions: u64, reason: &str) -> Losses {
        let (count, reason) = self.lost.get_or_insert_with(|| (0, reason.to_owned()));
        *count = count.saturating_add(decisions);
        Losses::new(self.next, *count, reason)
    }

    /// Whether lost decisions are not recorded in the log yet.
    pub(super) fn owes(&self) -> bool {
        self.lost.is_some()
    }

    /// Begins a file of the log. If that fails, the file before it stays the last one.
    pub(super) fn begin_segment(
        &mut self,
        sink: S,
        segment: u64,
        at: SystemTime,
    ) -> io::Result<()> {
        let old = (std::mem::replace(&mut self.sink, sink), self.bytes);
        self.bytes = 0;
        let mut body = Body::begin(Vec::new(), "segment", at);
        body.number("version", crate::FORMAT_VERSION);
        body.text("log", &self.log);
        body.number("segment", segment);
        body.digest("previous", &Digest::from_bytes(self.hash));
        let body = body.finish();
        let begun = self.put(&body, &body_digest(&body));
        if begun.is_err() {
            (self.sink, self.bytes) = old;
            // The torn bytes are in the file that is given up.
            self.garbage = Garbage::default();
        }
        begun.map(|_| ())
    }

    /// Writes a body that was begun in the spare buffer, and gives the buffer back.
    fn put_body(&mut self, body: Body) -> io::Result<()> {
        let body = body.finish();
        let written = self.put(&body, &body_digest(&body));
        self.spare = body;
        written.map(|_| ())
    }

    /// Repairs the end of the log: records that bytes before are not a record, and that decisions were lost.
    pub(super) fn mend(&mut self, at: SystemTime) -> io::Result<()> {
        if !self.garbage.is_empty() {
            let mut garbage = self.garbage.clone();
            garbage.push(UNFINISHED);
            let mut body = Body::begin(std::mem::take(&mut self.spare), "torn", at);
            body.number("bytes", garbage.bytes);
            body.digest("digest", &Digest::from_bytes(garbage.digest()));
            self.put_body(body)?;
        }
        if let Some((count, reason)) = self.lost.take() {
            let mut body = Body::begin(std::mem::take(&mut self.spare), "lost", at);
            body.number("decisions", count);
            body.text("reason", &reason);
            if let Err(error) = self.put_body(body) {
                self.lost = Some((count, reason));
                return Err(error);
            }
        }
        Ok(())
    }

    fn put(&mut self, body: &[u8], digest: &[u8; 32]) -> io::Result<Head> {
        let hash = link(&self.hash, self.next, digest);
        self.line.clear();
        // Bytes that are not a record get a line of their own; the next record describes them.
        if !self.garbage.is_empty() {
            self.line.extend_from_slice(UNFINISHED);
            self.line.push(b'\n');
        }
        self.line.extend_from_slice(body);
        push_end(&mut self.line, self.next, &hash);
        self.line.push(b'\n');
        let mut rest = self.line.as_slice();
        while !rest.is_empty() {
            let error = match self.sink.append(rest) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            let written = self.line.len() - rest.len();
            if written > 0 {
                self.garbage.lines = 1;
                self.garbage
                    .push(self.line.get(..written).unwrap_or_default());
                self.bytes += written as u64;
            }
            return Err(error);
        }
        self.bytes += self.line.len() as u64;
        if !self.garbage.is_empty() {
            self.garbage = Garbage::default();
        }
        self.hash = hash;
        self.next += 1;
        self.unsigned += 1;
        Ok(Head {
            n: self.next - 1,
            hash: Digest::from_bytes(hash),
        })
    }
}
