//! The file system that a command sees: a new root with what it may use, everything else is not there.
//!
//! The plan is made before `fork`; carrying it out makes system calls alone.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags,
};

use super::step::Step;
use super::sys;

const READ_ONLY: u64 = 0x1;
const NO_SET_USER_ID: u64 = 0x2;
const NO_DEVICES: u64 = 0x4;
const NO_EXEC: u64 = 0x8;

/// How something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// To read, and to run if the rules say so.
    Read,
    /// To read. Nothing in it is run, and no library in it is loaded.
    ReadOnly,
    /// To write. Nothing in it is run, and no library in it is loaded.
    WriteOnly,
    /// To write and to run.
    WriteAndRun,
    /// A device.
    Device,
}

impl Show {
    fn attributes(self) -> u64 {
        match self {
            Self::Read => READ_ONLY | NO_SET_USER_ID | NO_DEVICES,
            Self::ReadOnly => READ_ONLY | NO_SET_USER_ID | NO_DEVICES | NO_EXEC,
            Self::WriteOnly => NO_SET_USER_ID | NO_DEVICES | NO_EXEC,
            Self::WriteAndRun => NO_SET_USER_ID | NO_DEVICES,
            Self::Device => NO_SET_USER_ID | NO_EXEC,
        }
    }
}

/// What is shown at one place.
#[derive(Debug, Clone)]
struct Entry {
    from: PathBuf,
    identity: (u64, u64),
    folder: bool,
    show: Show,
}

/// What a command is to see, by the place where it sees it.
#[derive(Debug, Default)]
pub(super) struct View {
    entries: BTreeMap<PathBuf, Entry>,
    links: BTreeMap<PathBuf, PathBuf>,
}

impl View {
    /// Shows `from` at `at`. What lies beneath something that is shown in the same way, or may be written, is there already.
    pub(super) fn show(&mut self, from: &Path, at: &Path, show: Show) -> std::io::Result<()> {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::metadata(from)?;
        self.entries.insert(
            at.to_owned(),
            Entry {
                from: from.to_owned(),
                identity: (found.dev(), found.ino()),
                folder: found.is_dir(),
                show,
            },
        );
        Ok(())
    }

    /// A link at `at` to `to`.
    pub(super) fn link(&mut self, at: &Path, to: &Path) {
        self.links.insert(at.to_owned(), to.to_owned());
    }

    /// How `path` is shown. None: it is not.
    pub(super) fn shown(&self, path: &Path) -> Option<Show> {
        let mut above = path.ancestors();
        above.find_map(|above| self.entries.get(above).map(|entry| entry.show))
    }

    /// The steps that make it. Places come after those above them.
    pub(super) fn plan(&self, memory: u64, no_exec: bool) -> Option<Plan> {
        // Where the new root is put together: a folder that nothing is shown from.
        let base = ["/mnt", "/media", "/srv", "/boot", "/sys"]
            .into_iter()
            .map(Path::new)
            .find(|base| {
                base.is_dir()
                    && !self
                        .entries
                        .values()
                        .any(|entry| entry.from.starts_with(base))
            })?;
        let mut steps = Vec::new();
        let mut folders = std::collections::BTreeSet::new();
        let mut ensure = |steps: &mut Vec<Make>, path: &Path, covered: bool| {
            if covered {
                return;
            }
            let mut above: Vec<_> = path.ancestors().skip(1).collect();
            above.pop();
            for folder in above.into_iter().rev() {
                if folders.insert(folder.to_owned())
                    && let Some(path) = relative(folder)
                {
                    steps.push(Make::Folder(path));
                }
            }
        };
        for (at, to) in &self.links {
            ensure(&mut steps, at, false);
            steps.push(Make::Link {
                at: relative(at)?,
                to: CString::new(to.as_os_str().as_bytes()).ok()?,
            });
        }
        for (name, to) in [
            ("fd", ""),
            ("stdin", "/0"),
            ("stdout", "/1"),
            ("stderr", "/2"),
        ] {
            let at = PathBuf::from("/dev").join(name);
            ensure(&mut steps, &at, false);
            steps.push(Make::Link {
                at: relative(&at)?,
                to: CString::new(format!("/proc/self/fd{to}")).ok()?,
            });
        }
        steps.push(Make::Folder(CString::from(c"proc")));
        steps.push(Make::Processes(CString::from(c"proc")));
        let mut shm = NO_SET_USER_ID | NO_DEVICES;
        if no_exec {
            shm |= NO_EXEC;
        }
        steps.push(Make::Folder(CString::from(c"dev/shm")));
        steps.push(Make::Memory {
            at: CString::from(c"dev/shm"),
            size: CString::new(memory.to_string()).ok()?,
            attributes: shm,
        });
        for (at, entry) in &self.entries {
            let above = at
                .ancestors()
                .skip(1)
                .find_map(|above| self.entries.get(above));
            let covered = above.is_some();
            // Never make anything in a folder that commands write: a link that one of them left could lead anywhere.
            if above.is_some_and(|above| matches!(above.show, Show::WriteOnly | Show::WriteAndRun))
            {
                continue;
            }
            if above.is_some_and(|above| above.show == entry.show) {
                continue;
            }
            ensure(&mut steps, at, covered);
            let place = relative(at)?;
            if !covered {
                steps.push(if entry.folder {
                    Make::Folder(place.clone())
                } else {
                    Make::File(place.clone())
                });
            }
            steps.push(Make::Bind {
                from: CString::new(entry.from.as_os_str().as_bytes()).ok()?,
                identity: entry.identity,
                at: place,
                attributes: entry.show.attributes(),
            });
        }
        Some(Plan {
            base: CString::new(base.as_os_str().as_bytes()).ok()?,
            steps,
        })
    }
}

