//! Folders below another one, by a path in which nothing is a link.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Component, Path},
};

use rustix::{
    fs::{Mode, OFlags, openat, readlinkat},
    io::Errno,
};

const FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// Opens the folder at `path` below `dir`. `LOOP`, if a part of the path is a link.
pub(super) fn open_folder(dir: impl AsFd, path: &Path) -> Result<OwnedFd, Errno> {
    if !path.components().all(is_below) {
        return Err(Errno::XDEV);
    }
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    #[cfg(target_os = "linux")]
    match at_once(dir.as_fd(), path) {
        // The kernel is older than the call, or a filter of system calls does not know it.
        Err(Errno::NOSYS | Errno::PERM) => {}
        opened => return opened,
    }
    by_steps(dir.as_fd(), path)
}

fn is_below(part: Component<'_>) -> bool {
    matches!(part, Component::Normal(_) | Component::CurDir)
}

#[cfg(target_os = "linux")]
fn at_once(dir: std::os::fd::BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};

    /// The kernel gives up, and may be asked again, when a folder is renamed while it walks.
    const ATTEMPTS: usize = 64;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..ATTEMPTS {
        // Without `NOFOLLOW`, with which a link at the end would not be told from a file.
        match openat2(dir, path, FLAGS, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            opened => return opened,
        }
    }
    Err(Errno::AGAIN)
}

/// One part of the path after the other, each in the folder that was opened before.
fn by_steps(dir: std::os::fd::BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    let flags = FLAGS | OFlags::NOFOLLOW;
    let mut folder = openat(dir, c".", flags, Mode::empty())?;
    for part in path.components() {
        let Component::Normal(name) = part else {
            continue;
        };
        folder = match openat(&folder, name, flags, Mode::empty()) {
            // Linux says of a link that it is not a folder.
            Err(Errno::NOTDIR) if readlinkat(&folder, name, Vec::new()).is_ok() => {
                return Err(Errno::LOOP);
            }
            Err(Errno::MLINK) => return Err(Errno::LOOP),
            opened => opened?,
        };
    }
    Ok(folder)
}

/// Whether an error says that a part of a path is a link.
#[must_use]
pub fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use rustix::fs::fstat;

    use super::*;

    #[test]
    fn both_ways_open_the_same_and_refuse_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir(folder.path().join("outside")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        symlink("a", root.join("inside")).unwrap();
        symlink("../outside", root.join("out")).unwrap();
        symlink("/", root.join("absolute")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink("nowhere", root.join("a/dangling")).unwrap();
        let dir = fs::File::open(&root).unwrap();

        for (path, expected) in [
            ("", Ok(".")),
            (".", Ok(".")),
            ("a", Ok("a")),
            ("./a//b/", Ok("a/b")),
            ("inside", Err(Errno::LOOP)),
            ("inside/b", Err(Errno::LOOP)),
            ("out", Err(Errno::LOOP)),
            ("absolute/etc", Err(Errno::LOOP)),
            ("loop", Err(Errno::LOOP)),
            ("a/dangling", Err(Errno::LOOP)),
            ("file", Err(Errno::NOTDIR)),
            ("file/x", Err(Errno::NOTDIR)),
            ("a/none", Err(Errno::NOENT)),
        ] {
            let ways: [(&str, Result<OwnedFd, Errno>); 2] = [
                ("at once", open_folder(&dir, Path::new(path))),
                ("by steps", by_steps(dir.as_fd(), Path::new(path))),
            ];
            for (way, opened) in ways {
                let opened = opened.map(|opened| fstat(opened).unwrap().st_ino);
                let expected = expected.map(|path| {
                    use std::os::unix::fs::MetadataExt;
                    root.join(path).metadata().unwrap().ino()
                });
                assert_eq!(opened, expected, "{path} {way}");
            }
        }
        for path in ["..", "a/../..", "/", "/etc", "a/.."] {
            let refused = open_folder(&dir, Path::new(path)).unwrap_err();
            assert_eq!(refused, Errno::XDEV, "{path}");
        }
    }
}
