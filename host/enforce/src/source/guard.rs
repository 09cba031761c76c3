//! Who can change a policy that nobody signed.

use std::fs;
use std::io;
use std::path::Path;

use hexgate_base::disk::{Access, Folder};

use super::SourceError;

/// Refuses a policy, a file or a folder of files, that somebody else than this user and root can change: what they write would decide. A
/// policy that is signed needs none of this.
///
/// What is looked at is read afterwards by its path. So the folder that holds it counts, too: nobody else can put another file there in
/// between. Links that lead there are followed first.
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
                // Nothing is read from anything else.
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
