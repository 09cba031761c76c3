//! Policies that come from files, change, break, and go back.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use hexgate_compiler::Release;
use hexgate_compiler::bundle::{Expectation, SequenceStore, Timestamp};
use hexgate_enforce::source::{
    BundleDir, Candidate, LocalSigning, PolicyFile, PolicySource, Poll, SourceError,
};
use hexgate_enforce::{Cause, Effect, Enforcer, LivePolicy, Refresh};
use hexgate_host::Engine;

use crate::fixture::*;

const CLOSED: &str = "{}";

fn kept(refresh: Refresh) -> String {
    match refresh {
        Refresh::Kept(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_changes_is_seen_at_the_next_turn() {
    let (_folder, path, live) = live(BILLING);
    assert!(matches!(live.refresh(), Refresh::Unchanged));
    let before = live.id();
    fs::write(&path, CLOSED).unwrap();
    // Not before the turn begins.
    assert!(may_view(&live));
    assert!(matches!(live.refresh(), Refresh::Replaced(id) if *id != *before));
    assert!(!may_view(&live));

    // A source that is refused leaves the last one, says so, and goes on saying so.
    fs::write(&path, BILLING.replace("constraints:", "constraint:")).unwrap();
    for _ in 0..3 {
        let error = kept(live.refresh());
        assert!(error.contains("unknown-key"), "{error}");
        assert!(live.failure().is_some() && !may_view(&live));
    }
    fs::remove_file(&path).unwrap();
    assert!(kept(live.refresh()).contains("cannot read"));
    fs::write(&path, BILLING).unwrap();
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    assert!(live.failure().is_none() && may_view(&live));
    assert_eq!(*live.id(), *before);
}

#[test]
fn what_nobody_signed_and_others_can_change_does_not_decide() {
    let (folder, path, live) = live(BILLING);
    let roles = folder.path().join("roles");
    fs::create_dir(&roles).unwrap();
    fs::write(roles.join("default.yaml"), CLOSED).unwrap();
    let set =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let refused = |path: &Path| {
        let error = LivePolicy::open(&engine(), PolicyFile::dangerous_unsigned(path)).unwrap_err();
        error.to_string()
    };
    for (named, exposed, mode, good) in [
        (&path, &path, 0o666, 0o644),
        (&path, &path, 0o646, 0o444),
        (&path, &folder.path().to_owned(), 0o777, 0o755),
        (&roles, &roles, 0o777, 0o755),
        (&roles, &roles, 0o1777, 0o755),
        (&roles, &roles.join("default.yaml"), 0o622, 0o440),
    ] {
        set(exposed, mode);
        let error = refused(named);
        assert!(
            error.contains(&format!("mode {mode:04o}")) && error.contains("chmod go-w"),
            "{error}"
        );
        set(exposed, good);
        LivePolicy::open(&engine(), PolicyFile::dangerous_unsigned(named)).unwrap();
    }
    // The one that decides goes on deciding, and the operator is told.
    assert!(matches!(live.refresh(), Refresh::Unchanged) || may_view(&live));
    set(&path, 0o666);
    assert!(kept(live.refresh()).contains("chmod go-w"));
    assert!(may_view(&live));
    set(&path, 0o644);

    if !rustix::process::geteuid().is_root() {
        hexgate_test_support::announce("a policy of another user: only root can make one");
        return;
    }
    std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
    assert!(refused(&path).contains("belongs to user 65534"));
}

#[test]
fn an_unsigned_bundle_that_others_can_change_does_not_decide() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    write_bundle(&path, BILLING, &release(1), None);
    let open = || {
        let source =
            BundleDir::dangerous_without_signature(&path, Expectation::dangerous_any_binding());
        LivePolicy::open(&engine(), source)
    };
    open().unwrap();
    let file = fs::read_dir(&path).unwrap().next().unwrap().unwrap().path();
    for (exposed, good) in [(&path, 0o755), (&file, 0o644)] {
        fs::set_permissions(exposed, fs::Permissions::from_mode(0o777)).unwrap();
        let error = open().unwrap_err().to_string();
        assert!(error.contains("chmod go-w"), "{error}");
        fs::set_permissions(exposed, fs::Permissions::from_mode(good)).unwrap();
    }
    open().unwrap();
}

#[test]
fn a_source_that_panics_changes_nothing() {
    struct Panics(PolicyFile, bool);
    impl PolicySource for Panics {
        fn origin(&self) -> String {
            self.0.origin()
        }
        fn poll(&mut self) -> Result<Poll, SourceError> {
            assert!(!self.1, "out of order");
            self.1 = true;
            self.0.poll()
        }
        fn accepted(&mut self) {
            self.0.accepted();
        }
    }
    let (_folder, path, _) = live(BILLING);
    let source = Panics(PolicyFile::dangerous_unsigned(&path), false);
    let live = LivePolicy::open(&engine(), source).unwrap();
    for _ in 0..2 {
        let error = kept(live.refresh());
        assert!(error.contains("panicked: out of order"), "{error}");
        assert!(may_view(&live) && live.failure().is_some());
    }
}

#[test]
fn a_directory_of_roles_is_a_policy() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("default.yaml", "{}");
    write("support.yaml", "tools: {view_order: {mode: allow}}");
    let source = PolicyFile::dangerous_unsigned(folder.path());
    let live = LivePolicy::open(&engine(), source).unwrap();
    assert!(may_view(&live));
    write("support.yaml", "tools: {view_order: {mode: deny}}");
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    assert!(!may_view(&live));
    write("extra.yaml", "tools: [");
    assert!(kept(live.refresh()).contains("extra.yaml"));
}

fn source(folder: &Path) -> BundleDir {
    BundleDir::new(folder, trusted(1), Expectation::agent(AGENT))
}

/// What must not replace a good bundle, and what must not be opened in the first place.
fn bad_bundles() -> Vec<(&'static str, String, Release, Option<u8>)> {
    let other = |agent: Option<&str>, project: Option<&str>| Release {
        agent: agent.map(Into::into),
        project: project.map(Into::into),
        ..release(9)
    };
    let until = |second| Release {
        expires_at: Timestamp::from_unix_seconds(second),
        ..release(9)
    };
    let from = |second| Release {
        not_before: Timestamp::from_unix_seconds(second),
        ..release(9)
    };
    let open = BILLING.replace("args.amount <= 50", "args.amount <= 5000");
    vec![
        ("is not signed", open.clone(), release(9), None),
        ("trusted key", open.clone(), release(9), Some(2)),
        (
            "`other-bot`",
            open.clone(),
            other(Some("other-bot"), None),
            Some(1),
        ),
        (
            "project",
            open.clone(),
            other(Some(AGENT), Some("p")),
            Some(1),
        ),
        ("expired", open.clone(), until(1_000), Some(1)),
        (
            "is valid from",
            open,
            from(Timestamp::MAX.unix_seconds()),
            Some(1),
        ),
    ]
}

#[test]
fn a_bundle_is_replaced_by_a_newer_one_and_by_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bundle");
    write_bundle(&folder, CLOSED, &release(3), Some(&key(1)));
    let live = LivePolicy::open(&engine(), source(&folder)).unwrap();
    assert!(!may_view(&live));
    write_bundle(&folder, BILLING, &release(4), Some(&key(1)));
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    assert!(may_view(&live));
    let good = live.id();
    assert_eq!(
        (good.sequence, good.signer),
        (Some(4), Some(key(1).public_key().id()))
    );

    let mut refused = bad_bundles();
    refused.push(("sequence number 3", CLOSED.to_owned(), release(3), Some(1)));
    refused.push(("no sequence number", CLOSED.to_owned(), release(0), Some(1)));
    // The number of the policy that decides belongs to that policy, also without a store.
    refused.push((
        "belongs to another bundle",
        CLOSED.to_owned(),
        release(4),
        Some(1),
    ));
    for (why, policy, release, signer) in refused {
        write_bundle(&folder, &policy, &release, signer.map(key).as_ref());
        for _ in 0..2 {
            let error = kept(live.refresh());
            assert!(error.contains(why), "{why}: {error}");
        }
        assert_eq!(*live.id(), *good, "{why}");
        assert!(may_view(&live));
    }
    // One byte of the component, with the signature of the real one.
    write_bundle(&folder, BILLING, &release(4), Some(&key(1)));
    assert!(matches!(live.refresh(), Refresh::Unchanged));
    let wasm = folder.join("policy.wasm");
    let mut bytes = fs::read(&wasm).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&wasm, bytes).unwrap();
    assert!(kept(live.refresh()).contains("policy.wasm"));
    assert!(may_view(&live));
}

