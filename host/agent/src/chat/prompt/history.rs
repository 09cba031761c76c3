//! The file of the lines that were typed: private, because people type what they would not publish.

use std::env;
use std::path::PathBuf;

use hexgate_base::disk::{Access, Folder};

/// The file, made if it is missing, readable by its owner alone.
pub(super) fn file() -> Result<PathBuf, String> {
    let folder =
        folder().ok_or("there is no history: neither XDG_STATE_HOME nor HOME names a folder")?;
    let path = folder.join("history");
    let said = |error: &dyn std::fmt::Display| {
        format!(
            "there is no history: `{}` cannot be used: {error}",
            path.display()
        )
    };
    let (folder, name) = Folder::provided_for(&path, 0o700).map_err(|error| said(&error))?;
    let file = folder
        .open_or_create(name, 0o600)
        .map_err(|error| said(&error))?;
    let access = Access::of(&file).map_err(|error| said(&error))?;
    if !access.is_private() {
        return Err(said(&format!("others can read it; {}", access.remedy())));
    }
    Ok(path)
}

fn folder() -> Option<PathBuf> {
    let named = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = named("XDG_STATE_HOME").or_else(|| Some(named("HOME")?.join(".local/state")))?;
    Some(state.join("hexgate"))
}
