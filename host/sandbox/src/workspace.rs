//! The folder that an agent works in, and what its commands may use beyond it.

mod builder;
mod place;
mod protected;
mod spelling;

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use builder::WorkspaceBuilder;
pub use protected::{NOT_PROTECTED, PROTECTED_NAMES, PROTECTED_PREFIXES};

pub(crate) use place::Place;
pub(crate) use protected::Shield;

use crate::limits::Limits;

/// The folder that an agent works in. Clones share it.
///
/// It is opened once: what stands at its path later is not what commands and tools see. Everything that it does not name is closed to
/// commands.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use hexgate_sandbox::Workspace;
///
/// let workspace = Workspace::builder("/home/alice/project")
///     .allowed_commands(["ls", "cat", "git"])
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Workspace(pub(crate) Arc<Inner>);

/// What a workspace is made of.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) root: Place,
    pub(crate) dir: OwnedFd,
    pub(crate) read: Vec<Place>,
    pub(crate) write: Vec<Place>,
    pub(crate) shield: Shield,
    pub(crate) sockets: Vec<PathBuf>,
    pub(crate) local_binding: bool,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) commands: Option<Vec<String>>,
    pub(crate) interpreters: bool,
    pub(crate) substitution: bool,
    pub(crate) kernel_alone: bool,
    pub(crate) shell: Option<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) home: Option<PathBuf>,
}

impl Workspace {
    /// A workspace in the folder `root`, which has to exist.
    pub fn builder(root: impl Into<PathBuf>) -> WorkspaceBuilder {
        WorkspaceBuilder::new(root.into())
    }

    /// The folder: absolute, without links.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.0.root.path
    }

    /// The folder, opened when the workspace was made. Paths are to be opened beneath it.
    #[must_use]
    pub fn dir(&self) -> BorrowedFd<'_> {
        self.0.dir.as_fd()
    }

    /// Folders and files that may be read beside the workspace.
    pub fn extra_read_paths(&self) -> impl Iterator<Item = &Path> {
        self.0.read.iter().map(|place| place.path.as_path())
    }

    /// Folders that may be written beside the workspace.
    pub fn extra_write_paths(&self) -> impl Iterator<Item = &Path> {
        self.0.write.iter().map(|place| place.path.as_path())
    }

    /// Whether a path may not be written: because it lies in no folder that may be written, because a name in it is protected beneath that
    /// folder, or because it was named so. So may be every spelling that some file system takes for the same: letter case and composition
    /// do not count, nor do invisible characters; a name that may be a short name of another (`GIT~1`) is protected.
    ///
    /// The path is without links and need not exist. A relative one counts from the root of the workspace.
    #[must_use]
    pub fn is_protected(&self, path: impl AsRef<Path>) -> bool {
        let path = self.root().join(path);
        self.0.shield.closes(path.as_os_str().as_bytes())
    }

    /// The commands that may run. None: any that is installed.
    #[must_use]
    pub fn allowed_commands(&self) -> Option<&[String]> {
        self.0.commands.as_deref()
    }

    /// How much one command may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }
}
