//! Places where another user has a hand.
//!
//! Root can make another user's files and be another user. Without root these tests do what they can, and say what they leave out.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use hexgate_bundle::{PrivateKey, PublicKey, SequenceStore, TrustedKeys, generate, write};
use rustix::fs::{FlockOperation, flock};

use crate::{
    child::{SOMEBODY, SWAPPED, as_somebody_else, command, variant, wasm},
    fixture::*,
};

/// Whether this is root; if not, what is left out is said.
fn is_root(what: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        hexgate_test_support::announce(&format!("{what}: only root can be another user"));
    }
    is_root
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A folder that no writer of bundles may touch, beside the one in which they write.
fn victim(root: &Path) -> impl Fn() {
    let victim = root.join("victim");
    fs::create_dir(&victim).unwrap();
    set_mode(&victim, 0o755);
    for name in ["policy.yaml", "policy.wasm"] {
        fs::write(victim.join(name), "precious").unwrap();
    }
    move || {
        assert_eq!(names(&victim), ["policy.wasm", "policy.yaml"]);
        assert_eq!(fs::metadata(&victim).unwrap().mode() & 0o7777, 0o755);
    }
}

/// Writes bundles while another process swaps a folder and a link.
fn write_beside_a_swapper(mut swapper: std::process::Command, mode: u32, rounds: u32) {
    let root = tempfile::tempdir().unwrap();
    set_mode(root.path(), 0o755);
    let unharmed = victim(root.path());
    let shared = root.path().join("shared");
    fs::create_dir(&shared).unwrap();
    set_mode(&shared, mode);
    // What nobody removes, so that time passes between the look at all names and the last of them.
    for n in 0..200 {
        let lasting = shared.join(format!(".hexgate-bundle-{n}"));
        fs::create_dir(&lasting).unwrap();
        fs::write(lasting.join("notes.txt"), "x").unwrap();
    }
    swapper.env("HEXGATE_BUNDLE_CHILD_FOLDER", &shared);
    let swapper = swapper.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut swapper = Killed(swapper.unwrap());
    let begun = Instant::now();
    while fs::symlink_metadata(shared.join(SWAPPED[0])).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody swaps");
        std::thread::sleep(Duration::from_millis(1));
    }
    let content = [wasm(false), wasm(true)];
    let bundle = shared.join("bundle");
    for round in 0..rounds {
        let second = round % 2 == 1;
        let draft = variant(second, &content[usize::from(second)]);
        write(&bundle, &draft, Some(&key())).unwrap();
        unharmed();
    }
    assert!(
        swapper.0.try_wait().unwrap().is_none(),
        "nobody swaps any more"
    );
    load(&bundle).unwrap();
}

/// A process that ends with the test, however that ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_link_that_takes_a_folders_place_is_never_followed() {
    let nowhere = Path::new("/");
    write_beside_a_swapper(command("swap-for-ever", nowhere), 0o755, 400);
    if is_root("links of another user") {
        for mode in [0o1777, 0o777] {
            let (_tools, swapper) = as_somebody_else("swap-for-ever", nowhere);
            write_beside_a_swapper(swapper, mode, 300);
        }
    }
}

