//! What a record holds, and what it never holds.

use std::{fs, os::unix::fs::PermissionsExt, thread};

use hexgate_audit::{
    AuditLog, Durability, Entry, ErrorClass, Hint, KeptAs, Member, Note, OpenError, Outcome,
    Record, Redaction, Withheld,
};
use serde_json::{Value, json};

use crate::fixture::{ALLOW, Fixture, decision, now, options, record};

/// The decisions in a log.
fn decisions(fixture: &Fixture) -> Vec<Value> {
    fixture
        .lines()
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["kind"] == "decision")
        .collect()
}

/// One decision, recorded under these options, as it stands in the log.
fn recorded(arguments: KeptAs, record: &Record<'_>) -> (Value, String) {
    let fixture = Fixture::new();
    let mut options = options();
    options.arguments = arguments;
    options.redaction = Redaction::default();
    options.member_bytes = 4096;
    let log = AuditLog::open(fixture.log(), options, now()).unwrap();
    let _ = log.record(record).unwrap();
    log.close(now()).unwrap();
    assert_eq!(fixture.verify_signed().findings, []);
    (decisions(&fixture).remove(0), fixture.text())
}

#[test]
fn a_record_says_who_wanted_what_and_what_came_of_it() {
    let outcome = Outcome::Deny {
        reason: "Policy denied tool \"refund_order\": args.amount <= 50".to_owned(),
        violations: vec!["args.amount <= 50".to_owned()],
        hint: Some(Hint {
            allowed: vec!["src/**".to_owned()],
            denied: vec![],
            except: vec![],
        }),
        message: Some("Ask the customer to call us.".to_owned()),
    };
    let wanted = Record {
        id: Some("3f2504e0-4f89-81d3-9a0c-0305e82c3301"),
        facts: Some("{\"ctx\":{\"tenant\":\"ö\\n\"}}"),
        ..decision(&outcome)
    };
    let (mut found, text) = recorded(KeptAs::Redacted, &wanted);
    let taken: Vec<Value> = ["arguments_digest", "facts_digest", "hash"]
        .iter()
        .map(|name| found.as_object_mut().unwrap().remove(*name).unwrap())
        .collect();
    assert!(
        taken
            .iter()
            .all(|digest| digest.as_str().unwrap().len() == 64)
    );
    assert_eq!(
        found,
        json!({
            "kind": "decision",
            "at": "2027-01-15T08:00:00.000000Z",
            "id": "3f2504e0-4f89-81d3-9a0c-0305e82c3301",
            "agent": "support-bot",
            "project": "shop",
            "user": "ada",
            "session": "s-1",
            "roles": ["support", "billing"],
            "tool": "refund_order",
            "arguments": "{\"amount\": 12}",
            "facts": "{\"ctx\":{\"tenant\":\"ö\\n\"}}",
            "policy": hexgate_bundle::Digest::of(b"policy").to_string(),
            "component": hexgate_bundle::Digest::of(b"component").to_string(),
            "verdict": {
                "outcome": "deny",
                "reason": "Policy denied tool \"refund_order\": args.amount <= 50",
                "violations": ["args.amount <= 50"],
                "hint": {"allowed": ["src/**"]},
                "message": "Ask the customer to call us.",
            },
            "took_ns": 812,
            "n": 2,
        })
    );
    let line = text.lines().nth(2).unwrap();
    let Ok(Entry::Decision(read)) = Entry::parse(line.as_bytes()) else {
        panic!("{line}");
    };
    assert_eq!(read.verdict, outcome);
    assert_eq!(read.arguments.as_deref(), Some(wanted.arguments));
    assert_eq!(read.facts.as_deref(), wanted.facts);
}

