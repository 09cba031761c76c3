//! Paths as policies see them: relative to the workspace where they lead into it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::Place;
use crate::failure::Failure;

/// The most bytes of a path.
const MOST_BYTES: usize = 4096;

/// A path of an agent: relative to the workspace if the file that it names, all links followed, is in it, else absolute. `.` is the
/// workspace. A path that no scope accepts stays as it is: one that begins with `~`, one with a `..` that cannot be followed.
pub(super) fn placed(path: &str, place: Place<'_>) -> Result<String, Failure> {
    if path.is_empty() || path.starts_with('~') || path.len() > MOST_BYTES || path.contains('\0') {
        return Ok(path.to_owned());
    }
    let workspace = fs::canonicalize(place.workspace)
        .map_err(|error| unplaced(&place.workspace.to_string_lossy(), &error.to_string()))?;
    let Some(real) = real(&place.cwd.join(path), path)? else {
        return Ok(path.to_owned());
    };
    let shown = match real.strip_prefix(&workspace) {
        Ok(inside) if inside.as_os_str().is_empty() => Path::new("."),
        Ok(inside) => inside,
        Err(_) => &real,
    };
    shown
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| unplaced(path, "it leads to a name that is not UTF-8"))
}

/// Where a path leads: links are followed as far as there are files. None: `..` stands behind a name that is not there.
fn real(path: &Path, shown: &str) -> Result<Option<PathBuf>, Failure> {
    let mut missing: Vec<Component<'_>> = Vec::new();
    let mut components = path.components();
    loop {
        let existing = components.as_path();
        match fs::canonicalize(existing) {
            Ok(mut real) => {
                for component in missing.iter().rev() {
                    match component {
                        Component::Normal(name) => real.push(name),
                        _ => return Ok(None),
                    }
                }
                return Ok(Some(real));
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                // A link without a target: whoever writes to it makes the target.
                if fs::symlink_metadata(existing).is_ok_and(|it| it.is_symlink()) {
                    return Err(unplaced(shown, "it is a link that leads to nothing"));
                }
                match components.next_back() {
                    Some(last) => missing.push(last),
                    None => return Ok(None),
                }
            }
            Err(error) => return Err(unplaced(shown, &error.to_string())),
        }
    }
}

fn unplaced(path: &str, reason: &str) -> Failure {
    Failure::malformed(format!(
        "nobody can say where `{}` leads: {reason}",
        path.escape_debug()
    ))
}
