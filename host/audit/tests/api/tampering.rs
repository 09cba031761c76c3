//! Whatever is done to a log that was written is found.

use std::fs;

use hexgate_audit::{Anchors, AuditLog, Finding, Head, verify, verify_bytes};
use hexgate_bundle::{Digest, PrivateKey, TrustedKeys};
use proptest::prelude::*;

use crate::fixture::{Fixture, copy, keys, now, options, record};

/// A log with everything in it: two processes, an unfinished record, a signature.
fn rich() -> Fixture {
    let fixture = Fixture::new();
    fixture.with(2);
    let cut = fixture.bytes();
    // The second process is killed while it writes.
    let log = fixture.open();
    record(&log, 7);
    drop(log);
    let whole = fixture.bytes();
    fixture.write(&whole[..cut.len() + 150]);
    fixture.with(1);
    let verified = fixture.verify_signed();
    assert_eq!((verified.findings.len(), verified.torn), (0, 1));
    fixture
}

#[test]
fn a_change_of_any_byte_is_found() {
    let fixture = rich();
    let mut bytes = fixture.bytes();
    let anchors = Anchors::default();
    for at in 0..bytes.len() {
        let old = bytes[at];
        for new in [old ^ 1, old ^ 0x20, old ^ 0x80, b'\n', b'"', 0] {
            if new == old {
                continue;
            }
            bytes[at] = new;
            let verified = verify_bytes(&bytes, &anchors);
            assert!(!verified.is_intact(), "byte {at} from {old} to {new}");
        }
        bytes[at] = old;
    }
    assert!(verify_bytes(&bytes, &anchors).is_intact());
}

#[test]
fn a_byte_that_was_put_in_or_taken_out_is_found() {
    let bytes = rich().bytes();
    let anchors = Anchors::default();
    for at in 0..=bytes.len() {
        for new in [b'\n', b'0', b'}'] {
            let mut more = bytes.clone();
            more.insert(at, new);
            assert!(
                !verify_bytes(&more, &anchors).is_intact(),
                "{new} put in at {at}"
            );
        }
        if at < bytes.len() {
            let mut less = bytes.clone();
            less.remove(at);
            assert!(
                !verify_bytes(&less, &anchors).is_intact(),
                "byte {at} taken out"
            );
        }
    }
}

#[test]
fn a_cut_is_found_within_a_record_and_needs_an_anchor_between_records() {
    let fixture = Fixture::new();
    let head = fixture.with(3);
    let bytes = fixture.bytes();
    let anchored = Anchors {
        heads: vec![head],
        ..Anchors::default()
    };
    assert_eq!(verify_bytes(&bytes, &anchored).anchored, Some(head));
    assert_eq!(verify_bytes(&bytes, &anchored).unanchored(), 0);
    for length in 1..bytes.len() {
        let cut = &bytes[..length];
        let verified = verify_bytes(cut, &Anchors::default());
        if bytes[length - 1] == b'\n' {
            assert!(verified.is_intact(), "{length}");
            assert_eq!(verified.unanchored(), verified.records);
        } else {
            let expected = verified
                .findings
                .iter()
                .any(|finding| matches!(finding, Finding::TornTail { .. }));
            assert!(expected, "{length}: {verified:?}");
        }
        let verified = verify_bytes(cut, &anchored);
        assert!(
            verified
                .findings
                .contains(&Finding::CutTail { anchor: head }),
            "{length}"
        );
    }
    assert_eq!(
        verify_bytes(&[], &Anchors::default()).findings,
        [Finding::Empty]
    );
}

#[test]
fn records_that_were_swapped_removed_or_repeated_are_found() {
    let fixture = Fixture::new();
    fixture.with(4);
    let lines = fixture.lines();
    let verified = |order: &[usize]| {
        let text: String = order.iter().map(|at| lines[*at].as_str()).collect();
        verify_bytes(text.as_bytes(), &Anchors::default())
    };
    let count = lines.len();
    let all: Vec<usize> = (0..count).collect();
    assert!(verified(&all).is_intact());
    for a in 0..count {
        // The last one is a cut tail, which only an anchor shows.
        if a + 1 < count {
            let mut without = all.clone();
            without.remove(a);
            let found = verified(&without).findings;
            if a > 0 {
                assert!(
                    matches!(found.as_slice(), [Finding::Missing { first, last, .. }] if *first == a as u64 && *last == a as u64),
                    "{found:?}"
                );
            } else {
                assert!(!found.is_empty());
            }
        }
        for b in 0..a {
            let mut swapped = all.clone();
            swapped.swap(a, b);
            let found = verified(&swapped).findings;
            assert!(
                found
                    .iter()
                    .any(|finding| matches!(finding, Finding::Moved { .. })),
                "{a} {b}: {found:?}"
            );
        }
        let mut repeated = all.clone();
        repeated.insert(a, a);
        assert!(!verified(&repeated).is_intact(), "{a}");
    }
}

