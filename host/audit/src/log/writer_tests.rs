//! A disk that fails at every byte.

use std::{
    io,
    sync::{Arc, Mutex},
    time::UNIX_EPOCH,
};

use super::{
    open,
    writer::{End, Sink, Writer},
};
use crate::{
    chain::genesis,
    encode::Body,
    reader::Garbage,
    verify::{Anchors, Verification, verify_bytes},
    walk::Finding,
};

/// Takes so many bytes and then none, until it is given more room.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

impl Disk {
    fn with_room(room: usize) -> Self {
        Self(Arc::new(Mutex::new((Vec::new(), room))))
    }

    fn more_room(&self, room: usize) {
        self.0.lock().unwrap().1 = room;
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().0.clone()
    }

    fn verified(&self) -> Verification {
        verify_bytes(&self.bytes(), &Anchors::default())
    }
}

impl Sink for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (content, room) = &mut *self.0.lock().unwrap();
        let taken = bytes.len().min(*room);
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        content.extend_from_slice(&bytes[..taken]);
        *room -= taken;
        Ok(taken)
    }
}

fn end() -> End {
    End {
        log: "0".repeat(32),
        next: 0,
        hash: genesis(),
        garbage: Garbage::default(),
        bytes: 0,
        unsigned: 0,
        said_lost: None,
    }
}

fn note(text: &str) -> Vec<u8> {
    let mut body = Body::begin(Vec::new(), "note", UNIX_EPOCH);
    body.text("event", text);
    body.value(
        "details",
        &std::collections::BTreeMap::<String, String>::new(),
    );
    body.finish()
}

#[test]
fn a_disk_that_is_full_at_any_byte_leaves_a_log_that_says_so_and_goes_on() {
    let whole = {
        let disk = Disk::with_room(usize::MAX);
        let mut writer = Writer::new(disk.clone(), end());
        writer.begin_segment(disk.clone(), 0, UNIX_EPOCH).unwrap();
        let before = disk.bytes().len();
        writer.append_body(&note("first"), UNIX_EPOCH).unwrap();
        before..disk.bytes().len()
    };
    for room in whole.clone() {
        let disk = Disk::with_room(room);
        let mut writer = Writer::new(disk.clone(), end());
        writer.begin_segment(disk.clone(), 0, UNIX_EPOCH).unwrap();
        let torn = room > whole.start;
        writer.append_body(&note("first"), UNIX_EPOCH).unwrap_err();
        let verified = disk.verified();
        assert_eq!(
            matches!(verified.findings.as_slice(), [Finding::TornTail { .. }]),
            torn,
            "{room}: {verified:?}"
        );
        // Twice more in vain: with no room at all, and with some.
        writer.append_body(&note("second"), UNIX_EPOCH).unwrap_err();
        disk.more_room(room % 7 + 1);
        writer.append_body(&note("third"), UNIX_EPOCH).unwrap_err();
        writer.lose("full");
        writer.lose("full");
        disk.more_room(usize::MAX);
        let head = writer.append_body(&note("fourth"), UNIX_EPOCH).unwrap();

        let verified = disk.verified();
        assert_eq!(verified.findings, [], "{room}");
        assert_eq!((verified.torn, verified.lost), (1, 2), "{room}");
        assert_eq!(verified.head, Some(head), "{room}");
        // Head of the file, what was torn, what was lost, the note.
        assert_eq!(verified.records, 4, "{room}");
    }
}

#[test]
fn a_file_that_cannot_be_begun_leaves_the_one_before_it_as_it_is() {
    let disk = Disk::with_room(usize::MAX);
    let mut writer = Writer::new(disk.clone(), end());
    writer.begin_segment(disk.clone(), 0, UNIX_EPOCH).unwrap();
    writer.append_body(&note("first"), UNIX_EPOCH).unwrap();
    let next = Disk::with_room(10);
    writer.begin_segment(next, 1, UNIX_EPOCH).unwrap_err();
    writer.append_body(&note("second"), UNIX_EPOCH).unwrap();
    let verified = disk.verified();
    assert_eq!(verified.findings, []);
    assert_eq!((verified.records, verified.torn), (3, 0));
}

#[test]
fn an_id_is_random() {
    let (a, b) = (open::beginning().unwrap(), open::beginning().unwrap());
    assert_ne!(a.log, b.log);
    assert_eq!(a.log.len(), 32);
}
