//! Older bundles do not come back.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    thread,
};

use hexgate_bundle::{
    Claims, Digest, Draft, Expectation, SequenceError, SequenceStore, UnverifiedBundle,
    VerifiedBundle,
};

use crate::fixture::*;

pub(crate) fn bundle(agent: &str, sequence: u64) -> VerifiedBundle {
    bundle_of(SOURCE, agent, sequence)
}

fn bundle_of(source: &[u8], agent: &str, sequence: u64) -> VerifiedBundle {
    let claims = Claims {
        agent: Some(agent.to_owned()),
        sequence,
        ..claims()
    };
    let draft = Draft {
        claims,
        source,
        ..draft()
    };
    let parts = draft.seal(Some(&key())).unwrap().into_parts("test");
    UnverifiedBundle::from_parts(parts)
        .unwrap()
        .verify(&trusted(), &Expectation::agent(agent), now())
        .unwrap()
}

#[test]
fn the_highest_number_is_remembered_for_each_agent() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("sequences");
    let store = SequenceStore::at(&path);
    assert_eq!(store.highest(None, Some("a")).unwrap(), None);
    store.admit(&bundle("a", 7)).unwrap();
    store.admit(&bundle("a", 7)).unwrap();
    store.admit(&bundle("b", 1)).unwrap();
    store.admit(&bundle("a", 9)).unwrap();
    let error = SequenceStore::at(&path).admit(&bundle("a", 8)).unwrap_err();
    assert!(matches!(
        error,
        SequenceError::Older {
            found: Some(8),
            highest: 9,
            ..
        }
    ));
    says(
        &error.to_string(),
        &["sequence number 8", "9 was already in use", "sequences"],
    );
    assert_eq!(store.highest(None, Some("a")).unwrap(), Some(9));
    assert_eq!(store.highest(None, Some("b")).unwrap(), Some(1));
    assert_eq!(store.highest(Some("p"), Some("a")).unwrap(), None);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(names(root.path()), ["sequences", "sequences.lock"]);
}

fn digest_of(bundle: &VerifiedBundle) -> String {
    Digest::of(bundle.contents().manifest_bytes()).to_string()
}

#[test]
fn one_number_is_one_bundle() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("sequences");
    let store = SequenceStore::at(&path);
    let (first, other) = (bundle("a", 7), bundle_of(b"tools: {}\n", "a", 7));
    store.admit(&first).unwrap();
    let before = fs::read(&path).unwrap();
    let error = store.admit(&other).unwrap_err();
    assert!(matches!(error, SequenceError::Another { sequence: 7, .. }));
    says(
        &error.to_string(),
        &[
            "sequence number 7",
            &digest_of(&first),
            &digest_of(&other),
            "sequences",
            "--sequence",
        ],
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    // The same policy for the same agent, signed with another key or for another time, is another bundle.
    store.admit(&first).unwrap();
    store.admit(&bundle_of(b"tools: {}\n", "a", 8)).unwrap();
    assert!(store.admit(&first).is_err());
}

#[test]
fn bundles_without_a_number_follow_each_other_until_one_has_a_number() {
    let root = tempfile::tempdir().unwrap();
    let store = SequenceStore::at(root.path().join("sequences"));
    let (first, second) = (bundle("a", 0), bundle_of(b"tools: {}\n", "a", 0));
    assert_eq!(first.contents().manifest().sequence(), None);
    for bundle in [&first, &second, &first] {
        store.admit(bundle).unwrap();
    }
    assert_eq!(store.highest(None, Some("a")).unwrap(), None);
    store.admit(&bundle("a", 1)).unwrap();
    let error = store.admit(&second).unwrap_err();
    assert!(matches!(
        error,
        SequenceError::Older {
            found: None,
            highest: 1,
            ..
        }
    ));
    says(
        &error.to_string(),
        &["no sequence number", "1 was already in use", "--sequence"],
    );
    // Another agent's bundles are not concerned.
    store.admit(&bundle("b", 0)).unwrap();
}

#[test]
fn what_is_only_asked_about_is_not_remembered() {
    let root = tempfile::tempdir().unwrap();
    let store = SequenceStore::at(root.path().join("sequences"));
    store.check(&bundle("a", 7)).unwrap();
    assert_eq!(names(root.path()), [""; 0]);
    store.admit(&bundle("a", 7)).unwrap();
    let before = fs::read(root.path().join("sequences")).unwrap();
    store.check(&bundle("a", 9)).unwrap();
    for refused in [bundle("a", 6), bundle("a", 0), bundle_of(b"", "a", 7)] {
        let asked = store.check(&refused).unwrap_err().to_string();
        assert_eq!(asked, store.admit(&refused).unwrap_err().to_string());
    }
    assert_eq!(fs::read(root.path().join("sequences")).unwrap(), before);
    let missing = SequenceStore::at(root.path().join("absent/sequences"));
    assert!(missing.check(&bundle("a", 7)).is_err());
    assert!(missing.highest(None, Some("a")).is_err());
}

/// A store as it was written before it knew which bundle had a number.
const VERSION_1: &str = r#"{
  "highest": [
    {
      "agent": "a",
      "project": null,
      "sequence": 7
    },
    {
      "agent": "b",
      "project": null,
      "sequence": 0
    }
  ],
  "version": 1
}
"#;

