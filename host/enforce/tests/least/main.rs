//! What is there without any feature: signed folders, sources of others, and refusals by name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod environment;
mod own_source;

use std::path::Path;
use std::sync::OnceLock;

use hexgate_compiler::{Compiled, Compiler, Release, bundle};
use hexgate_enforce::source::BundleDir;
use hexgate_enforce::{Caller, Enforcer, LivePolicy};
use hexgate_host::Engine;
use hexgate_host::bundle::{Expectation, PrivateKey, TrustedKeys};

const AGENT: &str = "support-bot";
const OPEN: &str = "roles: {default: {}, support: {tools: {view_order: {mode: allow}}}}";
const CLOSED: &str = "{}";

fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap()).clone()
}

fn key() -> PrivateKey {
    PrivateKey::from_bytes(&[1; 32])
}

fn trusted() -> TrustedKeys {
    TrustedKeys::from(key().public_key())
}

/// A policy, and a release of it for the agent.
fn release(policy: &str, sequence: u64) -> (Compiled, Release) {
    let compiled = Compiler::default()
        .compile_str("policy.yaml", policy)
        .policy
        .unwrap();
    let release = Release {
        agent: Some(AGENT.to_owned()),
        sequence,
        ..Release::default()
    };
    (compiled, release)
}

fn write_bundle(folder: &Path, policy: &str, sequence: u64, key: Option<&PrivateKey>) {
    let (compiled, release) = release(policy, sequence);
    bundle::write(folder, &compiled.draft(&release).unwrap(), key).unwrap();
}

fn may_view(live: &LivePolicy) -> bool {
    let enforcer = Enforcer::builder(AGENT, live).build().unwrap();
    let alice = Caller::builder("alice").roles(["support"]).build().unwrap();
    enforcer.decide(&alice, "view_order", "{}").is_allowed()
}

#[test]
fn a_signed_folder_decides() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bundle");
    write_bundle(&folder, OPEN, 1, Some(&key()));
    let source = BundleDir::new(&folder, trusted(), Expectation::agent(AGENT));
    let live = LivePolicy::open(&engine(), source).unwrap();
    assert!(may_view(&live));
    write_bundle(&folder, CLOSED, 2, Some(&key()));
    let _ = live.refresh();
    assert!(!may_view(&live));
}
