//! Finds out whether the platform takes events at all, when the events being sent cannot tell: another event, the control, separates a
//! failing event from a platform that is down. It is sent with its own id, so that the platform stores it once.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use crate::{
    chain::{Framed, Head},
    entry::{Decision, Entry},
    folder,
};
use hexgate_bundle::Digest;

/// A random decision near the end of the log: an attacker who chooses some texts does not choose this one. None if all are suspect by
/// `is_suspect`.
pub(super) fn pick(
    log: &Path,
    is_suspect: impl Fn(u64) -> bool,
) -> io::Result<Option<(Head, Box<Decision>)>> {
    let Some((_, path)) = folder::segments(log)?.pop() else {
        return Ok(None);
    };
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let mut lines: Vec<&[u8]> = bytes
        .split(|byte| *byte == b'\n')
        // The offset is within a line; the next record begins after it.
        .skip(usize::from(from > 0))
        .filter(|line| line.starts_with(DECISION))
        .filter(|line| Framed::of(line).is_some_and(|it| !is_suspect(it.n)))
        .collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let random = getrandom::u32().unwrap_or(0) as usize % lines.len();
    let line = lines.swap_remove(random);
    let (Some(framed), Ok(Entry::Decision(decision))) = (Framed::of(line), Entry::parse(line))
    else {
        return Ok(None);
    };
    let head = Head {
        n: framed.n,
        hash: Digest::from_bytes(framed.hash),
    };
    Ok(Some((head, decision)))
}

/// How much of the log's end is searched, in bytes: a thousand records and more.
const TAIL_BYTES: u64 = 1 << 20;
const DECISION: &[u8] = b"{\"kind\":\"decision\"";
