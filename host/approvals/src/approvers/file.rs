//! The file that lists the approvers.

use std::{
    fs::OpenOptions,
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use hexgate_bundle::PublicKey;
use rustix::fs::OFlags;
use serde::Deserialize;

use super::{Approver, Approvers, ApproversError};

/// Reads the list.
pub(super) fn read(path: &Path) -> Result<Approvers, ApproversError> {
    let text = text(path)?;
    let malformed = |reason: String| ApproversError::Malformed {
        path: path.to_owned(),
        reason,
    };
    // Whatever else it is, a key perhaps, is not worth an error from the middle of it.
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
    // Without NONBLOCK, opening a pipe would wait for a writer for ever.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(ApproversError::NotAFile {
            path: path.to_owned(),
        });
    }
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if ![rustix::process::geteuid().as_raw(), 0].contains(&owner) || mode & 0o022 != 0 {
        return Err(ApproversError::Exposed {
            path: path.to_owned(),
            owner,
            mode,
        });
    }
    let mut text = String::new();
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(io)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(ApproversError::Malformed {
            path: path.to_owned(),
            reason: format!("it has more than {MAX_BYTES} bytes"),
        });
    }
    Ok(text)
}
