//! Processes that are killed, disks that are full, two writers.

use std::{
    fs,
    io::{BufRead, BufReader},
};

use hexgate_audit::{Anchors, AuditLog, FolderError, OpenError, WhenUnwritable, verify};

use crate::{
    child::{self, Child},
    fixture::{Fixture, now, options, record},
};

#[test]
fn a_log_that_was_cut_at_any_byte_of_a_record_is_gone_on_with_and_says_so() {
    let fixture = Fixture::new();
    fixture.with(1);
    let before = fixture.bytes().len();
    let log = fixture.open();
    drop(log);
    let bytes = fixture.bytes();
    // The record `opened` of the second process, cut everywhere.
    let end = before
        + bytes[before..]
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap();
    for cut in before + 1..=end {
        fixture.write(&bytes[..cut]);
        let found = fixture.verify();
        assert_eq!(found.findings.len(), 1, "{cut}: {found:?}");
        let log = fixture.open();
        record(&log, 1);
        log.close(now()).unwrap();
        let verified = fixture.verify_signed();
        assert_eq!((verified.findings.len(), verified.torn), (0, 1), "{cut}");
        // What was there is still there.
        assert_eq!(fixture.bytes()[..cut], bytes[..cut]);
    }
}

#[test]
fn a_process_that_is_killed_has_left_every_record_that_it_acted_on() {
    for round in 0..5 {
        let fixture = Fixture::new();
        let mut child = Child::start(child::Task::Write, &fixture.log(), WhenUnwritable::Deny);
        let mut lines = BufReader::new(child.stdout()).lines();
        let mut acted = 0;
        for _ in 0..200 + 37 * round {
            acted = lines.next().unwrap().unwrap().parse().unwrap();
        }
        child.kill();
        // What it said before it died, too.
        for line in lines.map_while(Result::ok) {
            acted = line.parse().unwrap_or(acted);
        }
        let verified = fixture.verify();
        assert!(
            verified.head.unwrap().n >= acted,
            "{verified:?}, acted on {acted}"
        );
        fixture.with(1);
        assert_eq!(fixture.verify_signed().findings, []);
        assert!(!verified.is_closed && fixture.verify().is_closed);
    }
}

#[test]
fn a_second_writer_is_refused_by_name() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let refused = |error: OpenError| {
        assert!(
            matches!(&error, OpenError::Folder(FolderError::Busy { holder: Some(holder), .. }) if *holder == std::process::id()),
            "{error}"
        );
        assert!(
            error.to_string().contains("already has a writer"),
            "{error}"
        );
    };
    refused(AuditLog::open(fixture.log(), options(), now()).unwrap_err());
    let said = Child::start(child::Task::Write, &fixture.log(), WhenUnwritable::Deny).output();
    assert!(
        said.contains(&format!(
            "already has a writer (process {})",
            std::process::id()
        )),
        "{said}"
    );
    drop(log);
    drop(fixture.open());
    assert_eq!(fixture.verify_signed().findings, []);
}

#[test]
fn a_full_disk_denies_or_counts_as_the_operator_chose() {
    let fixture = Fixture::new();
    let said = Child::limited(child::Task::Write, &fixture.log(), WhenUnwritable::Deny).output();
    assert!(
        said.contains("cannot be written") && said.contains("make room"),
        "{said}"
    );
    // The process that has room again says what was left unfinished.
    fixture.with(1);
    let verified = fixture.verify_signed();
    assert_eq!(verified.findings, []);
    assert!(verified.decisions > 5, "{verified:?}");

    let fixture = Fixture::new();
    let said = Child::limited(child::Task::Write, &fixture.log(), WhenUnwritable::Count).output();
    assert!(
        said.contains("lost 1\n") && said.contains("lost 100\n"),
        "{said}"
    );
    // The process is gone, and its count is not.
    let verified = fixture.verify();
    assert_eq!((verified.lost, verified.lost_unsaid), (0, 100));
    fixture.with(1);
    let verified = fixture.verify_signed();
    assert_eq!(verified.findings, []);
    assert_eq!((verified.lost, verified.lost_unsaid), (100, 0));
    assert!(
        fixture
            .text()
            .contains("; the process ended before the log said so\""),
    );
    // It is said once.
    fixture.with(1);
    let verified = fixture.verify_signed();
    assert_eq!((verified.lost, verified.lost_unsaid), (100, 0));
}

#[test]
fn a_process_that_is_killed_while_the_disk_is_full_leaves_its_count() {
    let fixture = Fixture::new();
    let mut child = Child::limited(child::Task::Write, &fixture.log(), WhenUnwritable::Count);
    let mut lines = BufReader::new(child.stdout()).lines();
    while lines.next().unwrap().unwrap() != "lost 40" {}
    child.kill();
    let told = lines.map_while(Result::ok).last();
    let told: u64 = told.map_or(40, |line| {
        line.strip_prefix("lost ").unwrap().parse().unwrap()
    });
    let unsaid = fixture.verify().lost_unsaid;
    // The one after the last that was told may be counted.
    assert!((told..=told + 1).contains(&unsaid), "{unsaid}, told {told}");
    fixture.with(1);
    let verified = fixture.verify_signed();
    assert_eq!(verified.findings, []);
    assert_eq!((verified.lost, verified.lost_unsaid), (unsaid, 0));
}

#[test]
fn a_count_that_the_log_says_already_is_not_said_again() {
    let fixture = Fixture::new();
    let _ = Child::limited(child::Task::Write, &fixture.log(), WhenUnwritable::Count).output();
    let beside = fixture.log().join("lost.json");
    let count = fs::read(&beside).unwrap();
    assert_eq!(count.len(), 512);
    fixture.with(1);
    // As if the process had been killed between saying it and resetting the count.
    fs::write(&beside, &count).unwrap();
    assert_eq!(fixture.verify().lost_unsaid, 0);
    fixture.with(1);
    assert_eq!(fixture.verify().lost, 100);
    // A machine that stopped while the file was made left nothing in it; anything else is no count.
    fs::write(&beside, "").unwrap();
    fixture.with(1);
    fs::write(&beside, "{").unwrap();
    let error = AuditLog::open(fixture.log(), options(), now()).unwrap_err();
    assert!(error.to_string().contains("lost.json"), "{error}");
    assert!(verify(fixture.log(), &Anchors::default()).is_err());
}
