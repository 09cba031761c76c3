//! `hexgate audit`

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hexgate_audit::{AuditLog, DigestKey, Durability, Options, Outcome, Record, Shadow};
use hexgate_bundle::{Digest, PrivateKey};
use hexgate_host::{Engine, Policy};
use insta::assert_snapshot;

use crate::fixture::Fixture;

const NEXT: &str = r#"roles:
  default: {}
  billing:
    tools:
      refund_order:
        mode: allow
        constraints: ["args.amount > 0", "args.amount <= 1000"]
      drop_table: { mode: approval_required }
"#;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// Decides and records calls as a host does, by `policy.yaml` and beside it by `next.yaml`: the log `audit`, signed by `audit.private`.
fn written(fixture: Fixture, calls: &[(&str, &str, &str)]) -> Fixture {
    let fixture = fixture.with("next.yaml", NEXT);
    fixture.quiet("keygen --out audit");
    fixture.quiet("build policy.yaml --out dist");
    fixture.quiet("build next.yaml --out next");
    let engine = Engine::new().unwrap();
    let [(live, component), (next, _)] = ["dist/policy.wasm", "next/next.wasm"].map(|path| {
        let bytes = fs::read(fixture.path(path)).unwrap();
        let policy = Policy::dangerous_from_unverified_bytes(&engine, &bytes).unwrap();
        (policy, bytes)
    });
    let mut options = Options::new(DigestKey::from_bytes(&[9; 32]));
    options.durability = Durability::Never;
    options.checkpoint_every = Duration::from_secs(3600);
    options.checkpoint_key = Some(
        PrivateKey::from_file(fixture.path("audit.private"))
            .unwrap()
            .key,
    );
    let log = AuditLog::open(fixture.path("audit"), options, now()).unwrap();
    let shadow = Shadow::new(next, None, Digest::of(b"next"));
    for (user, tool, arguments) in calls {
        let roles = ["billing"];
        let outcome = Outcome::ask(&live, &roles, tool, arguments, None);
        let _ = log
            .record(&Record {
                at: now(),
                id: None,
                agent: "support-bot",
                project: None,
                user: Some(user),
                session: None,
                roles: &["billing"],
                tool,
                arguments,
                facts: None,
                policy: None,
                component: Some(Digest::of(&component)),
                outcome: &outcome,
                took: Duration::from_nanos(600),
                shadow: Some(&shadow.ask(&roles, tool, arguments, None)),
            })
            .unwrap();
    }
    log.close(now()).unwrap();
    fixture
}

