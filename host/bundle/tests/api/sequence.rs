//! Older bundles do not come back.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    thread,
};

use hexgate_bundle::{
    Claims, Draft, Expectation, SequenceError, SequenceStore, UnverifiedBundle, VerifiedBundle,
};

use crate::fixture::*;

fn bundle(agent: &str, sequence: u64) -> VerifiedBundle {
    let claims = Claims {
        agent: Some(agent.to_owned()),
        sequence,
        ..claims()
    };
    let parts = Draft { claims, ..draft() }
        .seal(Some(&key()))
        .unwrap()
        .into_parts("test");
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
    let longer = good.replace("\n  ]", ",\n    {\n      \"agent\": \"a\",\n      \"project\": null,\n      \"sequence\": 1\n    }\n  ]");
    for bad in [
        String::new(),
        "{}".to_owned(),
        good[..good.len() - 1].to_owned(),
        good.replace("7", "07"),
        good.replace("7", "6.0"),
        good.replace("7", "9007199254740992"),
        good.replace("\"version\": 1", "\"version\": 2"),
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
    fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
    says(
        &store.admit(&bundle("a", 9)).unwrap_err().to_string(),
        &["mode 0620", "can be written by others"],
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
fn a_folder_that_is_missing_is_named() {
    let error = SequenceStore::at("/nonexistent/sequences")
        .admit(&bundle("a", 1))
        .unwrap_err();
    says(
        &error.to_string(),
        &["/nonexistent/sequences", "a folder that exists"],
    );
}
