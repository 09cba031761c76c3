//! Who can change an unsigned policy.

use std::fs;
use std::io;
use std::path::Path;

use hexgate_base::disk::{Access, Folder};

use super::SourceError;

/// Refuses an unsigned policy, a file or a folder, that other users than this one and root can change: they would decide what is permitted.
///
/// The policy is read later by its path. So the folder that holds it is checked, too: no other user may put another file there in between.
/// Links are followed first.
pub(super) fn guard(path: &Path) -> Result<(), SourceError> {
    let io = |source| SourceError::Io {
        path: path.to_owned(),
        source,
    };
    let real = fs::canonicalize(path).map_err(io)?;
    let refuse = |access: Access, at: &Path| match access.is_guarded() {
        true => Ok(()),
        false => Err(SourceError::Exposed {
            path: at.to_owned(),
            access,
        }),
    };
    if real.is_dir() {
        let folder = Folder::open_itself(&real).map_err(io)?;
        refuse(folder.access().map_err(io)?, path)?;
        for (name, is_file) in folder.entries().map_err(io)? {
            match folder.stat(&name) {
                // Other kinds of files are not read.
                Ok(stat) if is_file => refuse(Access::from(&stat), &path.join(&name))?,
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
                _ => {}
            }
        }
        return Ok(());
    }
    let (folder, name) = Folder::of(&real).map_err(io)?;
    let access = folder.access().map_err(io)?;
    if !access.keeps_names() {
        return Err(SourceError::Exposed {
            path: real.parent().unwrap_or(&real).to_owned(),
            access,
        });
    }
    refuse(Access::from(&folder.stat(name).map_err(io)?), path)
}