#[test]
fn a_log_that_was_written_anew_is_found_by_its_signature_or_an_anchor() {
    let fixture = Fixture::new();
    let head = fixture.with(2);
    let forged = Fixture::new();
    let mut others = options();
    others.checkpoint_key = Some(PrivateKey::from_bytes(&[8; 32]));
    let log = AuditLog::open(forged.log(), others, now()).unwrap();
    record(&log, 0);
    record(&log, 1);
    log.close(now()).unwrap();
    assert_eq!(forged.verify().findings, [], "without a key it is a log");

    let found = forged.verify_signed().findings;
    assert!(
        matches!(found.as_slice(), [Finding::UnknownKey { key, .. }, Finding::Unsigned] if *key == PrivateKey::from_bytes(&[8; 32]).public_key().id()),
        "{found:?}"
    );
    let anchors = Anchors {
        heads: vec![head],
        ..Anchors::default()
    };
    assert_eq!(
        verify(forged.log(), &anchors).unwrap().findings,
        [Finding::Anchor { anchor: head }]
    );

    // A log without any signature, and one that claims the name of the trusted key.
    let mut unsigned = options();
    unsigned.checkpoint_key = None;
    let plain = Fixture::new();
    let log = AuditLog::open(plain.log(), unsigned, now()).unwrap();
    record(&log, 0);
    log.close(now()).unwrap();
    assert_eq!(plain.verify_signed().findings, [Finding::Unsigned]);
}

