//! The log reader: reading ends, and nothing but what a writer wrote is found to be intact.
#![no_main]

use std::sync::LazyLock;

use hexgate_audit::{Anchors, Entry, verify_bytes};
use libfuzzer_sys::fuzz_target;

/// A log that a writer wrote: two processes, a decision, a note, an unfinished record, checkpoints.
static LOG: LazyLock<&'static [u8]> =
    LazyLock::new(|| include_bytes!("../corpus/audit_log/whole.jsonl"));

fuzz_target!(|bytes: &[u8]| {
    for line in bytes.split(|byte| *byte == b'\n') {
        let _ = Entry::parse(line);
    }
    let anchors = Anchors::default();
    assert!(verify_bytes(&LOG, &anchors).is_intact());
    // What was sent, and the log with a piece of it replaced by what was sent.
    let _ = verify_bytes(bytes, &anchors);
    let [a, b, c, d, rest @ ..] = bytes else {
        return;
    };
    let place = |high: u8, low: u8| usize::from(u16::from_be_bytes([high, low])) % LOG.len();
    let (one, other) = (place(*a, *b), place(*c, *d));
    let (from, to) = (one.min(other), one.max(other));
    let changed = [&LOG[..from], rest, &LOG[to..]].concat();
    let is_intact = verify_bytes(&changed, &anchors).is_intact();
    // A log may end after any of its records: that is what anchors are for.
    let is_cut = LOG.starts_with(&changed) && changed.ends_with(b"\n");
    assert!(
        !is_intact || is_cut || changed == *LOG,
        "a log was found to be intact that nobody wrote"
    );
});
