//! The compile cache: what is not its own is never loaded, and never stops anything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use common::component;
use hexgate_host::{CacheConfig, CacheError, Engine, EngineError, Policy, Request};
use tempfile::TempDir;

struct Fixture {
    root: TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self {
            root: TempDir::new().unwrap(),
        }
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    fn key(&self) -> PathBuf {
        self.root.path().join("key")
    }

    fn config(&self) -> CacheConfig {
        CacheConfig::new(self.folder(), self.key())
    }

    /// Loads a component in an engine of its own, as another process would, and sees that it decides.
    fn load(&self, wasm: &[u8]) {
        self.load_with(self.config(), wasm);
    }

    fn load_with(&self, config: CacheConfig, wasm: &[u8]) {
        let engine = Engine::builder().cache_config(config).build().unwrap();
        let policy = Policy::dangerous_from_unverified_bytes(&engine, wasm).unwrap();
        assert!(
            policy
                .decide(&Request::new("tool", "{}"))
                .unwrap()
                .is_allowed()
        );
    }

    fn entries(&self) -> Vec<PathBuf> {
        let mut entries: Vec<_> = fs::read_dir(self.folder())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        entries
    }

    fn only_entry(&self) -> PathBuf {
        let entries = self.entries();
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries[0].clone()
    }

    /// Loads again and sees that the entry was good for it.
    fn assert_used(&self, entry: &Path, wasm: &[u8]) {
        let before = inode(entry);
        self.load(wasm);
        assert_eq!(inode(entry), before);
    }

    fn error(&self) -> CacheError {
        match Engine::builder().cache(self.folder(), self.key()).build() {
            Err(EngineError::Cache(error)) => error,
            other => panic!("{other:?}"),
        }
    }
}

