//! A log in several files.

use std::fs;

use hexgate_audit::{Anchors, AuditLog, Finding, Head, verify};

use crate::fixture::{Fixture, copy, now, options, record};

/// A log of four files.
fn long() -> (Fixture, Head) {
    let fixture = Fixture::new();
    let mut options = options();
    options.segment_bytes = 4000;
    let log = AuditLog::open(fixture.log(), options, now()).unwrap();
    let mut index = 0;
    while !fixture.segment(3).exists() {
        record(&log, index);
        index += 1;
    }
    let head = log.close(now()).unwrap().unwrap();
    (fixture, head)
}

#[test]
fn the_chain_goes_from_file_to_file() {
    let (fixture, head) = long();
    let verified = fixture.verify_signed();
    assert_eq!(verified.findings, []);
    assert_eq!(verified.head, Some(head));
    // It is gone on with where it ends.
    fixture.with(1);
    assert_eq!(fixture.verify_signed().findings, []);
    assert!(fixture.text().len() >= 4000);
}

#[test]
fn a_file_that_is_missing_is_found() {
    let (fixture, head) = long();
    for (removed, expected) in [(0, 2), (1, 2), (2, 2), (3, 0)] {
        let other = Fixture::new();
        copy(&fixture.log(), &other.log());
        fs::remove_file(other.segment(removed)).unwrap();
        let verified = other.verify();
        match removed {
            0 => assert!(
                matches!(verified.findings.as_slice(), [Finding::Beginning { .. }]),
                "{verified:?}"
            ),
            3 => {
                assert_eq!(verified.findings, [], "a cut tail needs an anchor");
                let anchors = Anchors {
                    heads: vec![head],
                    ..Anchors::default()
                };
                assert_eq!(
                    verify(other.log(), &anchors).unwrap().findings,
                    [Finding::CutTail { anchor: head }]
                );
            }
            removed => {
                assert_eq!(verified.findings.len(), expected, "{verified:?}");
                assert_eq!(
                    verified.findings[0],
                    Finding::File {
                        segment: u64::from(removed)
                    }
                );
            }
        }
    }
}

#[test]
fn files_that_were_put_away_are_replaced_by_an_anchor() {
    let (fixture, _) = long();
    let first = fs::read_to_string(fixture.segment(0)).unwrap();
    let last: serde_json::Value = serde_json::from_str(first.lines().last().unwrap()).unwrap();
    let from: Head = format!("{}:{}", last["n"], last["hash"].as_str().unwrap())
        .parse()
        .unwrap();
    fs::remove_file(fixture.segment(0)).unwrap();
    let verified = |from| {
        let anchors = Anchors {
            from,
            ..Anchors::default()
        };
        verify(fixture.log(), &anchors).unwrap().findings
    };
    assert_eq!(verified(Some(from)), []);
    assert_eq!(
        verified(Some(Head {
            n: from.n + 1,
            ..from
        }))
        .len(),
        1
    );
    // One file alone.
    let anchors = Anchors {
        from: Some(from),
        ..Anchors::default()
    };
    assert_eq!(verify(fixture.segment(1), &anchors).unwrap().findings, []);
}

#[test]
fn files_that_changed_places_or_come_from_another_log_are_found() {
    let (fixture, _) = long();
    let (one, two) = (
        fs::read(fixture.segment(1)).unwrap(),
        fs::read(fixture.segment(2)).unwrap(),
    );
    fs::write(fixture.segment(1), &two).unwrap();
    fs::write(fixture.segment(2), &one).unwrap();
    assert!(!fixture.verify().is_intact());

    let (fixture, _) = long();
    let (other, _) = long();
    fs::copy(other.segment(2), fixture.segment(2)).unwrap();
    let found = fixture.verify().findings;
    assert!(
        found
            .iter()
            .any(|finding| finding.to_string().contains("a file of another log")),
        "{found:?}"
    );
}

#[test]
fn a_file_that_was_begun_and_holds_no_record_is_begun_again() {
    let (fixture, head) = long();
    fs::write(fixture.segment(4), "{\"kind\":\"segm").unwrap();
    let log = fixture.open();
    assert_eq!(log.status().head.unwrap().n, head.n + 1);
    drop(log);
    assert!(!fixture.segment(4).exists());
    assert_eq!(fixture.verify_signed().findings, []);
}
