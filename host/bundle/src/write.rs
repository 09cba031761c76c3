//! Writes a bundle so that a reader never sees half of one.
//!
//! A complete folder is built beside the target, under a temporary name, and synced. Then it takes the target's place in one step: by a
//! rename if there is nothing or an empty folder, by an atomic exchange (`RENAME_EXCHANGE` on Linux, `RENAME_SWAP` on macOS) if there is an
//! older bundle, which is removed afterwards. On a file system that cannot exchange, the older bundle is first moved aside: for a moment
//! there is no bundle, and a process that dies then leaves the older one under another name.
//!
//! Other users may be able to write where the bundle goes. So the path is walked once, all else happens through the open folders, and no
//! other user's lock is waited for.

use std::{
    ffi::OsString,
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::io::Errno;

use hexgate_base::disk::{Access, Folder};

use crate::{Draft, PrivateKey, SealError, SealedBundle, Stem, unverified::list};

mod passing;
mod swap;

use passing::PassingFolder;
use swap::Placed;

/// Makes a bundle, signed if a key is given, and writes it to `dir`, whose missing parents are made.
///
/// `dir` may be absent, empty, or a bundle of any stem, which is replaced; its permission bits are kept. Of several writers of a folder the
/// last one wins.
///
/// # Errors
///
/// If the draft breaks a rule, `dir` holds other files, or the disk refuses. Then `dir` is unchanged.
pub fn write(
    dir: impl AsRef<Path>,
    draft: &Draft<'_>,
    key: Option<&PrivateKey>,
) -> Result<(), WriteError> {
    draft.seal(key)?.write(dir)
}

impl SealedBundle {
    /// Writes the bundle to `dir`, as [`write`](crate::write()) does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn write(&self, dir: impl AsRef<Path>) -> Result<(), WriteError> {
        let target = resolve(dir.as_ref())?;
        let io = |source| WriteError::io(&target.dir, source);
        // Leftovers of killed writers would fill the disk over time.
        passing::clean(&target.parent);
        let mut present = Present::at(&target)?;
        let mut folder = PassingFolder::create(&target.parent).map_err(io)?;
        self.fill(folder.content(), present.mode()).map_err(io)?;
        for _ in 0..ATTEMPTS {
            let (parent, name) = (&target.parent, folder.name());
            let placed = match present {
                Present::Nothing | Present::Empty { .. } => swap::place(parent, name, &target.name),
                Present::Bundle { .. } => swap::replace(parent, name, &target.name),
            };
            match placed.map_err(io)? {
                Placed::New => folder.forget(),
                // The temporary name holds the older bundle now.
                Placed::Replaced => {}
                // Another writer was faster: look again at what is there.
                Placed::Not => {
                    present = Present::at(&target)?;
                    continue;
                }
            }
            // Only now is the rename itself safe from a power failure.
            parent.sync().map_err(|source| WriteError::Unsynced {
                path: target.dir.clone(),
                source,
            })?;
            return folder.remove().map_err(|source| WriteError::Leftover {
                path: target.dir.with_file_name(folder.keep()),
                source,
            });
        }
        Err(WriteError::Busy { path: target.dir })
    }

    /// Writes and syncs all files. The folder is private until then.
    fn fill(&self, folder: &Folder, mode: Option<u32>) -> io::Result<()> {
        let mut allowed = 0;
        for (name, content) in self.files() {
            let mut file = folder.create(name, 0o666)?;
            allowed = Access::of(&file)?.mode;
            // Others may read a bundle, never write it, whatever the umask.
            if allowed & !0o644 != 0 {
                file.set_permissions(Permissions::from_mode(allowed & 0o644))?;
            }
            file.write_all(content)?;
            file.sync_all()?;
        }
        // A new folder gets the mode that the umask gave its files, with the right to enter for each right to read.
        folder.set_mode(mode.unwrap_or(allowed | (allowed & 0o444) >> 2))?;
        folder.sync()
    }
}