#[test]
fn a_bad_bundle_is_not_opened_either() {
    let root = tempfile::tempdir().unwrap();
    for (number, (why, policy, release, signer)) in bad_bundles().into_iter().enumerate() {
        let folder = root.path().join(number.to_string());
        write_bundle(&folder, &policy, &release, signer.map(key).as_ref());
        let error = LivePolicy::open(&engine(), source(&folder)).unwrap_err();
        assert!(error.to_string().contains(why), "{why}: {error}");
    }
}

#[test]
fn the_highest_sequence_outlives_the_process() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bundle");
    let store = SequenceStore::at(root.path().join("sequences"));
    let open = || {
        LivePolicy::builder(&engine())
            .sequences(store.clone())
            .open(source(&folder))
    };
    write_bundle(&folder, BILLING, &release(7), Some(&key(1)));
    let live = open().unwrap();
    write_bundle(&folder, CLOSED, &release(8), Some(&key(1)));
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    drop(live);
    write_bundle(&folder, BILLING, &release(7), Some(&key(1)));
    assert!(
        open()
            .unwrap_err()
            .to_string()
            .contains("8 was already in use")
    );
}

#[test]
fn one_number_is_one_bundle_for_longer_than_the_process() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bundle");
    let store = SequenceStore::at(root.path().join("sequences"));
    let open = || {
        LivePolicy::builder(&engine())
            .sequences(store.clone())
            .open(source(&folder))
    };
    write_bundle(&folder, CLOSED, &release(7), Some(&key(1)));
    drop(open().unwrap());
    write_bundle(&folder, BILLING, &release(7), Some(&key(1)));
    let error = open().unwrap_err().to_string();
    assert!(
        error.contains("belongs to another bundle") && error.contains("sequences"),
        "{error}"
    );
    // The key of a bundle is a part of it.
    write_bundle(&folder, BILLING, &release(0), Some(&key(1)));
    assert!(
        open()
            .unwrap_err()
            .to_string()
            .contains("no sequence number")
    );
    write_bundle(&folder, CLOSED, &release(7), Some(&key(1)));
    assert!(!may_view(&open().unwrap()));
    write_bundle(&folder, BILLING, &release(8), Some(&key(1)));
    assert!(may_view(&open().unwrap()));
}

