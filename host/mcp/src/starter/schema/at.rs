//! Where a condition of a schema stands.

use crate::starter::path::Path;

/// Where a condition stands.
#[derive(Clone)]
pub(super) struct At {
    pub(super) path: Path,
    /// How many parts of the schema stand around it.
    pub(super) depth: usize,
    /// How many quantifiers stand around it.
    pub(super) quantifiers: usize,
}

impl At {
    pub(super) fn below(&self, path: Path, quantifiers: usize) -> Self {
        Self {
            path,
            depth: self.depth + 1,
            quantifiers,
        }
    }

    pub(super) fn text(&self) -> &str {
        self.path.text()
    }
}

/// A path within a comment: names are the server's.
pub(super) fn shown(at: &At) -> String {
    let text: String = at.text().chars().take(80).collect();
    format!("`{text}`")
}
