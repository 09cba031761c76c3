//! Agents in folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::definition::{Definition, FILE, Refused};

/// The most entries of a folder that are looked at.
const MAX_ENTRIES: usize = 10_000;

/// A folder with an `agent.yaml`.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) folder: PathBuf,
    /// Its name, or that of its folder if it tells none.
    pub(super) name: String,
    pub(super) read: Result<Definition, Refused>,
    /// The place where it was found: a lower one comes first.
    pub(super) place: usize,
}

/// All of them, in the order in which they count, then by name.
pub(super) fn all(folder: &Path) -> Vec<Local> {
    let mut found = Vec::new();
    let mut seen = BTreeMap::new();
    let mut take = |candidate: PathBuf, place: usize| {
        if candidate.join(FILE).symlink_metadata().is_err() {
            return;
        }
        // One folder can be reached by several ways.
        let real = fs::canonicalize(&candidate).unwrap_or_else(|_| candidate.clone());
        if seen.insert(real, ()).is_some() {
            return;
        }
        let read = Definition::read(&candidate);
        let name = match &read {
            Ok(definition) => Some(definition.name.clone()),
            Err(refused) => refused.name.clone(),
        };
        let name = name.unwrap_or_else(|| {
            let last = candidate
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            last.unwrap_or_else(|| ".".to_owned())
        });
        found.push(Local {
            folder: candidate,
            name,
            read,
            place,
        });
    };
    take(folder.to_owned(), 0);
    for (place, within) in [
        folder.to_owned(),
        folder.join("agents"),
        folder.join("examples"),
    ]
    .into_iter()
    .enumerate()
    {
        for candidate in folders(&within) {
            take(candidate, place);
        }
    }
    found.sort_by(|one, other| (one.place, &one.name).cmp(&(other.place, &other.name)));
    found
}

/// The folders in a folder, by name. One that cannot be read has none.
fn folders(within: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(within) else {
        return Vec::new();
    };
    let mut folders: Vec<PathBuf> = entries
        .take(MAX_ENTRIES)
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}