#[test]
fn a_signature_of_another_log_or_record_does_not_hold() {
    let fixture = Fixture::new();
    fixture.with(1);
    let other = Fixture::new();
    other.with(1);
    // The same decisions at the same numbers, and so the same place for the signature.
    let (mut lines, others) = (fixture.lines(), other.lines());
    let last = lines.len() - 1;
    let signature = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["signature"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (own, foreign) = (signature(&lines[last]), signature(&others[last]));
    assert_ne!(own, foreign);
    lines[last] = relinked(&lines[last].replace(&own, &foreign), &lines[last - 1]);
    let anchors = Anchors {
        keys: keys(),
        ..Anchors::default()
    };
    let found = verify_bytes(lines.concat().as_bytes(), &anchors).findings;
    assert!(
        matches!(
            found.as_slice(),
            [Finding::Signature { .. }, Finding::Unsigned]
        ),
        "{found:?}"
    );
}

/// A line with the hash that its body has after the line before: what somebody does who changes a log and knows how it is made.
fn relinked(line: &str, before: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let hash = |line: &str| -> Digest {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["hash"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    let (body, rest) = line.rsplit_once(",\"n\":").unwrap();
    let (n, _) = rest.split_once(',').unwrap();
    let mut hasher = Sha256::new();
    hasher.update(hash(before).as_bytes());
    hasher.update(n.parse::<u64>().unwrap().to_be_bytes());
    hasher.update(Sha256::digest(body.as_bytes()));
    let new = Digest::from_bytes(hasher.finalize().into());
    format!("{body},\"n\":{n},\"hash\":\"{new}\"}}\n")
}

#[test]
fn a_log_that_another_program_wrote_by_the_documents_is_one() {
    let bytes = include_bytes!("../../../../tests/fuzz/corpus/audit_log/whole.jsonl");
    let verified = verify_bytes(bytes, &Anchors::default());
    assert_eq!(verified.findings, []);
    assert_eq!(
        (verified.records, verified.decisions, verified.torn),
        (9, 2, 1)
    );
    assert_eq!((verified.lost, verified.is_closed), (2, true));
}

#[test]
fn the_chain_can_be_computed_by_who_reads_the_documents() {
    let fixture = Fixture::new();
    fixture.with(1);
    let lines = fixture.lines();
    for pair in lines.windows(2) {
        assert_eq!(relinked(&pair[1], &pair[0]), pair[1]);
    }
}

#[test]
fn a_log_that_was_changed_is_not_gone_on_with() {
    let fixture = Fixture::new();
    fixture.with(3);
    let lines = fixture.lines();
    for (what, text) in [
        ("changed", fixture.text().replace("\"ada\"", "\"eve\"")),
        ("removed", [&lines[..2], &lines[3..]].concat().concat()),
        ("without a head", lines[1..].concat()),
        ("something else", "hello\n".to_owned()),
        ("garbage within", lines.join("x\n")),
    ] {
        let other = Fixture::new();
        copy(&fixture.log(), &other.log());
        other.write(&text);
        let error = AuditLog::open(other.log(), options(), now())
            .expect_err(what)
            .to_string();
        assert!(
            error.contains("was changed or damaged") && error.contains("hexgate audit verify"),
            "{what}: {error}"
        );
        assert_eq!(
            fs::read_to_string(other.segment(0)).unwrap(),
            text,
            "{what}"
        );
    }
}

#[test]
fn keys_can_rotate() {
    let fixture = Fixture::new();
    fixture.with(1);
    let mut newer = options();
    newer.checkpoint_key = Some(PrivateKey::from_bytes(&[8; 32]));
    let log = AuditLog::open(fixture.log(), newer, now()).unwrap();
    record(&log, 1);
    log.close(now()).unwrap();
    let mut both = keys();
    both.insert(PrivateKey::from_bytes(&[8; 32]).public_key());
    let verify_by = |keys: TrustedKeys| {
        verify(
            fixture.log(),
            &Anchors {
                keys,
                ..Anchors::default()
            },
        )
        .unwrap()
    };
    let verified = verify_by(both);
    assert_eq!(verified.findings, []);
    assert_eq!((verified.checkpoints, verified.unsigned()), (2, 0));
    assert_eq!(verify_by(keys()).findings.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bytes_that_are_no_log_are_never_one(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        prop_assert!(!verify_bytes(&bytes, &Anchors::default()).is_intact());
    }

    #[test]
    fn lines_in_any_other_order_are_no_log(order in Just((0..8usize).collect::<Vec<_>>()).prop_shuffle()) {
        let fixture = Fixture::new();
        fixture.with(4);
        let lines = fixture.lines();
        prop_assert_eq!(lines.len(), 8);
        let text: String = order.iter().map(|at| lines[*at].as_str()).collect();
        let is_intact = verify_bytes(text.as_bytes(), &Anchors::default()).is_intact();
        prop_assert_eq!(is_intact, order.is_sorted());
    }
}

#[test]
fn an_anchor_in_the_middle_says_how_much_it_leaves_open() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let middle: Head = record(&log, 0);
    record(&log, 1);
    log.close(now()).unwrap();
    let verified = verify(
        fixture.log(),
        &Anchors {
            heads: vec![middle],
            ..Anchors::default()
        },
    )
    .unwrap();
    assert_eq!(verified.findings, []);
    // The second decision, the end, the signature.
    assert_eq!(verified.unanchored(), 3);
}

#[test]
fn an_anchor_in_a_file_that_was_put_away_proves_nothing() {
    let fixture = Fixture::new();
    let mut several = options();
    several.segment_bytes = 2000;
    let log = AuditLog::open(fixture.log(), several, now()).unwrap();
    let early = record(&log, 0);
    for index in 1..20 {
        record(&log, index);
    }
    log.close(now()).unwrap();
    let header: serde_json::Value = serde_json::from_str(
        fs::read_to_string(fixture.segment(1))
            .unwrap()
            .lines()
            .next()
            .unwrap(),
    )
    .unwrap();
    let from = Head {
        n: header["n"].as_u64().unwrap() - 1,
        hash: header["previous"].as_str().unwrap().parse().unwrap(),
    };
    fs::remove_file(fixture.segment(0)).unwrap();
    let found = |heads: Vec<Head>| {
        let anchors = Anchors {
            heads,
            from: Some(from),
            ..Anchors::default()
        };
        verify(fixture.log(), &anchors).unwrap().findings
    };
    assert_eq!(found(vec![]), []);
    assert_eq!(found(vec![from]), []);
    assert_eq!(
        found(vec![early]),
        [Finding::AnchorBefore { anchor: early }]
    );
}
