//! Temporary folders beside the target, and the removal of those that a killed writer left.
//!
//! A folder is locked as long as its writer lives, so a process that gets the lock knows that the writer is dead. The folder is private, so
//! no other user can hold the lock, and no writer waits.

use std::{
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::Listing;
use hexgate_base::disk::{Folder, random};

use crate::Stem;

/// The beginning of a temporary folder's name.
const PREFIX: &str = ".hexgate-bundle-";

/// The endings that a file of a bundle can have.
const ENDINGS: [&str; 5] = [
    ".yaml",
    ".rego",
    ".wasm",
    ".bundle.json",
    ".bundle.json.sig",
];

/// Removing a bundle takes milliseconds.
const PATIENCE: Duration = Duration::from_millis(200);

/// How often to try again if a writer that cleans up removes a new folder before it is locked.
const ATTEMPTS: u32 = 100;

/// A temporary folder. Drop removes it, as far as possible.
pub(super) struct PassingFolder<'a> {
    parent: &'a Folder,
    /// None once the folder has its final name, or was given up.
    name: Option<String>,
    /// The folder that was made, whatever its name is now. Locked.
    content: Folder,
}

impl<'a> PassingFolder<'a> {
    /// Makes one that is private.
    pub(super) fn create(parent: &'a Folder) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let name = format!("{PREFIX}{:016x}", random()?);
            match parent.make_folder(&name, 0o700) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            }
            // Between these steps a writer that cleans up can take the folder for a dead writer's.
            let content = match parent.folder(&name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            if is_locked_by_another(&content) {
                continue;
            }
            // Still under its name, so no writer removed it before it was locked.
            if parent.stat(&name).is_ok_and(|named| content.is(&named)) {
                let name = Some(name);
                return Ok(Self {
                    parent,
                    name,
                    content,
                });
            }
        }
        Err(io::Error::other(
            "another process removes or replaces the folder that it is built in, again and again",
        ))
    }

    /// The folder that was made.
    pub(super) fn content(&self) -> &Folder {
        &self.content
    }

    pub(super) fn name(&self) -> &Path {
        Path::new(self.name.as_deref().unwrap_or_default())
    }

    /// The folder has its final name: drop must not remove it.
    pub(super) fn forget(&mut self) {
        self.name = None;
    }

    /// Removes the bundle that has the name now, unless it was forgotten. Other files stay, and then the folder stays too.
    pub(super) fn remove(&mut self) -> io::Result<()> {
        if let Some(name) = &self.name {
            let folder = match self.parent.folder(name) {
                // Another writer has cleaned up.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.name = None;
                    return Ok(());
                }
                opened => opened?,
            };
            // Another writer may be cleaning it up. Any user could lock a bundle that all can read, so the wait is short.
            let begun = Instant::now();
            while is_locked_by_another(&folder) && begun.elapsed() < PATIENCE {
                thread::sleep(PATIENCE / 40);
            }
            let own = Listing::of(&folder)?
                .stem
                .as_ref()
                .map(Stem::all)
                .unwrap_or_default();
            remove(self.parent, name, &folder, |name| {
                own.iter().any(|own| own == name)
            })?;
            self.name = None;
        }
        Ok(())
    }

    /// Leaves it where it is.
    pub(super) fn keep(&mut self) -> String {
        self.name.take().unwrap_or_default()
    }
}

impl Drop for PassingFolder<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name
            && let Ok(folder) = self.parent.folder(name)
        {
            let _ = remove(self.parent, name, &folder, is_of_a_bundle);
        }
    }
}

/// Removes what killed writers of this user left, in a folder where no other user can give such a name to another folder of this user's. If
/// it fails, the next writer tries again.
pub(super) fn clean(parent: &Folder) {
    let is_mine = |folder: &Folder| folder.access().is_ok_and(|access| access.is_own());
    // Where others can rename files, the name may now belong to another folder of this user's.
    if !parent
        .access()
        .is_ok_and(|access| access.keeps_names_from_group())
    {
        return;
    }
    for (name, _) in parent.entries().unwrap_or_default() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        if let Ok(folder) = parent.folder(name)
            && is_mine(&folder)
            && flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _ = remove(parent, name, &folder, is_of_a_bundle);
        }
    }
}

/// Locks a folder. False also on a file system without locks: no process gets one there, so none cleans up.
fn is_locked_by_another(folder: &Folder) -> bool {
    matches!(
        flock(folder, FlockOperation::NonBlockingLockExclusive),
        Err(Errno::WOULDBLOCK | Errno::INTR)
    )
}

fn is_of_a_bundle(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Removes the files in a folder that `own` names, and then the folder if nothing else is left.
fn remove(
    parent: &Folder,
    name: &str,
    folder: &Folder,
    own: impl Fn(&str) -> bool,
) -> io::Result<()> {
    // Another writer may be cleaning up as well.
    let gone = |outcome: io::Result<()>| match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    };
    if folder.access()?.is_own() {
        // Files in a read-only folder cannot be removed. If this fails, so does the removal.
        let _ = folder.set_mode(0o700);
    }
    for (name, _) in folder.entries()? {
        // This does not remove a folder, and a folder in it is not ours.
        if name.to_str().is_some_and(&own) {
            gone(folder.remove(&name))?;
        }
    }
    gone(parent.remove_folder(name))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_what_a_dead_writer_left_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let stale = root.path().join(format!("{PREFIX}abc"));
        let foreign = root.path().join(format!("{PREFIX}def"));
        let other = root.path().join("other");
        for folder in [&stale, &foreign, &other] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("policy.yaml"), "x").unwrap();
        }
        fs::write(foreign.join("notes.txt"), "x").unwrap();

        let held = Folder::open(&stale).unwrap();
        flock(&held, FlockOperation::LockExclusive).unwrap();
        let parent = Folder::open(root.path()).unwrap();
        clean(&parent);
        assert!(stale.exists(), "its writer lives");

        drop(held);
        clean(&parent);
        assert!(
            !stale.exists()
                && foreign.join("notes.txt").exists()
                && other.join("policy.yaml").exists()
        );

        let living = PassingFolder::create(&parent).unwrap();
        let path = root.path().join(living.name());
        clean(&parent);
        assert!(path.exists());
        drop(living);
        assert!(!path.exists());
    }

    #[test]
    fn nothing_is_removed_where_others_give_names() {
        let root = tempfile::tempdir().unwrap();
        let named = root.path().join(format!("{PREFIX}abc"));
        fs::create_dir(&named).unwrap();
        fs::write(named.join("policy.yaml"), "x").unwrap();
        let parent = Folder::open(root.path()).unwrap();
        for mode in [0o777, 0o770] {
            parent.set_mode(mode).unwrap();
            clean(&parent);
            assert!(named.join("policy.yaml").exists(), "{mode:o}");
        }
        parent.set_mode(0o1777).unwrap();
        clean(&parent);
        assert!(!named.exists());
    }
}
