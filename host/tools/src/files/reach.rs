//! Which folders the tools reach, and what of them may be written.

use std::cmp::Reverse;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hexgate_agent::tool::ToolError;
use hexgate_base::disk::Folder;
use hexgate_enforce::Permit;
use hexgate_sandbox::Workspace;

use super::path::Written;

/// Writers of one file take turns. More locks than writers that are likely at once.
const LOCKS: usize = 64;

/// The folders that file and search tools reach. All tools of a workspace share one.
pub struct Reach {
    workspace: Workspace,
    /// The workspace first.
    roots: Vec<Root>,
    hard_links: HardLinks,
    locks: [Mutex<()>; LOCKS],
}

/// What happens to files that have further names, perhaps outside of the workspace: hard links. A name outside cannot be found from the
/// one inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HardLinks {
    /// They are read. When such a file is written, the name inside gets a new file, and the other names keep the old one.
    #[default]
    Allow,
    /// They are neither read nor written, nor searched.
    Refuse,
}

/// Why the tools of a workspace cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("the folder `{}` cannot be opened: {error}", path.display())]
pub struct ReachError {
    /// The folder.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub error: io::Error,
}

/// A folder that the tools reach.
pub(crate) struct Root {
    pub(crate) folder: Folder,
    /// Its path, without links.
    path: PathBuf,
    /// The one file in it that is reached. None: all of it.
    only: Option<String>,
    is_writable: bool,
}

/// A path below a root, in which nothing is a link at the time that it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    root: usize,
    /// Names with `/` between them. Empty: the root itself.
    pub(crate) path: String,
}

impl Reach {
    /// The reach of tools in a workspace.
    ///
    /// # Errors
    ///
    /// A folder beside the workspace is gone.
    pub fn of(workspace: &Workspace) -> Result<Self, ReachError> {
        let folder = Folder::again(workspace.dir()).map_err(|error| ReachError {
            path: workspace.root().to_owned(),
            error,
        })?;
        let mut roots = vec![Root {
            folder,
            path: workspace.root().to_owned(),
            only: None,
            is_writable: true,
        }];
        for path in workspace.extra_write_paths() {
            roots.push(Root::open(path, true)?);
        }
        for path in workspace.extra_read_paths() {
            roots.push(Root::open(path, false)?);
        }
        // The innermost comes first; the workspace goes before all.
        if let Some(others) = roots.get_mut(1..) {
            others.sort_by_key(|root| Reverse(root.path.components().count()));
        }
        Ok(Self {
            workspace: workspace.clone(),
            roots,
            hard_links: HardLinks::default(),
            locks: [const { Mutex::new(()) }; LOCKS],
        })
    }

    /// What happens to files that have further names.
    #[must_use]
    pub fn hard_links(mut self, hard_links: HardLinks) -> Self {
        self.hard_links = hard_links;
        self
    }

    /// Where a path leads that a call wrote, links not considered.
    pub(crate) fn place(&self, written: &Written) -> Result<Place, ToolError> {
        if !written.is_absolute {
            return Ok(Place {
                root: 0,
                path: written.segments.join("/"),
            });
        }
        let absolute: PathBuf = std::iter::once("/")
            .chain(written.segments.iter().map(String::as_str))
            .collect();
        self.place_of(&absolute).ok_or_else(outside)
    }

    /// The place of an absolute path. None: it is in no root.
    pub(super) fn place_of(&self, absolute: &Path) -> Option<Place> {
        self.roots.iter().enumerate().find_map(|(index, root)| {
            let below = absolute.strip_prefix(&root.path).ok()?.to_str()?;
            let is_reached = root.only.as_deref().is_none_or(|only| only == below);
            is_reached.then(|| Place {
                root: index,
                path: below.to_owned(),
            })
        })
    }

    /// The root that a place is in.
    pub(crate) fn root_of(&self, place: &Place) -> Result<&Root, ToolError> {
        self.roots.get(place.root).ok_or_else(outside)
    }

    /// The paths of other roots below the root of a place, relative to it: what is in them is named from there.
    pub(crate) fn roots_below(&self, place: &Place) -> Vec<String> {
        let Some(root) = self.roots.get(place.root) else {
            return Vec::new();
        };
        let below = |other: &Root| {
            let below = other.path.strip_prefix(&root.path).ok()?.to_str()?;
            (!below.is_empty()).then(|| below.to_owned())
        };
        let wins = |index: usize| index < place.root;
        let others = self.roots.iter().enumerate();
        others
            .filter(|(index, _)| wins(*index))
            .filter_map(|(_, other)| below(other))
            .collect()
    }