/// A bundle was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The draft breaks a rule.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No folder can be made or replaced at the path.
    #[error("`{}` cannot be replaced by a bundle: {reason}", .dir.display())]
    Target {
        /// The path.
        dir: PathBuf,
        /// Why not, and what to do.
        reason: &'static str,
    },
    /// The folder holds other files and no bundle.
    #[error("`{}` holds {} and is not a bundle, so it is left alone; name a new or empty folder", .dir.display(), some(.names))]
    NotABundle {
        /// The folder.
        dir: PathBuf,
        /// What it holds.
        names: Vec<String>,
    },
    /// The folder holds a bundle and other files.
    #[error("`{}` holds {} beside the bundle, so it is left alone; move that away, or name another folder", .dir.display(), some(.names))]
    Foreign {
        /// The folder.
        dir: PathBuf,
        /// What does not belong to the bundle.
        names: Vec<String>,
    },
    /// The disk refuses.
    #[error("cannot write `{}`: {source}; nothing was changed{}", .path.display(), remedy(.source))]
    Io {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The bundle is in its place, but the disk did not confirm that it survives a power failure.
    #[error("the bundle was written to `{}`, but the disk did not confirm it ({source}); write it again", .path.display())]
    Unsynced {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Other writers replace the folder again and again.
    #[error("`{}` is kept busy by other writers; try again when they are done", .path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The bundle is in its place, but the older one could not be removed.
    #[error("the bundle was written, but the older one could not be removed ({source}); remove `{}`", .path.display())]
    Leftover {
        /// Where the older one is.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl WriteError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// How often to try again after another writer was faster.
const ATTEMPTS: u32 = 100;

/// Where the bundle goes.
struct Target {
    parent: Folder,
    name: OsString,
    /// The path, without links, for messages.
    dir: PathBuf,
}

fn resolve(dir: &Path) -> Result<Target, WriteError> {
    let io = |source| WriteError::io(dir, source);
    let bad = |reason| WriteError::Target {
        dir: dir.to_owned(),
        reason,
    };
    let itself = fs::symlink_metadata(dir).ok();
    if let Some(link) = itself.as_ref().filter(|itself| itself.is_symlink()) {
        let access = Access {
            owner: link.uid(),
            group: link.gid(),
            mode: 0,
        };
        // Another user's link could send the bundle anywhere.
        if !access.is_own_or_roots() {
            return Err(bad(
                "it is a symbolic link of another user; name the folder itself, or remove the link",
            ));
        }
    }
    let real = match fs::metadata(dir) {
        Ok(metadata) if metadata.is_dir() => {
            // This process would be left in a removed folder.
            if fs::metadata(".")
                .is_ok_and(|here| (here.dev(), here.ino()) == (metadata.dev(), metadata.ino()))
            {
                return Err(bad(
                    "it is the current directory; name a folder in it, or call from outside",
                ));
            }
            fs::canonicalize(dir).map_err(io)?
        }
        Ok(_) => return Err(bad("it is a file; name a folder")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if itself.is_some() {
                return Err(bad(
                    "it is a symbolic link to nothing; remove it, or make its target",
                ));
            }
            let name = dir
                .file_name()
                .ok_or_else(|| bad("it does not end in a name; name a folder"))?;
            let parent = match dir.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            let io = |source| WriteError::io(parent, source);
            fs::create_dir_all(parent).map_err(io)?;
            fs::canonicalize(parent).map_err(io)?.join(name)
        }
        Err(source) if source.kind() == io::ErrorKind::NotADirectory => {
            return Err(bad("a part of the path is a file; name another folder"));
        }
        Err(source) => return Err(io(source)),
    };
    match (real.parent(), real.file_name()) {
        (Some(parent), Some(name)) => Ok(Target {
            parent: Folder::open_itself(parent).map_err(|source| WriteError::io(parent, source))?,
            name: name.to_owned(),
            dir: real,
        }),
        _ => Err(bad(
            "it is the root of the file system; name a folder in it",
        )),
    }
}

/// What is at the target.
enum Present {
    Nothing,
    Empty { mode: u32 },
    Bundle { mode: u32 },
}

impl Present {
    fn mode(&self) -> Option<u32> {
        match self {
            Self::Nothing => None,
            Self::Empty { mode } | Self::Bundle { mode } => Some(*mode),
        }
    }

    /// Looks at the target and refuses what must not be replaced.
    fn at(target: &Target) -> Result<Self, WriteError> {
        let dir = || target.dir.clone();
        let io = |source| WriteError::io(&target.dir, source);
        let folder = match target.parent.folder(&target.name) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Nothing),
            Err(error) if is_no_folder(&error) => {
                return Err(WriteError::Target {
                    dir: dir(),
                    reason: "it is a file or a link; name a folder",
                });
            }
            Err(source) => return Err(io(source)),
        };
        let access = folder.access().map_err(io)?;
        let mode = if access.is_own_or_roots() {
            access.mode & 0o777
        } else {
            // The new folder is this user's: who could write to another user's folder does not get this one.
            access.mode & 0o755
        };
        let Listing { stem, foreign } = Listing::of(&folder).map_err(io)?;
        match (stem, foreign) {
            (None, names) if names.is_empty() => Ok(Self::Empty { mode }),
            (None, names) => Err(WriteError::NotABundle { dir: dir(), names }),
            (Some(_), names) if names.is_empty() => Ok(Self::Bundle { mode }),
            (Some(_), names) => Err(WriteError::Foreign { dir: dir(), names }),
        }
    }
}

/// Whether a name could not be opened because it is a file or a link. Systems report links differently.
fn is_no_folder(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| {
        [Errno::NOTDIR, Errno::LOOP, Errno::MLINK].contains(&Errno::from_raw_os_error(code))
    })
}

/// What a folder holds.
struct Listing {
    /// The stem of its only manifest. None if it has none, or several.
    stem: Option<Stem>,
    /// All names that are not of that bundle, sorted.
    foreign: Vec<String>,
}

impl Listing {
    fn of(folder: &Folder) -> io::Result<Self> {
        let (mut files, mut foreign) = (Vec::new(), Vec::new());
        for (name, is_file) in folder.entries()? {
            let name = name.to_string_lossy().into_owned();
            // This crate writes neither links nor folders.
            if is_file {
                files.push(name)
            } else {
                foreign.push(name)
            }
        }
        let mut stems = files
            .iter()
            .filter_map(|name| Stem::of_manifest(name)?.ok());
        // With two manifests it is unclear which files belong to which bundle.
        let stem = stems.next().filter(|_| stems.next().is_none());
        let own = stem.as_ref().map(Stem::all).unwrap_or_default();
        foreign.extend(files.into_iter().filter(|name| !own.contains(name)));
        foreign.sort();
        Ok(Self { stem, foreign })
    }
}

/// Some of the names, so that a message about a home directory stays short.
fn some(names: &[String]) -> String {
    match names.get(..5) {
        Some(first) if names.len() > 5 => format!("{} and {} more", list(first), names.len() - 5),
        _ => list(names),
    }
}

fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; name a folder that you may write to"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "; free some space, or name a folder on another disk"
        }
        io::ErrorKind::ResourceBusy => "; a mount point cannot be replaced: name a folder in it",
        _ => "",
    }
}