#[test]
fn what_another_user_left_is_not_touched() {
    let root = tempfile::tempdir().unwrap();
    let unharmed = victim(root.path());
    let link = root.path().join(".hexgate-bundle-link");
    symlink("victim", &link).unwrap();
    write(root.path().join("bundle"), &draft(), Some(&key())).unwrap();
    unharmed();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    if !is_root("folders of another user") {
        return;
    }
    set_mode(root.path(), 0o1777);
    let theirs = root.path().join(".hexgate-bundle-theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("policy.yaml"), "x").unwrap();
    set_mode(&theirs, 0o755);
    chown(&theirs, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    write(root.path().join("bundle"), &draft(), Some(&key())).unwrap();
    assert_eq!(names(&theirs), ["policy.yaml"]);
    assert_eq!(fs::metadata(&theirs).unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn a_link_of_another_user_is_no_place_for_a_bundle() {
    if !is_root("a link of another user") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let link = root.path().join("bundle");
    fs::create_dir(root.path().join("elsewhere")).unwrap();
    symlink("elsewhere", &link).unwrap();
    rustix::fs::chownat(
        rustix::fs::CWD,
        &link,
        Some(rustix::fs::Uid::from_raw(SOMEBODY)),
        None,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
    .unwrap();
    let refused = write(&link, &draft(), Some(&key())).unwrap_err();
    says(
        &refused.to_string(),
        &["link of another user", "name the folder itself"],
    );
    assert!(names(&root.path().join("elsewhere")).is_empty());
}

#[test]
fn a_new_bundle_does_not_take_over_what_another_user_may_write() {
    if !is_root("a folder of another user") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let bundle = root.path().join("bundle");
    fs::create_dir(&bundle).unwrap();
    set_mode(&bundle, 0o777);
    chown(&bundle, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    write(&bundle, &draft(), Some(&key())).unwrap();
    let written = fs::metadata(&bundle).unwrap();
    assert_eq!((written.uid(), written.mode() & 0o7777), (0, 0o755));
}

#[test]
fn a_lock_that_any_reader_can_hold_keeps_no_writer_waiting() {
    let root = tempfile::tempdir().unwrap();
    let bundle = root.path().join("bundle");
    write(&bundle, &draft(), Some(&key())).unwrap();
    // Whoever can read the folder, or the bundle, can do this.
    let held = [root.path(), bundle.as_path()].map(|path| {
        let folder = fs::File::open(path).unwrap();
        flock(&folder, FlockOperation::NonBlockingLockExclusive).unwrap();
        folder
    });
    let begun = Instant::now();
    write(&bundle, &draft(), Some(&key())).unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    drop(held);
    assert_eq!(names(root.path()), ["bundle"]);
}

#[test]
fn a_public_key_that_others_can_change_is_not_trusted() {
    let root = tempfile::tempdir().unwrap();
    let pair = generate(root.path().join("k"), false).unwrap();
    let refusal = || PublicKey::from_file(&pair.public).unwrap_err().to_string();
    for mode in [0o666, 0o646, 0o622] {
        set_mode(&pair.public, mode);
        says(
            &refusal(),
            &["k.public", &format!("mode {mode:04o}"), "chmod go-w"],
        );
        assert!(TrustedKeys::from_file(&pair.public).is_err());
    }
    // As `keygen` writes it, as Docker mounts configurations, as Kubernetes mounts secrets, with a group and without.
    for mode in [0o644, 0o444, 0o440, 0o640, 0o400, 0o600] {
        set_mode(&pair.public, mode);
        assert_eq!(PublicKey::from_file(&pair.public).unwrap().id(), pair.id);
    }
    if is_root("a key of another group") {
        // Root's group is root; another one is not.
        set_mode(&pair.public, 0o664);
        chown(&pair.public, None, Some(0)).unwrap();
        assert_eq!(PublicKey::from_file(&pair.public).unwrap().id(), pair.id);
        chown(&pair.public, None, Some(SOMEBODY)).unwrap();
        says(&refusal(), &["k.public", "mode 0664", "chmod go-w"]);
    }
    if is_root("a key of another user") {
        set_mode(&pair.public, 0o444);
        chown(&pair.public, Some(SOMEBODY), None).unwrap();
        says(&refusal(), &["belongs to user 65534", "chown"]);
    }
}

#[test]
fn keys_are_read_as_containers_mount_them() {
    if !is_root("keys that root mounts for somebody") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    set_mode(root.path(), 0o755);
    let pair = generate(root.path().join("k"), false).unwrap();
    // Kubernetes: links to files of a version, in a folder that all can write to but for the mount, which is read-only.
    let version = root.path().join("..2026_01_01");
    fs::create_dir(&version).unwrap();
    for key in [&pair.public, &pair.private] {
        let name = key.file_name().unwrap();
        fs::rename(key, version.join(name)).unwrap();
        symlink(Path::new("..data").join(name), key).unwrap();
    }
    symlink("..2026_01_01", root.path().join("..data")).unwrap();
    set_mode(root.path(), 0o3777);
    for (mode, group) in [
        (0o644, Some(SOMEBODY)),
        (0o440, Some(SOMEBODY)),
        (0o640, Some(SOMEBODY)),
        (0o444, None),
    ] {
        for key in [&pair.public, &pair.private] {
            chown(key, None, group).unwrap();
            set_mode(key, mode);
        }
        let (_tools, mut child) = as_somebody_else("read-keys", root.path());
        let output = child.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // A private key that a group may read, to which root gave it, is as private as a mounted secret can be.
        let warns = mode & 0o007 != 0;
        assert!(
            text.contains(&format!("outcome: read, warning: {warns}")),
            "{mode:o} {text}"
        );
    }
}

#[test]
fn missing_folders_of_keys_are_made_for_their_owner_alone() {
    let root = tempfile::tempdir().unwrap();
    let pair = generate(root.path().join("a/keys/dev"), false).unwrap();
    assert_eq!(PrivateKey::from_file(&pair.private).unwrap().warning, None);
    let folder = fs::metadata(root.path().join("a/keys")).unwrap();
    assert_eq!(folder.mode() & 0o7777, 0o700);
    // One that is there is left as it is.
    set_mode(&root.path().join("a/keys"), 0o755);
    generate(root.path().join("a/keys/other"), false).unwrap();
    let folder = fs::metadata(root.path().join("a/keys")).unwrap();
    assert_eq!(folder.mode() & 0o7777, 0o755);
}

#[test]
fn a_store_in_a_folder_that_others_can_write_proves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (folder, path) = (root.path().join("state"), root.path().join("state/seen"));
    fs::create_dir(&folder).unwrap();
    let store = SequenceStore::at(&path);
    assert_eq!(store.highest(None, Some("a")).unwrap(), None);
    store.admit(&crate::sequence::bundle("a", 7)).unwrap();
    set_mode(&folder, 0o777);
    for error in [
        store.admit(&crate::sequence::bundle("a", 8)).unwrap_err(),
        store.highest(None, Some("a")).unwrap_err(),
    ] {
        says(&error.to_string(), &["others can replace it", "chmod o-w"]);
    }
    // Nobody can replace another's file in the first, and a volume is mounted with the second.
    for mode in [0o1777, 0o2775] {
        set_mode(&folder, mode);
        store.admit(&crate::sequence::bundle("a", 9)).unwrap();
    }
}

#[test]
fn a_lock_of_a_store_is_its_owners_alone() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("seen");
    let lock = root.path().join("seen.lock");
    let store = SequenceStore::at(&path);
    fs::write(&lock, "").unwrap();
    set_mode(&lock, 0o666);
    store.admit(&crate::sequence::bundle("a", 7)).unwrap();
    assert_eq!(fs::metadata(&lock).unwrap().mode() & 0o7777, 0o600);
    if is_root("a lock of another user") {
        chown(&lock, Some(SOMEBODY), None).unwrap();
        says(
            &store
                .admit(&crate::sequence::bundle("a", 8))
                .unwrap_err()
                .to_string(),
            &["seen.lock", "others"],
        );
    }
    fs::remove_file(&lock).unwrap();
    symlink("elsewhere", &lock).unwrap();
    says(
        &store
            .admit(&crate::sequence::bundle("a", 8))
            .unwrap_err()
            .to_string(),
        &["seen.lock", "symbolic link"],
    );
    assert!(!root.path().join("elsewhere").exists());
}
