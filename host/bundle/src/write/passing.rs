//! Folders under a passing name, beside the target, and what becomes of those that a killed writer left.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::{Listing, WriteError};
use crate::Stem;

/// How the name of a passing folder begins.
const PREFIX: &str = ".hexgate-bundle-";

/// The endings that a file of a bundle can have.
const ENDINGS: [&str; 5] = [
    ".yaml",
    ".rego",
    ".wasm",
    ".bundle.json",
    ".bundle.json.sig",
];

/// The folder that holds the target and the passing folders of all writers beside it.
///
/// Each writer holds a shared lock on it. Who gets an exclusive one is alone, so that every passing folder there is a dead writer's.
pub(super) struct Siblings(File);

impl Siblings {
    /// Joins the writers. Whoever is alone cleans up first.
    pub(super) fn enter(parent: &Path) -> Result<Self, WriteError> {
        let folder = File::open(parent).map_err(|source| WriteError::io(parent, source))?;
        if flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok() {
            remove_leftovers(parent);
        }
        // Cleaning up takes milliseconds. Two seconds is somebody who will not let go.
        for _ in 0..400 {
            match flock(&folder, FlockOperation::NonBlockingLockShared) {
                Err(Errno::WOULDBLOCK | Errno::INTR) => thread::sleep(Duration::from_millis(5)),
                // A file system without locks gives nobody the exclusive one, so nobody cleans up there.
                _ => return Ok(Self(folder)),
            }
        }
        Err(WriteError::Busy {
            path: parent.to_owned(),
        })
    }

    /// Makes the renames in this folder survive a power failure.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// A folder under a passing name. Dropped, it is removed as far as that goes.
pub(super) struct PassingFolder(Option<PathBuf>);

impl PassingFolder {
    /// Makes one. One that will get the permissions of an older folder is private until then; else the umask decides.
    pub(super) fn create(parent: &Path, later: Option<u32>) -> io::Result<Self> {
        let mode = if later.is_some() { 0o700 } else { 0o777 };
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(mode))
            .tempdir_in(parent)?;
        Ok(Self(Some(folder.keep())))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }

    /// It has another name now.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    /// Removes the bundle in it, if it was not forgotten. A file that is not a bundle's is not removed, and neither is the folder then.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        if let Some(path) = &self.0 {
            let own = Listing::of(path)?
                .stem
                .as_ref()
                .map(Stem::all)
                .unwrap_or_default();
            remove_files(path, |name| own.iter().any(|own| own == name))?;
            self.0 = None;
        }
        Ok(())
    }

    /// Leaves it where it is.
    pub(super) fn keep(&mut self) -> PathBuf {
        self.0.take().unwrap_or_default()
    }
}

impl Drop for PassingFolder {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = remove_files(path, is_of_a_bundle);
        }
    }
}

/// Removes what writers left that were killed. It may fail: it is tidiness, and the next writer tries again.
fn remove_leftovers(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let passing = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        if passing && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = remove_files(&entry.path(), is_of_a_bundle);
        }
    }
}

fn is_of_a_bundle(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Removes the files that `own` names, never a folder in it, and then the folder if nothing else is left.
fn remove_files(folder: &Path, own: impl Fn(&str) -> bool) -> io::Result<()> {
    // A folder that nobody may write to keeps its files from being removed. If this fails, so does what follows.
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&own) && !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whoever_is_alone_cleans_up_and_only_what_writers_left() {
        let root = tempfile::tempdir().unwrap();
        let stale = root.path().join(format!("{PREFIX}abc"));
        let foreign = root.path().join(format!("{PREFIX}def"));
        let other = root.path().join("other");
        for folder in [&stale, &foreign, &other] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("policy.yaml"), "x").unwrap();
        }
        fs::write(foreign.join("notes.txt"), "x").unwrap();

        let held = File::open(root.path()).unwrap();
        flock(&held, FlockOperation::LockShared).unwrap();
        drop(Siblings::enter(root.path()).unwrap());
        assert!(stale.exists());

        drop(held);
        let first = Siblings::enter(root.path()).unwrap();
        assert!(
            !stale.exists()
                && foreign.join("notes.txt").exists()
                && other.join("policy.yaml").exists()
        );
        let second = Siblings::enter(root.path()).unwrap();
        first.sync().unwrap();
        second.sync().unwrap();
    }

    #[test]
    fn a_lock_that_is_not_released_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let held = File::open(root.path()).unwrap();
        flock(&held, FlockOperation::LockExclusive).unwrap();
        assert!(matches!(
            Siblings::enter(root.path()),
            Err(WriteError::Busy { .. })
        ));
    }
}
