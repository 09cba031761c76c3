//! Giving a folder its place in one step.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use rustix::io::Errno;

/// How [`place`] and [`replace`] ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// The folder has its place, and its passing name is gone.
    New,
    /// The folder has its place, and the older one has the passing name.
    Replaced,
    /// The target is not what it was thought to be. Nothing was changed.
    Not,
}

/// Moves `folder` to a place where nothing or an empty folder is.
pub(crate) fn place(folder: &Path, target: &Path) -> io::Result<Placed> {
    match rustix::fs::rename(folder, target) {
        Ok(()) => Ok(Placed::New),
        Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(Placed::Not),
        Err(error) => Err(error.into()),
    }
}

/// Moves `folder` to a place where another folder is, which gets the name of `folder`.
pub(crate) fn replace(folder: &Path, target: &Path) -> io::Result<Placed> {
    match exchange(folder, target) {
        Ok(()) => Ok(Placed::Replaced),
        Err(Errno::NOENT) => absent(folder),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => replace_in_two_steps(folder, target),
        Err(error) => Err(error.into()),
    }
}

/// Exchanges what two paths name, atomically.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(crate) fn exchange(a: &Path, b: &Path) -> Result<(), Errno> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)
}

/// This system cannot do it.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn exchange(_: &Path, _: &Path) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// Makes what was renamed or created in a folder survive a power failure.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// For file systems without exchange. Between the two steps the target does not exist.
fn replace_in_two_steps(folder: &Path, target: &Path) -> io::Result<Placed> {
    let mut aside = folder.as_os_str().to_owned();
    aside.push("-old");
    let aside = Path::new(&aside);
    match rustix::fs::rename(target, aside) {
        Ok(()) => {}
        Err(Errno::NOENT) => return absent(folder),
        Err(error) => return Err(error.into()),
    }
    if let Err(error) = fs::rename(folder, target) {
        fs::rename(aside, target)?;
        return Err(error);
    }
    fs::rename(aside, folder)?;
    Ok(Placed::Replaced)
}

/// One of two paths is absent. If it is the target, another writer took it away; if it is our own folder, something is wrong.
fn absent(folder: &Path) -> io::Result<Placed> {
    fs::symlink_metadata(folder).map(|_| Placed::Not)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let (new, target) = (root.path().join("new"), root.path().join("target"));
        fs::create_dir(&new).unwrap();
        fs::write(new.join("a"), "new").unwrap();
        (root, new, target)
    }

    #[test]
    fn two_steps_end_like_an_exchange() {
        for replace in [replace, replace_in_two_steps] {
            let (root, new, target) = folders();
            assert_eq!(replace(&new, &target).unwrap(), Placed::Not);
            fs::create_dir(&target).unwrap();
            fs::write(target.join("a"), "old").unwrap();
            assert_eq!(replace(&new, &target).unwrap(), Placed::Replaced);
            assert_eq!(fs::read_to_string(target.join("a")).unwrap(), "new");
            assert_eq!(fs::read_to_string(new.join("a")).unwrap(), "old");
            assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
            fs::remove_dir_all(&new).unwrap();
            assert_eq!(
                replace(&new, &target).unwrap_err().kind(),
                io::ErrorKind::NotFound
            );
            assert_eq!(fs::read_to_string(target.join("a")).unwrap(), "new");
        }
    }

    #[test]
    fn nothing_that_has_content_is_placed_over() {
        let (_root, new, target) = folders();
        fs::write(&target, "file").unwrap();
        assert_eq!(place(&new, &target).unwrap(), Placed::Not);
        fs::remove_file(&target).unwrap();
        fs::create_dir_all(target.join("x")).unwrap();
        assert_eq!(place(&new, &target).unwrap(), Placed::Not);
        fs::remove_dir(target.join("x")).unwrap();
        assert_eq!(place(&new, &target).unwrap(), Placed::New);
        assert!(!new.exists() && target.join("a").exists());
    }
}
