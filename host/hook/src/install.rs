//! The configuration of the agents: what makes them run the hook.
//!
//! What is in a file already stays there, byte for byte where nothing changes beside it. A file that cannot be read without doubt is refused:
//! one with comments, with a name twice, behind a link.

mod agents;
mod edit;
mod entry;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hexgate_base::disk::{FileError, Folder, read_all};

use crate::agent::Agent;

pub use entry::CommandLine;

/// The most bytes of a configuration.
const MOST_BYTES: u64 = 4 << 20;

/// Whose configuration is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The user's: every conversation.
    User,
    /// That of the project in this folder.
    Project(PathBuf),
}

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Action {
    /// Have the agent run this. What was installed before is replaced.
    Install(CommandLine),
    /// Remove what was installed.
    Uninstall,
}

/// A change that was worked out and not made yet.
#[derive(Debug)]
#[must_use = "nothing is changed before `apply`"]
pub struct Plan {
    /// The file.
    pub path: PathBuf,
    /// What it contains afterwards. None: it is removed, or is not there.
    pub content: Option<String>,
    /// Whether that differs from what is there.
    pub changes: bool,
    /// The events for which the hook is installed, or was until now.
    pub events: Vec<String>,
    mode: u32,
}

/// Why a configuration is not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// There is no folder for it.
    #[error("nobody says where the user's configuration is: set HOME")]
    NoHome,
    /// The file cannot be read or written.
    #[error("`{}` cannot be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file has something that is not understood.
    #[error("`{}` is left as it is: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What, and the remedy.
        reason: String,
    },
}

/// What an agent cannot be kept from doing by its hooks, a sentence each.
#[must_use]
pub fn cautions(agent: Agent) -> &'static [&'static str] {
    agents::cautions(agent)
}

/// Works out a change. `variable` looks up a variable of the environment.
///
/// # Errors
///
/// The file cannot be read, or has something that is not understood.
pub fn plan(
    agent: Agent,
    scope: &Scope,
    action: &Action,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Plan, InstallError> {
    let path = agents::path(agent, scope, &variable)?;
    if let Scope::Project(root) = scope {
        unlinked(root, &path)?;
    }
    let (before, mode) = read(&path)?;
    let refused = |reason: String| InstallError::Refused {
        path: path.clone(),
        reason,
    };
    if matches!(action, Action::Install(_)) {
        // Hooks that are switched off in one file run from none.
        for other in agents::others(agent, scope, &variable) {
            if let Some(text) = read_other(&other)? {
                edit::allows(agent, &text).map_err(|reason| InstallError::Refused {
                    path: other.clone(),
                    reason,
                })?;
            }
        }
    }
    let (content, events) = edit::edit(agent, before.as_deref(), action).map_err(refused)?;
    Ok(Plan {
        changes: content != before,
        content,
        events,
        mode,
        path,
    })
}

impl Plan {
    /// Makes the change. A reader sees the old file or the new one, whole.
    ///
    /// # Errors
    ///
    /// The file cannot be written; then the old one is still there.
    pub fn apply(&self) -> Result<(), InstallError> {
        let failed = |source| InstallError::File {
            path: self.path.clone(),
            source,
        };
        if !self.changes {
            return Ok(());
        }
        let (folder, name) = Folder::provided_for(&self.path, 0o755).map_err(failed)?;
        match &self.content {
            Some(content) => folder.replace(name, self.mode, content.as_bytes()),
            None => folder.remove(name),
        }
        .map_err(failed)
    }
}

/// Refuses a folder of a project that is a link: a repository could have the configuration of another one changed.
fn unlinked(root: &Path, path: &Path) -> Result<(), InstallError> {
    let mut folder = path.parent();
    while let Some(here) = folder.filter(|it| *it != root && it.starts_with(root)) {
        if here.symlink_metadata().is_ok_and(|it| it.is_symlink()) {
            return Err(InstallError::Refused {
                path: path.to_owned(),
                reason: format!("`{}` is a link; make it a folder", here.display()),
            });
        }
        folder = here.parent();
    }
    Ok(())
}

/// The content of a file that is only looked at, so also behind a link. None: it is not there.
fn read_other(path: &Path) -> Result<Option<String>, InstallError> {
    let failed = |source: io::Error| InstallError::File {
        path: path.to_owned(),
        source,
    };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    let bytes = read_all(file, MOST_BYTES).map_err(|error| failed(error.into()))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The content of a file, and its permission bits. None: it is not there.
fn read(path: &Path) -> Result<(Option<String>, u32), InstallError> {
    let failed = |source: io::Error| InstallError::File {
        path: path.to_owned(),
        source,
    };
    let (folder, name) = match Folder::of(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((None, 0o644)),
        Err(error) => return Err(failed(error)),
    };
    let file = match folder.read(name) {
        Ok(file) => file,
        Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((None, 0o644));
        }
        Err(error) => return Err(failed(error.into())),
    };
    let mode = hexgate_base::disk::Access::of(&file).map_err(failed)?.mode & 0o777;
    let bytes = read_all(file, MOST_BYTES).map_err(|error| failed(error.into()))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        failed(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is not UTF-8",
        ))
    })?;
    Ok((Some(text), mode))
}
