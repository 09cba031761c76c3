//! Where a file is to be written.

use hexgate_agent::tool::ToolError;
use hexgate_base::disk::{Folder, is_link};
use hexgate_enforce::Permit;
use rustix::fs::{FileType, Stat};

use super::failure::of_system;
use super::path::Written;
use super::reach::{Place, Reach};

/// A place that may be written, with its folder open.
pub(super) struct Target<'a> {
    pub(super) folder: Folder,
    pub(super) name: &'a str,
    pub(super) shown: String,
    /// The regular file that is there. None: nothing is.
    pub(super) before: Option<Stat>,
    /// Folders that were made for it.
    pub(super) made: Made,
}

/// The place of a path that a call wants to write, if it may be written.
pub(super) fn place(reach: &Reach, permit: &Permit, asked: &str) -> Result<Place, ToolError> {
    let place = reach.place(&Written::parse(asked)?)?;
    reach.writable(&place)?;
    reach.covered(permit, &place, asked)?;
    Ok(place)
}

impl<'a> Target<'a> {
    /// Opens the folder of a place. No link is followed: what a policy covers is the path that is written, and nothing else.
    pub(super) fn open(reach: &Reach, place: &'a Place, provide: bool) -> Result<Self, ToolError> {
        let shown = reach.shown(place);
        let (parent, name) = place.split();
        if name.is_empty() {
            return Err(ToolError::new(
                "is_directory",
                format!("`{shown}` is a directory"),
            ));
        }
        let root = &reach.root_of(place)?.folder;
        let mut made = Made(Vec::new());
        let failed = |error: &_| of_system(error, &shown);
        let folder = match root.beneath(parent) {
            Err(error) if provide && error.kind() == std::io::ErrorKind::NotFound => {
                made.provide(root, parent).map_err(|error| failed(&error))?
            }
            opened => opened.map_err(|error| failed(&error))?,
        };
        let before = match folder.stat(name) {
            Ok(stat) => Some(stat),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(&error)),
        };
        if let Some(stat) = &before {
            regular(stat, &shown)?;
            reach.linked(stat.st_nlink > 1, &shown)?;
        }
        Ok(Self {
            folder,
            name,
            shown,
            before,
            made,
        })
    }
}

/// Fails unless it is a regular file.
pub(super) fn regular(stat: &Stat, shown: &str) -> Result<(), ToolError> {
    let (kind, what) = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => ("is_directory", "is a directory"),
        FileType::Symlink => ("link", "is a link; name the file itself"),
        _ => ("not_a_file", "is a pipe, a socket or a device"),
    };
    Err(ToolError::new(kind, format!("`{shown}` {what}")))
}

/// Folders that were made on the way to a file. They are removed again, unless the file is there in the end.
pub(super) struct Made(Vec<(Folder, String)>);

impl Made {
    /// Opens the folder at a path, and makes what is missing.
    fn provide(&mut self, root: &Folder, path: &str) -> std::io::Result<Folder> {
        let mut folder = root.beneath("")?;
        for name in path.split('/') {
            folder = match folder.beneath(name) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    match folder.make_folder(name, 0o777) {
                        Ok(()) => {
                            let made = folder.beneath(name);
                            self.0.push((folder, name.to_owned()));
                            made?
                        }
                        // Somebody was faster.
                        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                            folder.beneath(name)?
                        }
                        Err(error) => return Err(error),
                    }
                }
                Err(error) if is_link(&error) => return Err(error),
                opened => opened?,
            };
        }
        Ok(folder)
    }

    /// The file is there.
    pub(super) fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        while let Some((folder, name)) = self.0.pop() {
            // One that is not empty is somebody else's by now.
            let _ = folder.remove_folder(&name);
        }
    }
}