#[test]
fn every_outcome_reads_back() {
    for outcome in [
        ALLOW.clone(),
        Outcome::Allow {
            role: None,
            scope: Some(3),
        },
        Outcome::NeedsApproval {
            role: Some(1),
            scope: None,
            terms: None,
            message: None,
        },
        Outcome::NeedsApproval {
            role: None,
            scope: None,
            terms: Some(2),
            message: Some("A colleague is asked.".to_owned()),
        },
        Outcome::Deny {
            reason: String::new(),
            violations: vec![],
            hint: None,
            message: None,
        },
        Outcome::Deny {
            reason: String::new(),
            violations: vec![],
            hint: Some(Hint {
                allowed: vec![],
                denied: vec![".env*".to_owned()],
                except: vec![".env.example".to_owned()],
            }),
            message: Some("Ask the customer to call us.".to_owned()),
        },
        Outcome::Error {
            error: ErrorClass::Malformed,
            reason: "malformed arguments at 3: \u{1}".to_owned(),
        },
        Outcome::Refused {
            code: "no_caller".to_owned(),
            reason: "there is no caller".to_owned(),
        },
    ] {
        let (found, _) = recorded(KeptAs::Redacted, &decision(&outcome));
        let read: Outcome = serde_json::from_value(found["verdict"].clone()).unwrap();
        assert_eq!(read, outcome);
        assert!(found.get("withheld").is_none());
    }
}

#[test]
fn secrets_are_not_written() {
    let secret = "AKIAIOSFODNN7EXAMPLE";
    let outcome = Outcome::Refused {
        code: "x".to_owned(),
        reason: format!("no tool {secret}"),
    };
    let facts = r#"{"ctx":{"api_key":"hunter2"}}"#;
    let wanted = Record {
        tool: secret,
        arguments: r#"{"q":"AKIAIOSFODNN7EXAMPLE","password":"hunter2","n":1}"#,
        facts: Some(facts),
        ..decision(&outcome)
    };
    let (found, text) = recorded(KeptAs::Redacted, &wanted);
    assert!(
        !text.contains(secret) && !text.contains("hunter2"),
        "{text}"
    );
    assert_eq!(
        found["arguments"],
        r#"{"q":"[REDACTED:aws_access_key]","password":"[REDACTED]","n":1}"#
    );
    assert_eq!(
        found["withheld"],
        json!({"tool": "redacted", "arguments": "redacted", "facts": "redacted", "reason": "redacted"})
    );

    let (found, text) = recorded(KeptAs::DigestOnly, &wanted);
    assert!(
        !text.contains(secret) && !text.contains("hunter2"),
        "{text}"
    );
    assert!(found.get("arguments").is_none() && found.get("facts").is_none());
    assert_eq!(found["withheld"]["arguments"], "digest_only");

    let (found, _) = recorded(KeptAs::Plain, &wanted);
    assert_eq!(found["arguments"], wanted.arguments);
    assert!(found.get("withheld").is_none());
}

