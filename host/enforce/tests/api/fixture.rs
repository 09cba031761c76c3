//! Policies, bundles, a clock that is turned by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hexgate_compiler::bundle::{self, PrivateKey, TrustedKeys};
use hexgate_compiler::{Compiler, Release};
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{Caller, Enforcer, LivePolicy};
use hexgate_host::{Clock, Engine};
use tempfile::TempDir;

pub(crate) const AGENT: &str = "support-bot";

pub(crate) const BILLING: &str = r#"
roles:
  default:
    tools:
      help: { mode: allow }
  support:
    tools:
      view_order: { mode: allow }
      refund_order:
        mode: allow
        constraints:
          - only(args, ["amount", "currency"])
          - args.amount > 0
          - args.amount <= 50
          - args.currency in ["USD", "EUR"]
      close_account: { mode: approval_required }
      read_file:
        mode: allow
        file_scope: { allowed_paths: ["docs/**"], denied_paths: ["docs/private/**"] }
"#;

/// Most tests share an engine: its code is compiled once.
pub(crate) fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap()).clone()
}

/// A file with a policy, and the policy that lives from it.
pub(crate) fn live(policy: &str) -> (TempDir, PathBuf, LivePolicy) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, policy).unwrap();
    let live = LivePolicy::open(&engine(), PolicyFile::dangerous_unsigned(&path)).unwrap();
    (folder, path, live)
}

pub(crate) fn enforcer(policy: &str) -> Enforcer {
    let (_folder, _, live) = live(policy);
    Enforcer::builder(AGENT, &live).build().unwrap()
}

pub(crate) fn alice() -> Caller {
    Caller::builder("alice").role("support").build().unwrap()
}

/// A clock that stands where it was put.
#[derive(Debug, Clone, Default)]
pub(crate) struct HandClock(Arc<AtomicU64>);

impl HandClock {
    pub(crate) fn at(seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seconds)))
    }

    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) fn key(byte: u8) -> PrivateKey {
    PrivateKey::from_bytes(&[byte; 32])
}

pub(crate) fn trusted(byte: u8) -> TrustedKeys {
    TrustedKeys::from(key(byte).public_key())
}

pub(crate) fn release(sequence: u64) -> Release {
    Release {
        agent: Some(AGENT.to_owned()),
        sequence,
        ..Release::default()
    }
}

/// Writes a bundle in the place of what is there.
pub(crate) fn write_bundle(
    folder: &Path,
    policy: &str,
    release: &Release,
    key: Option<&PrivateKey>,
) {
    let outcome = Compiler::default().compile_str("policy.yaml", policy);
    let compiled = outcome.policy.unwrap();
    bundle::write(folder, &compiled.draft(release).unwrap(), key).unwrap();
}

/// Whether Alice may view orders by this policy.
pub(crate) fn may_view(live: &LivePolicy) -> bool {
    let enforcer = Enforcer::builder(AGENT, live).build().unwrap();
    enforcer.decide(&alice(), "view_order", "{}").is_allowed()
}

/// Waits until something has happened.
pub(crate) fn wait(mut until: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !until() {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "it never happened"
        );
        thread::sleep(Duration::from_millis(2));
    }
}