const CALLS: [(&str, &str, &str); 5] = [
    (
        "ada",
        "refund_order",
        r#"{"amount": 12, "currency": "USD"}"#,
    ),
    (
        "ada",
        "refund_order",
        r#"{"amount": 700, "currency": "USD"}"#,
    ),
    ("bob", "wire_transfer", r#"{"amount": 700}"#),
    (
        "bob",
        "drop_table",
        r#"{"name": "<script>alert(1)</script>"}"#,
    ),
    ("bob", "read_file", r#"{"file_path": "src/a"}"#),
];

fn audit(fixture: &Fixture, arguments: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hexgate"))
        .arg("audit")
        .args(arguments.split_whitespace())
        .current_dir(fixture.path(""))
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut shown = fixture.shown(&output);
    // Hashes differ from run to run, because the log has an id.
    while let Some(at) = shown.find("  head         ") {
        let end = at + shown[at..].find('\n').unwrap();
        shown.replace_range(at..=end, "");
    }
    shown
}

#[test]
fn a_log_is_verified() {
    let fixture = written(Fixture::new(), &CALLS);
    assert_snapshot!(audit(&fixture, "verify audit"), @r"
    exit 0
    ✓ audit is intact
      records      9, 5 of them decisions
      checkpoints  1; not checked, pass `--pubkey`
      anchor       none; the tail is not anchored, pass `--head`
      candidate    asked about 5 decisions, 4 of them with another outcome
    --- stderr
    note: only an anchor shows that no tail was cut off: name the last record that you noted elsewhere (`--head`); only the key of its checkpoints shows who wrote the log (`--pubkey`)
    ");
    assert_snapshot!(audit(&fixture, "verify audit --pubkey audit.public"), @r"
    exit 0
    ✓ audit is intact
      records      9, 5 of them decisions
      checkpoints  1, the last over record 7
      anchor       none; the tail is not anchored, pass `--head`
      candidate    asked about 5 decisions, 4 of them with another outcome
    --- stderr
    note: only an anchor shows that no tail was cut off: name the last record that you noted elsewhere (`--head`)
    ");
    let head = audit(&fixture, "head audit");
    assert_snapshot!(head, @r"
    exit 0
    8:[SHA256]
    ");
    let output = Command::new(env!("CARGO_BIN_EXE_hexgate"))
        .args(["audit", "head", "audit"])
        .current_dir(fixture.path(""))
        .output()
        .unwrap();
    let head = String::from_utf8(output.stdout).unwrap();
    assert_snapshot!(audit(&fixture, &format!("verify audit --head {head}")), @r"
    exit 0
    ✓ audit is intact
      records      9, 5 of them decisions
      checkpoints  1; not checked, pass `--pubkey`
      anchor       record 8, as noted
      candidate    asked about 5 decisions, 4 of them with another outcome
    ");

    let path = fixture.path("audit/segment-000000.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(&path, lines[..4].concat()).unwrap();
    assert_snapshot!(audit(&fixture, "verify audit"), @r"
    exit 0
    ✓ audit is intact
      records      4, 2 of them decisions
      checkpoints  none
      anchor       none; the tail is not anchored, pass `--head`
      candidate    asked about 2 decisions, 1 of them with another outcome
      writer       did not end in good order, or still writes
    --- stderr
    note: only an anchor shows that no tail was cut off: name the last record that you noted elsewhere (`--head`)
    ");
    assert_snapshot!(audit(&fixture, &format!("verify audit --head {head}")), @r"
    exit 1
    --- stderr
    error: `audit` is not intact
      the log ends before record 8 of the anchor: its tail was cut off
    ");
    assert_snapshot!(audit(&fixture, "verify audit --pubkey audit.public"), @r"
    exit 1
    --- stderr
    error: `audit` is not intact
      no checkpoint of the log is by a trusted key, so any user who can write there can have made all of it
    ");
    fs::write(&path, text.replace("\"bob\"", "\"eve\"")).unwrap();
    assert_snapshot!(audit(&fixture, "verify audit"), @r"
    exit 1
    --- stderr
    error: `audit` is not intact
      segment-000000.jsonl, line 5: record 4 was changed: its hash does not match it and the record before it
      segment-000000.jsonl, line 6: record 5 was changed: its hash does not match it and the record before it
      segment-000000.jsonl, line 7: record 6 was changed: its hash does not match it and the record before it
    ");
    assert_snapshot!(audit(&fixture, "verify nothing"), @r"
    exit 2
    --- stderr
    error: cannot read `nothing`: No such file or directory (os error 2); check the path
    ");
    assert_snapshot!(audit(&fixture, "verify audit --head x"), @r"
    exit 2
    --- stderr
    error: invalid value 'x' for '--head <N:HASH>': a head is the number of a record, a colon and its hash of 64 hexadecimal digits, as `hexgate audit head` prints it

    For more information, try '--help'.
    ");
}

#[test]
fn records_after_the_last_signature_are_shown_as_not_signed() {
    let fixture = written(Fixture::new(), &CALLS[..1]);
    // By a process that has no key for checkpoints.
    let mut options = Options::new(DigestKey::from_bytes(&[9; 32]));
    options.durability = Durability::Never;
    let log = AuditLog::open(fixture.path("audit"), options, now()).unwrap();
    log.close(now()).unwrap();
    assert_snapshot!(audit(&fixture, "verify audit --pubkey audit.public"), @r"
    exit 0
    ✓ audit is intact
      records      7, 1 of them decisions
      checkpoints  1, the last over record 3; 2 after it are not signed
      anchor       none; the tail is not anchored, pass `--head`
      candidate    asked about 1 decision, 0 of them with another outcome
    --- stderr
    note: only an anchor shows that no tail was cut off: name the last record that you noted elsewhere (`--head`)
    ");
}

#[test]
fn a_log_is_replayed() {
    let fixture = written(Fixture::new(), &CALLS);
    assert_snapshot!(audit(&fixture, "replay audit"), @r"
    exit 1
    ! 0 of 5 calls decided again, and those agree to the letter
             5  not decided again: component [SHA256] was not found
    --- stderr
    note: only an anchor shows that no tail was cut off: name the last record that you noted elsewhere (`--head`); only the key of its checkpoints shows who wrote the log (`--pubkey`)
    error: 5 calls cannot be decided again without the component that decided; name its bundle (`--bundle PATH`)
    ");
    assert_snapshot!(audit(&fixture, "replay audit --bundle dist"), @r"
    exit 0
    ✓ 5 of 5 calls decided again, all agree to the letter
    --- stderr
    note: only an anchor shows that no tail was cut off: name the last record that you noted elsewhere (`--head`); only the key of its checkpoints shows who wrote the log (`--pubkey`)
    ");
    let by_policy = audit(&fixture, "replay audit --policy next.yaml");
    assert_snapshot!(by_policy, @r#"
    exit 0
    5 of 5 calls decided again by `next.yaml`
             1  as before
             1  deny → needs approval
             1  deny → allow
             1  needs approval → deny
             1  allow → deny

        looser  stricter  by tool
             1         0  drop_table
             0         1  read_file
             1         0  refund_order
             0         1  wire_transfer

        looser  stricter  by caller
             1         2  bob
             1         0  ada

        looser  stricter  by roles
             2         2  billing

    examples
      record 3: deny → allow
        ada [billing] refund_order({"amount": 700, "currency": "USD"})
        recorded:  Policy denied tool "refund_order": args.amount <= consts.cap
        candidate: allow
      record 4: needs approval → deny
        bob [billing] wire_transfer({"amount": 700})
        recorded:  needs approval
        candidate: Policy denied tool "wire_transfer" (no allow rule matched for role "billing")
      record 5: deny → needs approval
        bob [billing] drop_table({"name": "<script>alert(1)</script>"})
        recorded:  Policy denied tool "drop_table"
        candidate: needs approval
      record 6: allow → deny
        bob [billing] read_file({"file_path": "src/a"})
        recorded:  allow
        candidate: Policy denied tool "read_file" (no allow rule matched for role "billing")
    --- stderr
    note: only an anchor shows that no tail was cut off: name the last record that you noted elsewhere (`--head`); only the key of its checkpoints shows who wrote the log (`--pubkey`)
    "#);
    assert!(
        audit(
            &fixture,
            "replay audit --policy next.yaml --fail-on-changes"
        )
        .starts_with("exit 1\n")
    );
    // A bundle that decides instead is verified if somebody says by which key, which is not the log's.
    for pair in ["release", "other"] {
        fixture.quiet(&format!("keygen --out {pair}"));
    }
    fixture.quiet(
        "build next.yaml --out signed --sign-key release.private --agent support-bot --sequence 8",
    );
    let unverified = audit(&fixture, "replay audit --policy signed");
    assert!(
        unverified.contains("was not verified: pass `--policy-pubkey FILE`"),
        "{unverified}"
    );
    for (key, code) in [("release", 0), ("other", 1)] {
        let shown = audit(
            &fixture,
            &format!("replay audit --policy signed --policy-pubkey {key}.public"),
        );
        assert!(
            shown.starts_with(&format!("exit {code}\n")) && !shown.contains("not verified"),
            "{shown}"
        );
    }
    let shown = audit(
        &fixture,
        "replay audit --policy next.yaml --policy-pubkey release.public",
    );
    assert!(
        shown.starts_with("exit 2\n") && shown.contains("`--policy-pubkey` verifies a bundle"),
        "{shown}"
    );
    let by_shadow = audit(&fixture, "replay audit --shadow");
    let after = |text: &str| text.split_once("as before").unwrap().1.to_owned();
    assert_eq!(after(&by_policy), after(&by_shadow));

    let json = audit(&fixture, "replay audit --policy next.yaml --format json");
    let json: serde_json::Value = serde_json::from_str(
        json.split_once('\n')
            .unwrap()
            .1
            .split("--- stderr")
            .next()
            .unwrap(),
    )
    .unwrap();
    assert_eq!(json["changes"]["looser"], 2);
    assert_eq!(
        json["changes"]["tools"]["by_name"]["drop_table"],
        serde_json::json!([1, 0])
    );

    let page = audit(&fixture, "replay audit --policy next.yaml --format html");
    assert!(
        page.contains("deny → needs approval")
            && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{page}"
    );
    for outside in ["<script", "http:", "https:", "src=", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn what_was_withheld_fails_a_replay_unless_it_is_allowed() {
    let mut calls = CALLS.to_vec();
    calls.push(("ada", "refund_order", r#"{"amount": 12, "api_key": "x"}"#));
    let fixture = written(Fixture::new(), &calls);
    assert_snapshot!(audit(&fixture, "replay audit --bundle dist"), @r"
    exit 1
    ! 5 of 6 calls decided again, and those agree to the letter
             1  not decided again: arguments redacted in the log
    --- stderr
    note: only an anchor shows that no tail was cut off: name the last record that you noted elsewhere (`--head`); only the key of its checkpoints shows who wrote the log (`--pubkey`)
    error: 1 call cannot be decided again, because a part was withheld when recorded; pass `--allow-withheld` to rely on the others
    ");
    assert_snapshot!(audit(&fixture, "replay audit --bundle dist --allow-withheld"), @r"
    exit 0
    ! 5 of 6 calls decided again, and those agree to the letter
             1  not decided again: arguments redacted in the log
    --- stderr
    note: only an anchor shows that no tail was cut off: name the last record that you noted elsewhere (`--head`); only the key of its checkpoints shows who wrote the log (`--pubkey`)
    ");
}
