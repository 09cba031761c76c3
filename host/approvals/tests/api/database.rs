//! Files that are not the database that they should be.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    time::Duration,
};

use hexgate_approvals::{OpenError, RequestStore, StoreError};
use rusqlite::Connection;

use crate::{child, fixture::*};

fn unusable(path: &Path) -> StoreError {
    let both = [
        RequestStore::open(path).map(drop),
        RequestStore::open_or_create(path).map(drop),
    ];
    let [one, other] = both.map(|result| match result {
        Err(OpenError::Unusable { source, .. }) => source,
        other => panic!("{other:?}"),
    });
    assert_eq!(one.to_string(), other.to_string());
    one
}

#[test]
fn it_is_made_by_hosts_alone() {
    let fixture = Fixture::new();
    assert!(matches!(
        RequestStore::open(fixture.file()),
        Err(OpenError::Missing { .. })
    ));
    assert!(!fixture.file().exists());
    fixture.service();
    RequestStore::open(fixture.file()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&fixture.file()), 0o600);

    let shared = fixture.folder().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o2770)).unwrap();
    // The umask of this process may take the group's right to write away.
    RequestStore::open_or_create(shared.join("a.db")).unwrap();
    assert_eq!(mode(&shared.join("a.db")) & 0o747, 0o640);

    let missing = fixture.folder().join("a/missing/a.db");
    assert!(matches!(
        RequestStore::open(&missing),
        Err(OpenError::Missing { .. })
    ));
    RequestStore::open_or_create(&missing).unwrap();
    assert_eq!(mode(missing.parent().unwrap()), 0o700);
    assert!(matches!(
        RequestStore::open_or_create(fixture.file().join("a.db")),
        Err(OpenError::NoFolder { .. })
    ));
}

#[test]
fn a_place_that_others_get_at_is_none_for_a_database() {
    let fixture = Fixture::new();
    fixture.service();
    let set =
        |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    for (path, bad, good) in [
        (fixture.file(), 0o604, 0o600),
        (fixture.file(), 0o602, 0o600),
        (fixture.folder().to_owned(), 0o777, 0o700),
        (fixture.folder().to_owned(), 0o1777, 0o700),
    ] {
        set(&path, bad);
        let error = RequestStore::open(fixture.file()).unwrap_err();
        assert!(matches!(error, OpenError::Exposed { .. }), "{error}");
        assert!(
            error.to_string().contains(&format!("mode {bad:04o}")),
            "{error}"
        );
        assert!(
            RequestStore::open_or_create(fixture.folder().join("b.db")).is_err() || bad < 0o700
        );
        set(&path, good);
    }
    RequestStore::open(fixture.file()).unwrap();
}

#[test]
fn the_files_beside_a_database_are_no_links() {
    let fixture = Fixture::new();
    let elsewhere = fixture.folder().join("elsewhere");
    fs::write(&elsewhere, "precious").unwrap();
    for ending in ["-wal", "-shm", "-journal"] {
        let mut beside = fixture.file().into_os_string();
        beside.push(ending);
        symlink(&elsewhere, &beside).unwrap();
        let _ = RequestStore::open_or_create(fixture.file());
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
        let _ = fs::remove_file(beside);
        let _ = fs::remove_file(fixture.file());
    }
}

#[test]
fn names_that_mean_something_to_sqlite_are_names_of_files() {
    let fixture = Fixture::new();
    for name in [":memory:", "file:x?mode=memory", "%20ä '\"", "-x"] {
        let path = fixture.folder().join(name);
        RequestStore::open_or_create(&path).unwrap();
        assert!(path.is_file(), "{name}");
    }
}

#[test]
fn other_files_are_refused_and_left_alone() {
    let fixture = Fixture::new();
    let path = fixture.folder().join("x");
    fs::write(
        &path,
        "This is not a database, and was not meant to be one.",
    )
    .unwrap();
    let private = || fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    private();
    let error = unusable(&path);
    assert!(matches!(error, StoreError::NotADatabase), "{error}");
    assert!(fs::read(&path).unwrap().starts_with(b"This"));

    fs::remove_file(&path).unwrap();
    let foreign = Connection::open(&path).unwrap();
    foreign.execute("CREATE TABLE mine (x)", ()).unwrap();
    drop(foreign);
    private();
    assert!(matches!(unusable(&path), StoreError::Foreign));

    for (place, link) in [(fixture.file(), "to-file"), (path, "to-other")] {
        let link = fixture.folder().join(link);
        symlink(place, &link).unwrap();
        assert!(matches!(
            RequestStore::open_or_create(&link),
            Err(OpenError::NotAFile { .. })
        ));
    }
    assert!(matches!(
        RequestStore::open(fixture.folder()),
        Err(OpenError::NotAFile { .. })
    ));
}

