//! A folder, a log in it, and a decision.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hexgate_audit::{
    Anchors, AuditLog, DigestKey, Durability, Head, Options, Outcome, Receipt, Record, Redaction,
    Verification, verify,
};
use hexgate_bundle::{PrivateKey, TrustedKeys};
use tempfile::TempDir;

pub(crate) static ALLOW: Outcome = Outcome::Allow {
    role: Some(0),
    scope: None,
};

pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("audit")
    }

    pub(crate) fn segment(&self, index: u32) -> PathBuf {
        self.log().join(format!("segment-{index:06}.jsonl"))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.segment(0)).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    /// The lines, each with its newline.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.text()
            .split_inclusive('\n')
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn write(&self, bytes: impl AsRef<[u8]>) {
        fs::write(self.segment(0), bytes).unwrap();
    }

    pub(crate) fn open(&self) -> AuditLog {
        AuditLog::open(self.log(), options(), now()).unwrap()
    }

    /// A log of so many decisions, closed and signed. Its last record.
    pub(crate) fn with(&self, decisions: usize) -> Head {
        let log = self.open();
        for index in 0..decisions {
            record(&log, index);
        }
        log.close(now()).unwrap().unwrap()
    }

    pub(crate) fn verify(&self) -> Verification {
        verify(self.log(), &Anchors::default()).unwrap()
    }

    /// Verified by the key that signs.
    pub(crate) fn verify_signed(&self) -> Verification {
        let anchors = Anchors {
            keys: keys(),
            ..Anchors::default()
        };
        verify(self.log(), &anchors).unwrap()
    }
}

pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub(crate) fn signer() -> PrivateKey {
    PrivateKey::from_bytes(&[7; 32])
}

pub(crate) fn keys() -> TrustedKeys {
    signer().public_key().into()
}

/// Signed when it is closed and not before, so that what is written is the same each time.
pub(crate) fn options() -> Options {
    let mut options = Options::new(DigestKey::from_bytes(&[9; 32]));
    // Building the tables takes longer than most tests.
    options.redaction = Redaction {
        names: vec![],
        text_names: vec![],
        patterns: vec![],
    };
    options.durability = Durability::Never;
    options.checkpoint_key = Some(signer());
    options.checkpoint_every = Duration::from_secs(3600);
    options
}

/// Records the decision of this number.
pub(crate) fn record(log: &AuditLog, index: usize) -> Head {
    let arguments = format!(r#"{{"amount": {index}}}"#);
    let decision = Record {
        arguments: &arguments,
        ..decision(&ALLOW)
    };
    match log.record(&decision).unwrap() {
        Receipt::Written(head) => head,
        Receipt::Lost(_) => panic!("it was lost"),
    }
}

pub(crate) fn decision(outcome: &Outcome) -> Record<'_> {
    Record {
        at: now(),
        id: None,
        agent: "support-bot",
        project: Some("shop"),
        user: Some("ada"),
        session: Some("s-1"),
        roles: &["support", "billing"],
        tool: "refund_order",
        arguments: r#"{"amount": 12}"#,
        facts: None,
        policy: Some(hexgate_bundle::Digest::of(b"policy")),
        component: Some(hexgate_bundle::Digest::of(b"component")),
        outcome,
        took: Duration::from_nanos(812),
        shadow: None,
    }
}

/// Copies a log's folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