#[test]
fn bundles_without_numbers_follow_each_other_and_a_numbered_one_ends_that() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bundle");
    write_bundle(&folder, CLOSED, &release(0), Some(&key(1)));
    let live = LivePolicy::open(&engine(), source(&folder)).unwrap();
    assert_eq!(live.id().sequence, None);
    for (policy, sequence) in [(BILLING, 0), (CLOSED, 0), (BILLING, 1)] {
        write_bundle(&folder, policy, &release(sequence), Some(&key(1)));
        assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    }
    write_bundle(&folder, CLOSED, &release(0), Some(&key(1)));
    assert!(kept(live.refresh()).contains("no sequence number"));
    assert!(may_view(&live));
}

#[test]
fn bundles_that_nobody_signed_are_built_again_under_the_same_number() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bundle");
    let source = BundleDir::dangerous_without_signature(&folder, Expectation::agent(AGENT));
    write_bundle(&folder, CLOSED, &release(3), None);
    let live = LivePolicy::open(&engine(), source).unwrap();
    write_bundle(&folder, BILLING, &release(3), None);
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    write_bundle(&folder, CLOSED, &release(2), None);
    assert!(kept(live.refresh()).contains("sequence number 2"));
    assert!(may_view(&live));
}

/// What a host brings of its own accord: now verified, now not.
struct Mixed(std::collections::VecDeque<Candidate>);

impl PolicySource for Mixed {
    fn origin(&self) -> String {
        "a host".to_owned()
    }
    fn poll(&mut self) -> Result<Poll, SourceError> {
        Ok(self.0.pop_front().map_or(Poll::Unchanged, Poll::Found))
    }
    fn accepted(&mut self) {}
}