#[test]
fn a_store_of_version_1_is_read_and_learns_which_bundle_has_the_number() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("sequences");
    let store = SequenceStore::at(&path);
    fs::write(&path, VERSION_1).unwrap();
    assert_eq!(store.highest(None, Some("a")).unwrap(), Some(7));
    assert!(matches!(
        store.admit(&bundle("a", 6)),
        Err(SequenceError::Older { .. })
    ));
    // It does not say which bundle was number 7: the one that comes first is it from then on.
    store.admit(&bundle("a", 7)).unwrap();
    assert!(matches!(
        store.admit(&bundle_of(b"", "a", 7)),
        Err(SequenceError::Another { .. })
    ));
    // A 0 was no number there either.
    assert_eq!(store.highest(None, Some("b")).unwrap(), None);
    store.admit(&bundle("b", 0)).unwrap();
    let now = fs::read_to_string(&path).unwrap();
    assert!(now.contains("\"version\": 2") && now.contains(&digest_of(&bundle("a", 7))));
    // One that was edited is not believed.
    for bad in [
        VERSION_1.replace("7", "07"),
        VERSION_1.replace("\"b\"", "\"A\""),
        VERSION_1.replace("\"version\": 1", "\"version\": 2"),
        VERSION_1.replace("highest", "newest"),
        now.replace("\"version\": 2", "\"version\": 1"),
        now.replace("\"version\": 2", "\"version\": 3"),
    ] {
        fs::write(&path, &bad).unwrap();
        let error = store.admit(&bundle("a", 9)).unwrap_err();
        assert!(
            matches!(error, SequenceError::Corrupt { .. }),
            "{bad}: {error}"
        );
    }
}

#[test]
fn a_store_of_another_user_is_not_believed() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("sequences");
    let store = SequenceStore::at(&path);
    store.admit(&bundle("a", 7)).unwrap();
    // Only root can give files away.
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_err() {
        return;
    }
    let error = store.admit(&bundle("a", 8)).unwrap_err();
    assert!(matches!(error, SequenceError::Exposed { .. }), "{error}");
    says(&error.to_string(), &["sequences", "make it yours"]);
}

#[test]
fn a_bundle_bound_to_nothing_does_not_slip_under_the_number() {
    let root = tempfile::tempdir().unwrap();
    let store = SequenceStore::at(root.path().join("sequences"));
    let unbound = |sequence| {
        let claims = Claims {
            agent: None,
            sequence,
            ..claims()
        };
        let parts = Draft { claims, ..draft() }
            .seal(Some(&key()))
            .unwrap()
            .into_parts("test");
        UnverifiedBundle::from_parts(parts)
            .unwrap()
            .verify(&trusted(), &expectation().dangerous_accept_unbound(), now())
            .unwrap()
    };
    store.admit(&bundle(AGENT, 5)).unwrap();
    assert!(matches!(
        store.admit(&unbound(4)),
        Err(SequenceError::Older { .. })
    ));
    store.admit(&unbound(6)).unwrap();
    assert_eq!(store.highest(None, Some(AGENT)).unwrap(), Some(6));
}

#[test]
fn a_store_that_was_touched_is_an_error_and_stays_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("sequences");
    let store = SequenceStore::at(&path);
    store.admit(&bundle("a", 7)).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let longer = good.replace("\n  ]", ",\n    {\n      \"agent\": \"a\",\n      \"manifest\": null,\n      \"project\": null,\n      \"sequence\": 1\n    }\n  ]");
    for bad in [
        String::new(),
        "{}".to_owned(),
        good[..good.len() - 1].to_owned(),
        good.replace("7", "07"),
        good.replace("7", "6.0"),
        good.replace("7", "9007199254740992"),
        good.replace("\"version\": 2", "\"version\": 3"),
        longer,
    ] {
        assert_ne!(bad, good);
        fs::write(&path, &bad).unwrap();
        let error = store.admit(&bundle("a", 9)).unwrap_err();
        assert!(
            matches!(error, SequenceError::Corrupt { .. }),
            "{bad}: {error}"
        );
        says(&error.to_string(), &["restore it from a backup"]);
        assert!(store.highest(None, Some("a")).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), bad);
    }
    fs::write(&path, good).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o602)).unwrap();
    says(
        &store.admit(&bundle("a", 9)).unwrap_err().to_string(),
        &["mode 0602", "can be written by others"],
    );
    fs::remove_file(&path).unwrap();
    symlink("elsewhere", &path).unwrap();
    assert!(matches!(
        store.admit(&bundle("a", 9)),
        Err(SequenceError::Io { .. })
    ));
}

#[test]
fn many_at_once_end_with_the_highest() {
    let root = tempfile::tempdir().unwrap();
    let store = SequenceStore::at(root.path().join("sequences"));
    thread::scope(|scope| {
        for first in 1..=4 {
            let store = &store;
            scope.spawn(move || {
                for sequence in (first..40).step_by(4) {
                    match store.admit(&bundle("a", sequence)) {
                        Ok(()) | Err(SequenceError::Older { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    assert_eq!(store.highest(None, Some("a")).unwrap(), Some(39));
}

#[test]
fn of_many_bundles_with_one_number_one_is_admitted() {
    let root = tempfile::tempdir().unwrap();
    let store = SequenceStore::at(root.path().join("sequences"));
    let admitted = thread::scope(|scope| {
        let threads: Vec<_> = (0..8u8)
            .map(|number| {
                let store = &store;
                scope.spawn(
                    move || match store.admit(&bundle_of(&[b'#', b'a' + number], "a", 5)) {
                        Ok(()) => 1,
                        Err(SequenceError::Another { .. }) => 0,
                        Err(error) => panic!("{error}"),
                    },
                )
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum::<u32>()
    });
    assert_eq!(admitted, 1);
}

#[test]
fn a_folder_that_is_missing_is_named() {
    let store = SequenceStore::at("/nonexistent/sequences");
    // Not made: it may lie on a disk that is not there.
    for error in [
        store.admit(&bundle("a", 1)).unwrap_err(),
        store.highest(None, Some("a")).unwrap_err(),
    ] {
        says(
            &error.to_string(),
            &["/nonexistent/sequences", "a folder that exists"],
        );
    }
}
