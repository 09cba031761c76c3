//! Putting a bundle on a disk so that a reader never sees half of one.
//!
//! A complete folder is built beside the target, under a passing name, and synced. Then it takes the target's place in one step: by a rename
//! if there is nothing or an empty folder, by an atomic exchange (`RENAME_EXCHANGE` on Linux, `RENAME_SWAP` on macOS) if there is an older
//! bundle, which is removed afterwards. On a file system that cannot exchange, the older bundle is first moved aside: for a moment there is
//! no bundle, and a process that dies in it leaves the older one under its passing name. Half of one is never seen.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::{Draft, PrivateKey, SealError, SealedBundle, Stem, unverified::list};

mod passing;
pub(crate) mod swap;

use passing::{PassingFolder, Siblings};
use swap::Placed;

/// Makes a bundle, signed if a key is given, and writes it to `dir`, whose missing parents are made.
///
/// `dir` may be absent, empty, or a bundle of whatever stem, which is replaced; its permission bits are kept. Writers of the same folder do
/// not disturb each other: the last one wins.
///
/// # Errors
/// If the draft breaks a rule, `dir` holds anything that is not a bundle's, or the disk refuses. Then what was there before is still there.
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
    /// As there.
    pub fn write(&self, dir: impl AsRef<Path>) -> Result<(), WriteError> {
        let target = resolve(dir.as_ref())?;
        let siblings = Siblings::enter(&target.parent)?;
        let mut present = Present::at(&target.dir)?;
        let mut folder = PassingFolder::create(&target.parent, present.mode())
            .map_err(|source| WriteError::io(&target.parent, source))?;
        self.fill(&folder, present.mode())
            .map_err(|source| WriteError::io(&target.dir, source))?;
        for _ in 0..ATTEMPTS {
            let placed = match present {
                Present::Nothing | Present::Empty { .. } => swap::place(folder.path(), &target.dir),
                Present::Bundle { .. } => swap::replace(folder.path(), &target.dir),
            };
            match placed.map_err(|source| WriteError::io(&target.dir, source))? {
                Placed::New => folder.forget(),
                // The passing name holds the older bundle now.
                Placed::Replaced => {}
                // Another writer came first. Look again at what is to be replaced.
                Placed::Not => {
                    present = Present::at(&target.dir)?;
                    continue;
                }
            }
            siblings.sync().map_err(|source| WriteError::Unsynced {
                path: target.dir.clone(),
                source,
            })?;
            return folder.remove().map_err(|source| WriteError::Leftover {
                path: folder.keep(),
                source,
            });
        }
        Err(WriteError::Busy { path: target.dir })
    }

    /// Writes all files and sees to it that they are on the disk.
    fn fill(&self, folder: &PassingFolder, mode: Option<u32>) -> io::Result<()> {
        for (name, content) in self.files() {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o644)
                .open(folder.path().join(name))?;
            file.write_all(content)?;
            file.sync_all()?;
        }
        if let Some(mode) = mode {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode))?;
        }
        swap::sync_folder(folder.path())
    }
}

/// A bundle was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The draft breaks a rule.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The path is not one that a folder can have or be replaced under.
    #[error("`{}` cannot be replaced by a bundle: {reason}", .dir.display())]
    Target {
        /// The path.
        dir: PathBuf,
        /// Why not, and what to do.
        reason: &'static str,
    },
    /// The folder holds something, and no bundle.
    #[error("`{}` holds {} and is not a bundle, so it is left alone; name a new or empty folder", .dir.display(), some(.names))]
    NotABundle {
        /// The folder.
        dir: PathBuf,
        /// What it holds.
        names: Vec<String>,
    },
    /// The folder holds a bundle and something else.
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
    /// The bundle is in its place, but the system does not say that it will survive a power failure.
    #[error("the bundle was written to `{}`, but the disk did not confirm it ({source}); write it again", .path.display())]
    Unsynced {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Other writers keep the place.
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

/// How often another writer may come first.
const ATTEMPTS: u32 = 100;

/// Where a bundle is to be, without links.
struct Target {
    parent: PathBuf,
    dir: PathBuf,
}

fn resolve(dir: &Path) -> Result<Target, WriteError> {
    let io = |source| WriteError::io(dir, source);
    let bad = |reason| WriteError::Target {
        dir: dir.to_owned(),
        reason,
    };
    let real = match fs::metadata(dir) {
        Ok(metadata) if metadata.is_dir() => {
            // The process that stands in a folder would stand in a removed one afterwards.
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
            if fs::symlink_metadata(dir).is_ok() {
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
            fs::create_dir_all(parent).map_err(|source| WriteError::io(parent, source))?;
            fs::canonicalize(parent)
                .map_err(|source| WriteError::io(parent, source))?
                .join(name)
        }
        Err(source) if source.kind() == io::ErrorKind::NotADirectory => {
            return Err(bad("a part of the path is a file; name another folder"));
        }
        Err(source) => return Err(io(source)),
    };
    match real.parent() {
        Some(parent) => Ok(Target {
            parent: parent.to_owned(),
            dir: real,
        }),
        None => Err(bad(
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
    fn at(dir: &Path) -> Result<Self, WriteError> {
        let mode = match fs::symlink_metadata(dir) {
            Ok(metadata) if metadata.is_dir() => metadata.mode() & 0o777,
            Ok(_) => {
                return Err(WriteError::Target {
                    dir: dir.to_owned(),
                    reason: "it is a file; name a folder",
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Nothing),
            Err(source) => return Err(WriteError::io(dir, source)),
        };
        let listing = match Listing::of(dir) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Nothing),
            Err(source) => return Err(WriteError::io(dir, source)),
        };
        match listing {
            Listing {
                stem: None,
                foreign,
            } if foreign.is_empty() => Ok(Self::Empty { mode }),
            Listing {
                stem: None,
                foreign,
            } => Err(WriteError::NotABundle {
                dir: dir.to_owned(),
                names: foreign,
            }),
            Listing {
                stem: Some(_),
                foreign,
            } if foreign.is_empty() => Ok(Self::Bundle { mode }),
            Listing {
                stem: Some(_),
                foreign,
            } => Err(WriteError::Foreign {
                dir: dir.to_owned(),
                names: foreign,
            }),
        }
    }
}

/// What a folder holds.
struct Listing {
    /// The stem of its only manifest. None if it has none, or several.
    stem: Option<Stem>,
    /// All names that are not of that bundle, sorted.
    foreign: Vec<String>,
}

impl Listing {
    fn of(dir: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        let mut foreign = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // A link or a folder is not something that was written here.
            if entry.file_type()?.is_file() {
                files.push(name)
            } else {
                foreign.push(name)
            }
        }
        let mut stems = files
            .iter()
            .filter_map(|name| Stem::of_manifest(name)?.ok());
        let stem = stems.next().filter(|_| stems.next().is_none());
        let own = stem.as_ref().map(Stem::all).unwrap_or_default();
        foreign.extend(files.into_iter().filter(|name| !own.contains(name)));
        foreign.sort();
        Ok(Self { stem, foreign })
    }
}

/// Some of the names, so that a message about a home directory stays a message.
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