#[test]
fn what_nobody_signed_does_not_make_a_host_forget_the_number() {
    let root = tempfile::tempdir().unwrap();
    let found = |policy: &str, release: &Release, signer: Option<u8>| {
        let folder = root.path().join("bundle");
        write_bundle(&folder, policy, release, signer.map(key).as_ref());
        let mut source = match signer {
            Some(_) => source(&folder),
            None => BundleDir::dangerous_without_signature(&folder, Expectation::agent(AGENT)),
        };
        match source.poll() {
            Ok(Poll::Found(candidate)) => candidate,
            other => panic!("{other:?}"),
        }
    };
    let edited = format!("{BILLING}\n# edited\n");
    let candidates = [
        found(CLOSED, &release(5), Some(1)),
        found(BILLING, &release(5), None),
        found(&edited, &release(5), Some(1)),
        found(CLOSED, &release(4), Some(1)),
        found(CLOSED, &release(5), Some(1)),
    ];
    let live = LivePolicy::open(&engine(), Mixed(candidates.into())).unwrap();
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    assert!(kept(live.refresh()).contains("belongs to another bundle"));
    assert!(kept(live.refresh()).contains("sequence number 4"));
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
}

#[test]
fn a_link_that_is_turned_is_another_bundle() {
    let root = tempfile::tempdir().unwrap();
    let (old, new, link) = (
        root.path().join("old"),
        root.path().join("new"),
        root.path().join("current"),
    );
    write_bundle(&old, CLOSED, &release(1), Some(&key(1)));
    write_bundle(&new, BILLING, &release(2), Some(&key(1)));
    symlink(&old, &link).unwrap();
    let live = LivePolicy::open(&engine(), source(&link)).unwrap();
    assert!(!may_view(&live));
    fs::remove_file(&link).unwrap();
    symlink(&new, &link).unwrap();
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    assert!(may_view(&live));
}

#[test]
fn a_policy_past_its_validity_denies_and_a_renewed_one_decides() {
    let clock = HandClock::at(1_000);
    let engine = Engine::builder().clock(clock.clone()).build().unwrap();
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bundle");
    let until = |second, sequence| Release {
        expires_at: Timestamp::from_unix_seconds(second),
        ..release(sequence)
    };
    write_bundle(&folder, BILLING, &until(2_000, 1), Some(&key(1)));
    let live = LivePolicy::open(&engine, source(&folder).clock(clock.clone())).unwrap();
    assert!(may_view(&live));
    clock.set(2_000);
    let _ = live.refresh();
    let enforcer = Enforcer::builder(AGENT, &live).build().unwrap();
    let decision = enforcer.decide(&alice(), "view_order", "{}");
    assert_eq!(
        (decision.outcome(), decision.cause()),
        (Effect::Deny, Cause::Validity)
    );
    // The same component under other terms is another policy, with a number of its own.
    write_bundle(&folder, BILLING, &until(3_000, 1), Some(&key(1)));
    assert!(kept(live.refresh()).contains("belongs to another bundle"));
    write_bundle(&folder, BILLING, &until(3_000, 2), Some(&key(1)));
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    assert!(may_view(&live));
}

#[test]
fn a_policy_is_bound_to_the_agent_that_it_was_made_for() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bundle");
    write_bundle(&folder, BILLING, &release(1), Some(&key(1)));
    let live = LivePolicy::open(&engine(), source(&folder)).unwrap();
    let enforcer = Enforcer::builder("other-bot", &live).build().unwrap();
    let decision = enforcer.decide(&alice(), "view_order", "{}");
    assert_eq!(
        (decision.outcome(), decision.cause()),
        (Effect::Deny, Cause::Validity)
    );
    assert!(
        decision.reason().contains("`support-bot`"),
        "{}",
        decision.reason()
    );
}

#[test]
fn a_policy_that_is_signed_here_is_checked_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, BILLING).unwrap();
    let signing = |signer: u8| LocalSigning {
        key: key(signer),
        release: release(0),
        trusted: trusted(1),
        expectation: Expectation::agent(AGENT),
    };
    let live = LivePolicy::open(&engine(), PolicyFile::signed_here(&path, signing(1))).unwrap();
    assert_eq!(live.id().signer, Some(key(1).public_key().id()));
    assert!(may_view(&live));
    fs::write(&path, CLOSED).unwrap();
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    let error =
        LivePolicy::open(&engine(), PolicyFile::signed_here(&path, signing(2))).unwrap_err();
    assert!(error.to_string().contains("trusted key"), "{error}");
}