#[test]
fn a_digest_tells_equal_arguments_to_who_has_the_key() {
    let (plain, _) = recorded(KeptAs::Plain, &decision(&ALLOW));
    let (digest, _) = recorded(KeptAs::DigestOnly, &decision(&ALLOW));
    assert_eq!(plain["arguments_digest"], digest["arguments_digest"]);
    let key = options().digest_key;
    assert_eq!(
        plain["arguments_digest"],
        key.of_arguments(r#"{"amount": 12}"#).to_string()
    );
}

#[test]
fn what_is_too_large_or_cannot_be_looked_through_is_kept_as_its_digest() {
    let large = format!(r#"{{"q":"{}"}}"#, "x".repeat(4096));
    let many = ["role"; 40];
    let tool = "ö".repeat(1000);
    let outcome = Outcome::Deny {
        reason: "r".repeat(5000),
        violations: vec!["v".repeat(40_000); 3],
        hint: None,
        message: None,
    };
    let wanted = Record {
        arguments: &large,
        facts: Some(r#"{"password": "hunter2"#),
        roles: &many,
        tool: &tool,
        ..decision(&outcome)
    };
    let (found, text) = recorded(KeptAs::Redacted, &wanted);
    assert!(!text.contains("hunter2"));
    assert_eq!(
        found["withheld"],
        json!({"arguments": "too_large", "facts": "malformed", "roles": "too_large", "tool": "too_large", "reason": "too_large"})
    );
    assert_eq!(found["roles"].as_array().unwrap().len(), 33);
    assert_eq!(found["tool"], "ö".repeat(512));
    assert_eq!(found["verdict"]["violations"].as_array().unwrap().len(), 1);
    let line = text.lines().nth(2).unwrap();
    let Ok(Entry::Decision(read)) = Entry::parse(line.as_bytes()) else {
        panic!("{line}");
    };
    assert_eq!(read.withheld[&Member::Facts], Withheld::Malformed);
}

#[test]
fn a_note_stands_between_decisions() {
    let fixture = Fixture::new();
    let mut options = options();
    options.redaction = Redaction::default();
    let log = AuditLog::open(fixture.log(), options, now()).unwrap();
    let head = record(&log, 1);
    log.note(&Note {
        at: now(),
        event: "approval_used",
        about: Some(head.n),
        details: &[("approver", "grace"), ("by", "key AKIAIOSFODNN7EXAMPLE")],
    })
    .unwrap();
    log.close(now()).unwrap();
    let line = fixture.lines().remove(3);
    let Ok(Entry::Note(note)) = Entry::parse(line.trim_end().as_bytes()) else {
        panic!("{line}");
    };
    assert_eq!(
        (note.event.as_str(), note.about),
        ("approval_used", Some(2))
    );
    assert_eq!(note.details["approver"], "grace");
    assert_eq!(note.details["by"], "key [REDACTED:aws_access_key]");
    assert_eq!(fixture.verify_signed().findings, []);
}

#[test]
fn threads_write_one_chain() {
    for sync in [Durability::Never, Durability::Each] {
        let fixture = Fixture::new();
        let mut options = options();
        options.durability = sync;
        let log = AuditLog::open(fixture.log(), options, now()).unwrap();
        thread::scope(|scope| {
            for thread in 0..8 {
                let log = &log;
                scope.spawn(move || {
                    for index in 0..50 {
                        record(log, thread * 1000 + index);
                    }
                });
            }
        });
        log.close(now()).unwrap();
        let verified = fixture.verify_signed();
        assert_eq!(verified.findings, []);
        assert_eq!(verified.decisions, 400);
        let mut arguments: Vec<String> = decisions(&fixture)
            .iter()
            .map(|line| line["arguments"].to_string())
            .collect();
        arguments.sort();
        arguments.dedup();
        assert_eq!(arguments.len(), 400);
    }
}

#[test]
fn the_folder_is_its_owners_alone() {
    let fixture = Fixture::new();
    fixture.with(1);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(fixture.log()), 0o700);
    assert_eq!(mode(fixture.segment(0)), 0o600);
    fs::set_permissions(fixture.log(), fs::Permissions::from_mode(0o702)).unwrap();
    let error = AuditLog::open(fixture.log(), options(), now()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("(mode 0702) can be written by other users"),
        "{error}"
    );
    let mut too_large = options();
    too_large.member_bytes = 1 << 20;
    assert!(matches!(
        AuditLog::open(fixture.log(), too_large, now()),
        Err(OpenError::MemberBytes { .. })
    ));
}

#[test]
fn missing_folders_are_made_and_links_in_them_are_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let victim = root.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    for name in ["writer.lock", "lost.json", "segment-000000.jsonl"] {
        let log = root.path().join("a/logs").join(name);
        fs::create_dir_all(&log).unwrap();
        fs::set_permissions(&log, fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink(&victim, log.join(name)).unwrap();
        let mut options = options();
        options.when_unwritable = hexgate_audit::WhenUnwritable::Count;
        let opened = AuditLog::open(&log, options, now());
        // What is no file of the log yet is begun anew.
        assert_eq!(opened.is_ok(), name.starts_with("segment"), "{name}");
        drop(opened);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{name}");
    }
    let log = root.path().join("b/logs/log");
    drop(AuditLog::open(&log, options(), now()).unwrap());
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(log), 0o700);
}

#[test]
fn calls_that_count_tokens_are_kept_as_they_are() {
    let wanted = Record {
        arguments: r#"{"model":"m","max_tokens":4096}"#,
        facts: Some(r#"{"run":{"total_tokens":12}}"#),
        ..decision(&ALLOW)
    };
    let (found, _) = recorded(KeptAs::Redacted, &wanted);
    assert_eq!(found["arguments"], wanted.arguments);
    assert_eq!(found["facts"].as_str(), wanted.facts);
    assert!(found.get("withheld").is_none());
}