fn relative(path: &Path) -> Option<CString> {
    let path = path.strip_prefix("/").ok()?;
    CString::new(path.as_os_str().as_bytes()).ok()
}

/// Nothing of `/proc` is written any more.
pub(super) fn close_processes() -> Result<(), Errno> {
    let processes = rustix::fs::open(
        c"/proc",
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    sys::mount_attributes(
        processes.as_fd(),
        READ_ONLY | NO_SET_USER_ID | NO_DEVICES | NO_EXEC,
        false,
    )
}

/// Steps that make a root, in order.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    base: CString,
    steps: Vec<Make>,
}

/// One step. Places are relative to the new root.
#[derive(Debug, Clone)]
enum Make {
    Folder(CString),
    File(CString),
    Link {
        at: CString,
        to: CString,
    },
    Bind {
        from: CString,
        identity: (u64, u64),
        at: CString,
        attributes: u64,
    },
    Memory {
        at: CString,
        size: CString,
        attributes: u64,
    },
    Processes(CString),
}

impl Plan {
    /// Makes the root in the mount namespace of this process and moves into it.
    pub(super) fn enter(&self) -> Result<(), (Step, Errno)> {
        let root = Step::Root;
        rustix::mount::mount_change(
            c"/",
            MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
        )
        .map_err(|error| (Step::Mounts, error))?;
        rustix::mount::mount(
            c"tmpfs",
            self.base.as_c_str(),
            c"tmpfs",
            MountFlags::NOSUID | MountFlags::NODEV,
            c"mode=0755,size=4m",
        )
        .map_err(|error| (root, error))?;
        let new = rustix::fs::openat(
            CWD,
            self.base.as_c_str(),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|error| (root, error))?;
        for step in &self.steps {
            make(new.as_fd(), step)?;
        }
        rustix::process::fchdir(&new).map_err(|error| (root, error))?;
        rustix::process::pivot_root(c".", c".").map_err(|error| (root, error))?;
        rustix::mount::unmount(c".", UnmountFlags::DETACH).map_err(|error| (root, error))?;
        rustix::process::chdir(c"/").map_err(|error| (root, error))?;
        let root_folder = rustix::fs::open(
            c"/",
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|error| (root, error))?;
        sys::mount_attributes(root_folder.as_fd(), READ_ONLY, false).map_err(|error| (root, error))
    }
}

fn make(root: BorrowedFd<'_>, step: &Make) -> Result<(), (Step, Errno)> {
    match step {
        Make::Folder(at) => match rustix::fs::mkdirat(root, at.as_c_str(), Mode::from(0o755)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err((Step::Folder, error)),
        },
        Make::File(at) => rustix::fs::openat(
            root,
            at.as_c_str(),
            OFlags::CREATE | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::from(0o644),
        )
        .map(drop)
        .map_err(|error| (Step::Folder, error)),
        Make::Link { at, to } => rustix::fs::symlinkat(to.as_c_str(), root, at.as_c_str())
            .map_err(|error| (Step::Folder, error)),
        Make::Bind {
            from,
            identity,
            at,
            attributes,
        } => bind(root, from, *identity, at, *attributes).map_err(|error| (Step::Bind, error)),
        Make::Memory {
            at,
            size,
            attributes,
        } => {
            let failed = |error| (Step::Memory, error);
            let fs =
                rustix::mount::fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).map_err(failed)?;
            rustix::mount::fsconfig_set_string(&fs, c"size", size.as_c_str()).map_err(failed)?;
            rustix::mount::fsconfig_set_string(&fs, c"mode", c"1777").map_err(failed)?;
            attach(root, fs.as_fd(), at, *attributes).map_err(failed)
        }
        Make::Processes(at) => {
            let failed = |error| (Step::Processes, error);
            let fs = rustix::mount::fsopen(c"proc", FsOpenFlags::FSOPEN_CLOEXEC).map_err(failed)?;
            // Init, which still has the command line of this program, is in another domain of landlock and so is not shown.
            rustix::mount::fsconfig_set_string(&fs, c"hidepid", c"ptraceable").map_err(failed)?;
            attach(root, fs.as_fd(), at, NO_SET_USER_ID | NO_DEVICES | NO_EXEC).map_err(failed)
        }
    }
}

fn attach(
    root: BorrowedFd<'_>,
    fs: BorrowedFd<'_>,
    at: &CString,
    attributes: u64,
) -> Result<(), Errno> {
    rustix::mount::fsconfig_create(fs)?;
    let mount = rustix::mount::fsmount(fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    sys::mount_attributes(mount.as_fd(), attributes, true)?;
    rustix::mount::move_mount(
        &mount,
        c"",
        root,
        at.as_c_str(),
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
}

fn bind(
    root: BorrowedFd<'_>,
    from: &CString,
    identity: (u64, u64),
    at: &CString,
    attributes: u64,
) -> Result<(), Errno> {
    let source = rustix::fs::openat(
        CWD,
        from.as_c_str(),
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let found = rustix::fs::statat(&source, c"", AtFlags::EMPTY_PATH)?;
    if identity != (found.st_dev, found.st_ino) {
        // Something else stands there by now.
        return Err(Errno::STALE);
    }
    let mount = rustix::mount::open_tree(
        &source,
        c"",
        OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH
            | OpenTreeFlags::AT_RECURSIVE,
    )?;
    sys::mount_attributes(mount.as_fd(), attributes, true)?;
    rustix::mount::move_mount(
        &mount,
        c"",
        root,
        at.as_c_str(),
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
}
