//! Where links lead.

use std::collections::VecDeque;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use hexgate_agent::tool::ToolError;
use hexgate_base::disk::is_link;
use rustix::fs::FileType;
use rustix::io::Errno;

use super::failure::{changed, of_system};
use super::reach::{Place, Reach, outside};
use super::target::regular;

/// How many links are followed for one path: as many as the kernel follows.
const MOST: usize = 40;
/// How often links are followed anew that change while a file is opened.
pub(super) const ATTEMPTS: usize = 8;

impl Reach {
    /// The place of a folder or regular file that a path leads to, links followed, and whether it is a folder.
    pub(crate) fn real(&self, place: &Place, asked: &str) -> Result<(Place, bool), ToolError> {
        let mut place = place.clone();
        for _ in 0..ATTEMPTS {
            let root = &self.root_of(&place)?.folder;
            let error = match root.beneath(&place.path) {
                Ok(_) => return Ok((place, true)),
                Err(error) => error,
            };
            if error.kind() == io::ErrorKind::NotADirectory {
                let (parent, name) = place.split();
                let stat = root.beneath(parent).and_then(|folder| folder.stat(name));
                let stat = stat.map_err(|error| of_system(&error, asked))?;
                if !FileType::from_raw_mode(stat.st_mode).is_symlink() {
                    regular(&stat, asked)?;
                    return Ok((place, false));
                }
            } else if !is_link(&error) {
                return Err(of_system(&error, asked));
            }
            place = follow(self, &place, asked)?;
        }
        Err(changed(asked))
    }
}

/// The place that a path leads to if its links are followed, one after the other, without leaving the roots. Nothing is opened by that:
/// whoever opens the place opens it without following links, so that a link that appears meanwhile is an error.
///
/// `shown` is the path as the call wrote it.
pub(super) fn follow(reach: &Reach, place: &Place, shown: &str) -> Result<Place, ToolError> {
    let failed = |error: &io::Error| of_system(error, shown);
    let mut root = place.clone();
    root.path.clear();
    // Names that are no links, of folders that are open one below the other; and what is still to be looked at.
    let mut real: Vec<String> = Vec::new();
    let mut rest: VecDeque<String> = parts(&place.path).collect();
    let mut followed = 0;
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            // The names before are no links, so their parent is what is written there.
            real.pop().ok_or_else(outside)?;
            continue;
        }
        let folder = match reach.root_of(&root)?.folder.beneath(real.join("/")) {
            Ok(folder) => folder,
            Err(error) if is_link(&error) => return Err(changed(shown)),
            Err(error) => return Err(failed(&error)),
        };
        let target = match folder.read_link(&name) {
            Ok(target) => target,
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {
                real.push(name);
                continue;
            }
            Err(error) => return Err(failed(&error)),
        };
        followed += 1;
        if followed > MOST {
            return Err(ToolError::new(
                "link",
                format!("`{shown}` leads through more than {MOST} links"),
            ));
        }
        let Ok(target) = std::str::from_utf8(target.as_bytes()) else {
            return Err(outside());
        };
        let ahead: Vec<String> = if Path::new(target).is_absolute() {
            root = reach.place_of(Path::new(target)).ok_or_else(outside)?;
            real.clear();
            parts(&std::mem::take(&mut root.path)).collect()
        } else {
            parts(target).collect()
        };
        for part in ahead.into_iter().rev() {
            rest.push_front(part);
        }
    }
    root.path = real.join("/");
    // A root may be reached through another one that contains it.
    let absolute = reach.absolute(&root)?;
    reach.place_of(&absolute).ok_or_else(outside)
}

fn parts(path: &str) -> impl Iterator<Item = String> + use<'_> {
    path.split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .map(str::to_owned)
}
