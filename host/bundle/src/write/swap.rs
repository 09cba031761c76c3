//! Moves a folder to its place in one step. All names are in one open folder.

use std::{ffi::OsStr, io, path::Path};

use rustix::io::Errno;

use hexgate_base::disk::{Folder, random};

/// How [`place`] and [`replace`] ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// The folder is in its place, and its temporary name is gone.
    New,
    /// The folder is in its place, and the older one has the temporary name.
    Replaced,
    /// The target has changed meanwhile. Nothing was done.
    Not,
}

/// Moves `folder` to a place where nothing or an empty folder is.
pub(super) fn place(parent: &Folder, folder: &Path, target: &OsStr) -> io::Result<Placed> {
    match parent.rename(folder, target) {
        Ok(()) => Ok(Placed::New),
        // Another writer placed its bundle after the target was looked at.
        Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(Placed::Not),
        Err(error) => Err(error.into()),
    }
}

/// Moves `folder` to a place where another folder is, which gets the name of `folder`.
pub(super) fn replace(parent: &Folder, folder: &Path, target: &OsStr) -> io::Result<Placed> {
    match parent.exchange(folder, target) {
        Ok(()) => Ok(Placed::Replaced),
        Err(Errno::NOENT) => absent(parent, folder),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            replace_in_two_steps(parent, folder, target)
        }
        Err(error) => Err(error.into()),
    }
}

/// For file systems without exchange. Between the two steps the target does not exist.
fn replace_in_two_steps(parent: &Folder, folder: &Path, target: &OsStr) -> io::Result<Placed> {
    // Not a temporary name: if this process dies now, the only bundle has this name, and other writers must not remove it.
    let aside = format!(".hexgate-older-{:016x}", random()?);
    match parent.rename(target, &aside) {
        Ok(()) => {}
        Err(Errno::NOENT) => return absent(parent, folder),
        Err(error) => return Err(error.into()),
    }
    if let Err(error) = parent.rename(folder, target) {
        // The older bundle goes back, so that there is one.
        parent.rename(&aside, target)?;
        return Err(error.into());
    }
    parent.rename(&aside, folder)?;
    Ok(Placed::Replaced)
}

/// One of two names is absent. If it is the target, another writer took it away; if it is our own folder, something is wrong.
fn absent(parent: &Folder, folder: &Path) -> io::Result<Placed> {
    parent.stat(folder).map(|_| Placed::Not)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folders() -> (tempfile::TempDir, Folder, [std::path::PathBuf; 2]) {
        let root = tempfile::tempdir().unwrap();
        let paths = ["new", "target"].map(|name| root.path().join(name));
        fs::create_dir(&paths[0]).unwrap();
        fs::write(paths[0].join("a"), "new").unwrap();
        let parent = Folder::open(root.path()).unwrap();
        (root, parent, paths)
    }

    const NEW: &str = "new";

    #[test]
    fn two_steps_end_like_an_exchange() {
        for replace in [replace, replace_in_two_steps] {
            let (root, parent, [new, target]) = folders();
            let replace = || replace(&parent, NEW.as_ref(), "target".as_ref());
            assert_eq!(replace().unwrap(), Placed::Not);
            fs::create_dir(&target).unwrap();
            fs::write(target.join("a"), "old").unwrap();
            assert_eq!(replace().unwrap(), Placed::Replaced);
            assert_eq!(fs::read_to_string(target.join("a")).unwrap(), "new");
            assert_eq!(fs::read_to_string(new.join("a")).unwrap(), "old");
            assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
            fs::remove_dir_all(&new).unwrap();
            assert_eq!(replace().unwrap_err().kind(), io::ErrorKind::NotFound);
            assert_eq!(fs::read_to_string(target.join("a")).unwrap(), "new");
        }
    }

    #[test]
    fn nothing_that_has_content_is_placed_over() {
        let (_root, parent, [new, target]) = folders();
        let place = || place(&parent, NEW.as_ref(), "target".as_ref());
        fs::write(&target, "file").unwrap();
        assert_eq!(place().unwrap(), Placed::Not);
        fs::remove_file(&target).unwrap();
        fs::create_dir_all(target.join("x")).unwrap();
        assert_eq!(place().unwrap(), Placed::Not);
        fs::remove_dir(target.join("x")).unwrap();
        assert_eq!(place().unwrap(), Placed::New);
        assert!(!new.exists() && target.join("a").exists());
    }
}
