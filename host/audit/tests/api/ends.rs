//! How calls ended.

use std::time::Duration;

use hexgate_audit::{Anchors, AuditLog, DigestKey, EndState, Ended, Entry, Redaction, verify};

use crate::fixture::*;

fn ended<'a>(tool: &'a str, result: Option<&'a str>, error: Option<&'a str>) -> Ended<'a> {
    Ended {
        at: now(),
        decision: "00000000-0000-8000-8000-000000000001",
        tool,
        ran: true,
        state: EndState::Failed,
        result,
        error,
        took: Duration::from_millis(3),
    }
}

#[test]
fn the_end_of_a_call_stands_in_the_chain_with_a_digest_of_its_result() {
    let fixture = Fixture::new();
    let log = fixture.open();
    record(&log, 0);
    log.ended(&ended("refund_order", Some("secret 42"), Some("timeout")))
        .unwrap();
    log.ended(&ended("refund_order", None, None)).unwrap();
    log.close(now()).unwrap();

    let verified = fixture.verify_signed();
    assert!(verified.is_intact(), "{:?}", verified.findings);
    assert_eq!((verified.decisions, verified.outcomes), (1, 2));
    let lines = fixture.lines();
    let ends: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains(r#""kind":"outcome""#))
        .collect();
    assert!(!ends[0].contains("secret"), "{}", ends[0]);
    let Entry::Ended(entry) = Entry::parse(ends[0].trim_end().as_bytes()).unwrap() else {
        panic!("{}", ends[0]);
    };
    let key = DigestKey::from_bytes(&[9; 32]);
    assert_eq!(entry.result_digest, Some(key.of_result("secret 42")));
    assert_eq!(
        (entry.ran, entry.state, entry.result_bytes, entry.took_ns),
        (true, EndState::Failed, Some(9), 3_000_000)
    );
    assert_eq!(entry.error.as_deref(), Some("timeout"));
    assert!(!ends[1].contains("result") && !ends[1].contains("error"));

    // Changed, moved or removed it is found like any other record.
    for (from, to) in [(r#""ran":true"#, r#""ran":false"#), ("failed", "completed")] {
        fixture.write(fixture.text().replace(from, to));
        assert!(!fixture.verify().is_intact(), "{from}");
        fixture.write(lines.concat());
    }
    fixture.write(
        lines
            .iter()
            .filter(|line| *line != ends[0])
            .cloned()
            .collect::<String>(),
    );
    assert!(!fixture.verify().is_intact());
}

#[test]
fn names_that_a_model_chose_are_searched_for_secrets() {
    let fixture = Fixture::new();
    let mut options = options();
    options.redaction = Redaction::default();
    let log = AuditLog::open(fixture.log(), options, now()).unwrap();
    let key = "AKIAIOSFODNN7EXAMPLE";
    log.ended(&ended(
        &format!("read {key}"),
        None,
        Some(&format!("no {key}")),
    ))
    .unwrap();
    log.close(now()).unwrap();
    assert!(!fixture.text().contains(key));
    assert!(
        verify(fixture.log(), &Anchors::default())
            .unwrap()
            .is_intact()
    );
}