    /// A place as calls, policies and answers write it: relative in the workspace, else absolute.
    pub(crate) fn shown(&self, place: &Place) -> String {
        match self.roots.get(place.root) {
            Some(root) if place.root > 0 && place.path.is_empty() => {
                root.path.display().to_string()
            }
            Some(root) if place.root > 0 => root.path.join(&place.path).display().to_string(),
            _ if place.path.is_empty() => ".".to_owned(),
            _ => place.path.clone(),
        }
    }

    /// The absolute path of a place.
    pub(super) fn absolute(&self, place: &Place) -> Result<PathBuf, ToolError> {
        Ok(self.root_of(place)?.path.join(&place.path))
    }

    /// Fails unless the policy covers a place. `asked`: the path that the call wrote.
    pub(crate) fn covered(
        &self,
        permit: &Permit,
        place: &Place,
        asked: &str,
    ) -> Result<(), ToolError> {
        let shown = self.shown(place);
        if permit.covers(&shown).is_ok_and(|covers| covers) {
            return Ok(());
        }
        // Where a link leads is not told.
        let hint = if asked.starts_with('/') && shown == place.path {
            format!("; write it as `{shown}`")
        } else {
            String::new()
        };
        Err(ToolError::new(
            "not_covered",
            format!("the policy does not cover what is at `{asked}`{hint}"),
        ))
    }

    /// Fails if a place must not be written, whoever asks.
    pub(super) fn writable(&self, place: &Place) -> Result<(), ToolError> {
        let shown = self.shown(place);
        let root = self.root_of(place)?;
        if !root.is_writable {
            return Err(ToolError::new(
                "read_only",
                format!("`{shown}` can be read and not written"),
            ));
        }
        if self.workspace.is_protected(self.absolute(place)?) {
            return Err(ToolError::new(
                "protected",
                format!("`{shown}` is protected: no tool writes it"),
            ));
        }
        Ok(())
    }

    /// Fails if a file has further names and these are refused.
    pub(crate) fn linked(&self, has_others: bool, shown: &str) -> Result<(), ToolError> {
        if has_others && self.hard_links == HardLinks::Refuse {
            return Err(ToolError::new(
                "hard_link",
                format!(
                    "`{shown}` has further names (hard links), perhaps outside of the workspace"
                ),
            ));
        }
        Ok(())
    }

    /// Whether files with further names are left out of searches.
    pub(crate) fn refuses_hard_links(&self) -> bool {
        self.hard_links == HardLinks::Refuse
    }

    /// Waits until no other call of this process writes the place.
    pub(super) fn turn(&self, place: &Place) -> Option<MutexGuard<'_, ()>> {
        let sum = place.path.bytes().fold(place.root, |sum, byte| {
            sum.wrapping_mul(31) ^ usize::from(byte)
        });
        let lock = self.locks.get(sum % LOCKS)?;
        Some(lock.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    /// The folder that it is in, below the root, and its name there. Empty: it is the root.
    pub(crate) fn split(&self) -> (&str, &str) {
        self.path.rsplit_once('/').unwrap_or(("", &self.path))
    }
}

impl Root {
    fn open(path: &Path, is_writable: bool) -> Result<Self, ReachError> {
        let failed = |error| ReachError {
            path: path.to_owned(),
            error,
        };
        let real = path.canonicalize().map_err(failed)?;
        let (path, only) = match (real.is_dir(), real.parent(), real.file_name()) {
            (false, Some(parent), Some(name)) => {
                let name = name
                    .to_str()
                    .ok_or_else(|| failed(io::Error::other("its name is not text")))?;
                (parent.to_owned(), Some(name.to_owned()))
            }
            _ => (real.clone(), None),
        };
        // Not followed again: what is opened is what was found.
        let folder = Folder::open_itself(&path).map_err(failed)?;
        if !folder.is_at(&path) {
            return Err(failed(io::Error::other("it was replaced meanwhile")));
        }
        Ok(Self {
            folder,
            path,
            only,
            is_writable,
        })
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roots: Vec<&Path> = self.roots.iter().map(|root| root.path.as_path()).collect();
        f.debug_struct("Reach")
            .field("roots", &roots)
            .finish_non_exhaustive()
    }
}

/// A path leads out of what the tools reach. It is not said where to.
pub(super) fn outside() -> ToolError {
    ToolError::new("outside", "the path leads out of the workspace")
}
