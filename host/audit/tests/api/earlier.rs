//! A log that a host of version 0.1.0 of the contract has written.

use std::{fs, path::PathBuf};

use hexgate_audit::{Anchors, By, replay, verify};
use hexgate_bundle::Digest;
use hexgate_host::{Engine, Policy};

fn fixture(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder
        .join("../../tests/fixtures/contract-0.1.0")
        .join(name)
}

#[test]
fn a_log_of_the_version_before_verifies_and_is_decided_again_to_the_letter() {
    let log = fixture("audit.jsonl");
    let verified = verify(&log, &Anchors::default()).unwrap();
    assert!(verified.is_intact(), "{:?}", verified.findings);
    assert_eq!((verified.records, verified.decisions), (9, 5));

    let component = fs::read(fixture("shop.bundle/policy.wasm")).unwrap();
    let engine = Engine::new().unwrap();
    let mut find = |digest: &Digest| {
        assert_eq!(*digest, Digest::of(&component));
        Policy::dangerous_from_unverified_bytes(&engine, &component)
            .map(Some)
            .map_err(|error| error.to_string())
    };
    let replayed = replay(&log, &Anchors::default(), By::Recorded(&mut find)).unwrap();
    assert!(replayed.verification.is_intact());
    assert_eq!((replayed.replayed, replayed.skipped.withheld()), (5, 0));
    assert_eq!(replayed.differences.len(), 0, "{:?}", replayed.differences);
}
