//! Policies that change within a turn.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hexgate_enforce::LivePolicy;
use hexgate_enforce::source::{BundleDir, PolicyFile, PolicySource, Poll, SourceError};
use hexgate_host::bundle::Expectation;

use crate::fixture::*;

const CLOSED: &str = "roles: {default: {}, support: {tools: {view_order: {mode: deny}}}}";
/// An interval that no test sees the end of.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Replaces a file as editors and deployments do.
fn rename_over(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, path).unwrap();
}

#[test]
fn a_file_is_looked_at_at_the_interval() {
    let (folder, path, _) = live(BILLING);
    // A source that cannot be watched for.
    struct Unwatched(PolicyFile);
    impl PolicySource for Unwatched {
        fn origin(&self) -> String {
            self.0.origin()
        }
        fn poll(&mut self) -> Result<Poll, SourceError> {
            self.0.poll()
        }
        fn accepted(&mut self) {
            self.0.accepted();
        }
    }
    let source = Unwatched(PolicyFile::dangerous_unsigned(&path));
    let live = LivePolicy::open(&engine(), source).unwrap();
    let watch = live.watch(Duration::from_millis(5)).unwrap();
    for (policy, expected) in [(CLOSED, false), (BILLING, true)] {
        fs::write(&path, policy).unwrap();
        wait(|| may_view(&live) == expected);
    }
    drop((watch, folder));
}

#[test]
fn a_file_that_changes_is_seen_at_once() {
    let (_folder, path, live) = live(BILLING);
    let _watch = live.watch(NEVER).unwrap();
    for round in 0..5 {
        let change = if round % 2 == 0 {
            |path: &Path, text: &str| fs::write(path, text).unwrap()
        } else {
            rename_over
        };
        change(&path, CLOSED);
        wait(|| !may_view(&live));
        change(&path, BILLING);
        wait(|| may_view(&live));
    }
    // What is refused is said at once, and so is what is gone.
    fs::write(&path, "roles: 7").unwrap();
    wait(|| live.failure().is_some());
    assert!(may_view(&live));
    fs::remove_file(&path).unwrap();
    wait(|| {
        live.failure()
            .is_some_and(|error| error.to_string().contains("cannot read"))
    });
    fs::write(&path, CLOSED).unwrap();
    wait(|| live.failure().is_none() && !may_view(&live));
}

#[test]
fn folders_that_change_are_seen_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let roles = folder.path().join("roles");
    fs::create_dir(&roles).unwrap();
    fs::write(roles.join("default.yaml"), "{}").unwrap();
    let support = roles.join("support.yaml");
    fs::write(&support, "tools: {view_order: {mode: allow}}").unwrap();
    let live = LivePolicy::open(&engine(), PolicyFile::dangerous_unsigned(&roles)).unwrap();
    let _watch = live.watch(NEVER).unwrap();
    rename_over(&support, "tools: {view_order: {mode: deny}}");
    wait(|| !may_view(&live));
}

#[test]
fn a_bundle_that_is_replaced_and_a_link_that_is_turned_are_seen_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let open = |path: PathBuf| {
        let source = BundleDir::new(path, trusted(1), Expectation::agent(AGENT));
        LivePolicy::open(&engine(), source).unwrap()
    };
    write_bundle(&at("one"), BILLING, &release(1), Some(&key(1)));
    write_bundle(&at("two"), CLOSED, &release(2), Some(&key(1)));
    symlink("one", at("live")).unwrap();
    let linked = open(at("live"));
    let replaced = open(at("one"));
    let _watches = [linked.watch(NEVER).unwrap(), replaced.watch(NEVER).unwrap()];
    assert!(may_view(&linked) && may_view(&replaced));
    symlink("two", at("live.new")).unwrap();
    fs::rename(at("live.new"), at("live")).unwrap();
    wait(|| !may_view(&linked));
    assert!(may_view(&replaced));
    write_bundle(&at("one"), CLOSED, &release(3), Some(&key(1)));
    wait(|| !may_view(&replaced));
}

#[test]
fn looking_is_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, BILLING).unwrap();
    /// Reads its file at each look.
    struct Counting(PolicyFile, PathBuf, Arc<AtomicUsize>);
    impl PolicySource for Counting {
        fn origin(&self) -> String {
            self.0.origin()
        }
        fn poll(&mut self) -> Result<Poll, SourceError> {
            self.2.fetch_add(1, Ordering::SeqCst);
            let _ = fs::read(&self.1);
            self.0.poll()
        }
        fn watched(&self) -> Option<PathBuf> {
            Some(self.1.clone())
        }
        fn accepted(&mut self) {
            self.0.accepted();
        }
    }
    let looks = Arc::new(AtomicUsize::new(0));
    let source = Counting(
        PolicyFile::dangerous_unsigned(&path),
        path.clone(),
        looks.clone(),
    );
    let live = LivePolicy::open(&engine(), source).unwrap();
    let watch = live.watch(NEVER).unwrap();
    fs::write(folder.path().join("neighbour.yaml"), "x").unwrap();
    fs::write(&path, CLOSED).unwrap();
    wait(|| !may_view(&live));
    thread::sleep(Duration::from_millis(300));
    // Opened, and the few steps in which the file was written: not once for each look before.
    let looked = looks.load(Ordering::SeqCst);
    assert!(looked <= 5, "{looked} looks");
    // What is dropped does not watch.
    drop(watch);
    thread::sleep(Duration::from_millis(50));
    let before = looks.load(Ordering::SeqCst);
    fs::write(&path, BILLING).unwrap();
    thread::sleep(Duration::from_millis(200));
    assert_eq!(looks.load(Ordering::SeqCst), before);
}