#[test]
fn a_newer_version_is_not_guessed_at() {
    let fixture = Fixture::new();
    let service = fixture.service();
    let connection = Connection::open(fixture.file()).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    assert!(matches!(
        unusable(&fixture.file()),
        StoreError::Newer { found: 3, known: 2 }
    ));
    // Neither does a host go on that had it open before.
    assert!(service.settle(&call(), &terms()).is_err());
    connection.pragma_update(None, "user_version", 0).unwrap();
    assert!(matches!(unusable(&fixture.file()), StoreError::Corrupt(_)));
}

#[test]
fn a_damaged_database_lets_nothing_pass() {
    let fixture = Fixture::new();
    let request = pending(fixture.service().settle(&call(), &terms()));
    fixture.approve(&request);
    let connection = Connection::open(fixture.file()).unwrap();
    connection
        .pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))
        .unwrap();
    drop(connection);
    let good = fs::read(fixture.file()).unwrap();
    for page in 0..good.len() / 4096 {
        let mut bad = good.clone();
        let start = page * 4096 + if page == 0 { 100 } else { 0 };
        bad[start..(page + 1) * 4096].fill(0x5a);
        fs::write(fixture.file(), bad).unwrap();
        let opened = RequestStore::open(fixture.file()).map(|_| fixture.service());
        if let Ok(service) = opened {
            let outcome = service.settle(&call(), &terms());
            assert!(
                !matches!(outcome, Ok(hexgate_approvals::ApprovalStatus::Approved(_))) || page > 0,
                "page {page}: {outcome:?}"
            );
        }
    }
    fs::write(fixture.file(), &good[..good.len() / 2]).unwrap();
    let error = match RequestStore::open(fixture.file()) {
        Err(error) => error.to_string(),
        Ok(store) => store.entries().unwrap_err().to_string(),
    };
    assert!(error.contains("damaged"), "{error}");
}

#[test]
fn what_was_built_into_it_does_not_run() {
    for edit in [
        "CREATE TRIGGER t AFTER INSERT ON uses BEGIN DELETE FROM uses; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP INDEX requests_by_subject",
        "ALTER TABLE uses ADD COLUMN x TEXT",
        "DROP TABLE uses",
    ] {
        let fixture = Fixture::new();
        let service = fixture.service();
        let request = pending(service.settle(&call(), &terms()));
        fixture.approve(&request);
        fixture.edit(edit);
        let error = service.settle(&call(), &terms()).unwrap_err().to_string();
        assert!(error.contains("its tables were changed"), "{edit}: {error}");
        assert!(
            matches!(unusable(&fixture.file()), StoreError::Corrupt(_)),
            "{edit}"
        );
    }
}

#[test]
fn a_lock_is_waited_for_and_then_named() {
    let fixture = Fixture::new();
    fixture.service();
    let other = Connection::open(fixture.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let patient =
        RequestStore::open_with(&fixture.file(), true, Duration::from_millis(20)).unwrap();
    let service = hexgate_approvals::ApprovalService::new(patient, approvers());
    let error = service.settle(&call(), &terms()).unwrap_err().to_string();
    assert!(error.contains("locked by another process"), "{error}");
    // Looking needs no lock.
    assert_eq!(service.store().entries().unwrap(), []);
    other.execute_batch("ROLLBACK").unwrap();
    pending(service.settle(&call(), &terms()));
}

#[test]
fn what_this_user_cannot_write_is_said_at_once() {
    let fixture = Fixture::new();
    pending(fixture.service().settle(&call(), &terms()));
    let outcome = child::without_rights(&fixture, "open");
    assert!(outcome.contains("cannot be written"), "{outcome}");
    let outcome = child::without_rights(&fixture, "create");
    assert!(
        outcome.contains("new.db") && outcome.contains("Permission denied"),
        "{outcome}"
    );
}
