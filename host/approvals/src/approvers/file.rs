//! The file that lists the approvers.

use std::{io, path::Path};

use hexgate_base::disk::{self, Access, FileError, read_all};
use hexgate_bundle::PublicKey;
use serde::Deserialize;

use super::{Approver, Approvers, ApproversError};

/// Reads the list.
pub(super) fn read(path: &Path) -> Result<Approvers, ApproversError> {
    let text = text(path)?;
    let malformed = |reason: String| ApproversError::Malformed {
        path: path.to_owned(),
        reason,
    };
    // Another kind of file, perhaps a private key: an error of the parser could quote it.
    if !text.trim_start().starts_with('{') {
        return Err(malformed("it is not a JSON object".to_owned()));
    }
    let document: Document =
        serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
    if document.version != 1 {
        return Err(malformed(format!(
            "version {} is not known, and version 1 is",
            document.version
        )));
    }
    let mut approvers = Vec::with_capacity(document.approvers.len());
    for entry in document.approvers {
        let keys = entry.keys.iter().map(|key| PublicKey::from_text(key));
        let keys = keys.collect::<Result<_, _>>();
        approvers.push(Approver {
            keys: keys.map_err(|source| ApproversError::Key {
                path: path.to_owned(),
                id: entry.id.clone(),
                source: Box::new(source),
            })?,
            id: entry.id,
            roles: entry.roles,
            users: entry.users,
        });
    }
    Approvers::new(approvers).map_err(|error| malformed(error.to_string()))
}

/// Enough for thousands of approvers.
const MAX_BYTES: u64 = 4 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    approvers: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    keys: Vec<String>,
    roles: Vec<String>,
    #[serde(default)]
    users: Vec<String>,
}

fn text(path: &Path) -> Result<String, ApproversError> {
    let io = |source| ApproversError::Io {
        path: path.to_owned(),
        source,
    };
    let refused = |error| match error {
        FileError::Io(source) => io(source),
        FileError::TooLarge(_) => ApproversError::Malformed {
            path: path.to_owned(),
            reason: format!("it has more than {MAX_BYTES} bytes"),
        },
        FileError::Symlink | FileError::Directory | FileError::Special => {
            ApproversError::NotAFile {
                path: path.to_owned(),
            }
        }
    };
    let file = disk::open(path).map_err(refused)?;
    let access = Access::of(&file).map_err(io)?;
    if !access.is_guarded() {
        return Err(ApproversError::Exposed {
            path: path.to_owned(),
            owner: access.owner,
            mode: access.mode,
        });
    }
    let bytes = read_all(file, MAX_BYTES).map_err(refused)?;
    String::from_utf8(bytes).map_err(|error| io(io::Error::other(error)))
}
