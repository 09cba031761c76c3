//! Where a search begins.

use hexgate_agent::tool::ToolError;

use crate::files::{Place, Reach, Written};

/// A folder to search, or one file.
pub(super) struct Start {
    pub(super) place: Place,
    /// None: it is a folder.
    pub(super) file: Option<String>,
}

/// Where the argument `path` leads. Links are followed inside of the roots: what is found is held against the policy by its own path.
pub(super) fn start(reach: &Reach, path: Option<&str>) -> Result<Start, ToolError> {
    let asked = path.unwrap_or(".");
    let place = reach.place(&Written::parse(asked)?)?;
    let (place, is_folder) = reach.real(&place, asked)?;
    if is_folder {
        return Ok(Start { place, file: None });
    }
    let (parent, name) = place.split();
    let name = name.to_owned();
    let mut folder = place.clone();
    folder.path = parent.to_owned();
    Ok(Start {
        place: folder,
        file: Some(name),
    })
}

/// A path below a start, as one below the root.
pub(super) fn below(start: &str, path: &str) -> String {
    match (start.is_empty(), path.is_empty()) {
        (true, _) => path.to_owned(),
        (_, true) => start.to_owned(),
        _ => format!("{start}/{path}"),
    }
}