/// A new file has a new inode: an entry that keeps its own was used, one that changed it was written again.
fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn an_entry_is_used_again() {
    let fixture = Fixture::new();
    let wasm = component("");
    fixture.load(&wasm);
    let entry = fixture.only_entry();
    fixture.assert_used(&entry, &wasm);
    assert_eq!(fixture.only_entry(), entry);
    assert_eq!(fs::metadata(&entry).unwrap().mode() & 0o777, 0o600);
    assert_eq!(
        fs::metadata(fixture.folder()).unwrap().mode() & 0o777,
        0o700
    );
    assert_eq!(fs::metadata(fixture.key()).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_changed_entry_is_replaced() {
    let fixture = Fixture::new();
    let wasm = component("");
    fixture.load(&wasm);
    let entry = fixture.only_entry();
    let good = fs::read(&entry).unwrap();
    let places = (0..32).chain([32, 33, 40, 100, good.len() / 2, good.len() - 1]);
    for place in places {
        let mut bad = good.clone();
        bad[place] ^= 1;
        // Kept under another name, so that its inode cannot be given to the replacement.
        fs::write(fixture.root.path().join("bad"), &bad).unwrap();
        fs::rename(fixture.root.path().join("bad"), &entry).unwrap();
        fixture.load(&wasm);
        assert!(fs::read(&entry).unwrap() != bad, "byte {place}");
        fixture.assert_used(&entry, &wasm);
    }
    for length in [0, 1, 31, 32, 33, good.len() - 1] {
        fs::write(&entry, &good[..length]).unwrap();
        fixture.load(&wasm);
        assert!(fs::read(&entry).unwrap().len() > length, "length {length}");
        fixture.assert_used(&entry, &wasm);
    }
    let longer = [good.as_slice(), b"x"].concat();
    fs::write(&entry, &longer).unwrap();
    fixture.load(&wasm);
    assert!(fs::read(&entry).unwrap() != longer);
    fixture.assert_used(&entry, &wasm);
}

#[test]
fn an_entry_of_another_component_is_replaced() {
    let fixture = Fixture::new();
    let (one, other) = (
        component(""),
        component(
            ";; part rest\n;; other\n(func (export \"roles\") (param i32 i32) (result i32) (i32.const 512))\n(func (export \"rules\") (param i32 i32 i32 i32) (result i32) (i32.const 512))\n(func (export \"forbids\") (param i32 i32 i32 i32 i32) (result i32) (i32.const 512))\n(func (export \"scope\") (param i32) (result i32) (i32.const 512))\n(func (export \"terms\") (param i32) (result i32) (i32.const 512))\n(func (export \"covers\") (param i32 i32 i32) (result i32) (i32.const 0))\n",
        ),
    );
    assert_ne!(one, other);
    fixture.load(&one);
    let first = fixture.only_entry();
    fixture.load(&other);
    let second = fixture
        .entries()
        .into_iter()
        .find(|entry| *entry != first)
        .unwrap();
    fs::copy(&first, &second).unwrap();
    fixture.load(&other);
    assert!(fs::read(&second).unwrap() != fs::read(&first).unwrap());
    fixture.assert_used(&second, &other);
}

#[test]
fn an_entry_with_another_key_is_not_found() {
    let fixture = Fixture::new();
    let wasm = component("");
    fixture.load(&wasm);
    let entry = fixture.only_entry();
    fs::write(fixture.key(), [9; 32]).unwrap();
    fixture.load(&wasm);
    assert_eq!(fixture.entries().len(), 2);
    assert!(entry.exists());
}

#[test]
fn what_is_not_a_file_in_place_of_an_entry_is_replaced() {
    let fixture = Fixture::new();
    let wasm = component("");
    fixture.load(&wasm);
    let entry = fixture.only_entry();
    let good = fs::read(&entry).unwrap();
    let elsewhere = fixture.root.path().join("elsewhere");
    fs::rename(&entry, &elsewhere).unwrap();
    symlink(&elsewhere, &entry).unwrap();
    fixture.load(&wasm);
    assert!(fs::symlink_metadata(&entry).unwrap().is_file());
    assert!(fs::read(&elsewhere).unwrap() == good);
    fs::remove_file(&entry).unwrap();
    fs::create_dir(&entry).unwrap();
    fixture.load(&wasm);
    assert!(fs::symlink_metadata(&entry).unwrap().is_file());
}

#[test]
fn a_folder_or_key_that_others_reach_is_refused() {
    let fixture = Fixture::new();
    fixture.load(&component(""));
    for (path, bad, good) in [
        (fixture.folder(), 0o750, 0o700),
        (fixture.folder(), 0o702, 0o700),
        (fixture.key(), 0o640, 0o600),
    ] {
        fs::set_permissions(&path, PermissionsExt::from_mode(bad)).unwrap();
        let error = fixture.error();
        assert!(
            matches!(&error, CacheError::Untrusted { path: named, .. } if *named == path),
            "{error:?}"
        );
        assert!(error.to_string().contains(&format!("0{good:o}")), "{error}");
        fs::set_permissions(&path, PermissionsExt::from_mode(good)).unwrap();
    }
    fixture.load(&component(""));
}

#[test]
fn folders_that_are_missing_are_made_for_their_owner_alone() {
    let root = tempfile::tempdir().unwrap();
    let (folder, key) = (root.path().join("a/cache"), root.path().join("b/keys/key"));
    Engine::builder().cache(&folder, &key).build().unwrap();
    for made in [folder, root.path().join("b/keys")] {
        assert_eq!(fs::metadata(made).unwrap().mode() & 0o7777, 0o700);
    }
}

#[test]
fn links_and_misplaced_keys_are_refused() {
    let fixture = Fixture::new();
    let real = fixture.root.path().join("real");
    fs::create_dir(&real).unwrap();
    fs::set_permissions(&real, PermissionsExt::from_mode(0o700)).unwrap();
    symlink(&real, fixture.folder()).unwrap();
    assert!(matches!(fixture.error(), CacheError::Untrusted { .. }));
    fs::remove_file(fixture.folder()).unwrap();

    fs::write(fixture.folder(), "").unwrap();
    assert!(matches!(fixture.error(), CacheError::Untrusted { .. }));
    fs::remove_file(fixture.folder()).unwrap();

    let key = fixture.root.path().join("key-elsewhere");
    fs::write(&key, [1; 32]).unwrap();
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    symlink(&key, fixture.key()).unwrap();
    assert!(matches!(fixture.error(), CacheError::Untrusted { .. }));
    fs::remove_file(fixture.key()).unwrap();

    fs::write(fixture.key(), [1; 31]).unwrap();
    fs::set_permissions(fixture.key(), PermissionsExt::from_mode(0o600)).unwrap();
    assert!(matches!(fixture.error(), CacheError::Untrusted { .. }));

    let within = Engine::builder()
        .cache(fixture.folder(), fixture.folder().join("key"))
        .build();
    assert!(
        matches!(
            within,
            Err(EngineError::Cache(CacheError::Untrusted { .. }))
        ),
        "{within:?}"
    );
    let nowhere = fixture.key().join("b");
    let nowhere = Engine::builder().cache(nowhere, fixture.key()).build();
    assert!(
        matches!(nowhere, Err(EngineError::Cache(CacheError::Io { .. }))),
        "{nowhere:?}"
    );
}

#[test]
fn a_key_is_made_once_however_many_want_it() {
    let fixture = Fixture::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                Engine::builder()
                    .cache(fixture.folder(), fixture.key())
                    .build()
                    .unwrap()
            });
        }
    });
    assert_eq!(fs::read(fixture.key()).unwrap().len(), 32);
    let beside = fs::read_dir(fixture.root.path()).unwrap().count();
    assert_eq!(beside, 2, "only the folder and the key");
}

#[test]
fn the_cache_stays_within_its_size() {
    let fixture = Fixture::new();
    let variants: Vec<_> = (0..4)
        .map(|n| component(&format!(";; part memory\n(memory (export \"memory\") {})\n(global $free (mut i32) (i32.const 4096))\n", n + 2)))
        .collect();
    let mut config = fixture.config();
    config.max_entries = 2;
    for wasm in &variants {
        fixture.load_with(config.clone(), wasm);
        assert!(fixture.entries().len() <= 2);
    }
    let size = fs::metadata(&fixture.entries()[0]).unwrap().len();
    config.max_bytes = size - 1;
    let newer = component(
        ";; part memory\n(memory (export \"memory\") 9)\n(global $free (mut i32) (i32.const 4096))\n",
    );
    let before = fixture.entries();
    fixture.load_with(config.clone(), &newer);
    assert!(
        fixture.entries().iter().all(|entry| before.contains(entry)),
        "what is too large is not kept"
    );
    config.max_entries = 0;
    fixture.load_with(config, &newer);
}

#[test]
fn a_folder_that_vanishes_stops_nothing() {
    let fixture = Fixture::new();
    let engine = Engine::builder()
        .cache(fixture.folder(), fixture.key())
        .build()
        .unwrap();
    fs::remove_dir_all(fixture.folder()).unwrap();
    let policy = Policy::dangerous_from_unverified_bytes(&engine, &component("")).unwrap();
    assert!(
        policy
            .decide(&Request::new("tool", "{}"))
            .unwrap()
            .is_allowed()
    );
}
