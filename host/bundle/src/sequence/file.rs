//! What the store's file holds. Each version is a module; the newest one is written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::newest::Newest;
use crate::{canonical, v2::MAX_SEQUENCE};

/// For whom a bundle was admitted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) project: Option<String>,
    pub(super) agent: Option<String>,
}

pub(super) type Entries = BTreeMap<Name, Newest>;

/// Reads a file of any version. The error is a reason for a message.
pub(super) fn read(bytes: &[u8]) -> Result<Entries, String> {
    #[derive(Deserialize)]
    struct Any {
        version: u64,
    }
    let any: Any = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match any.version {
        v1::VERSION => v1::read(bytes),
        v2::VERSION => v2::read(bytes),
        other => Err(format!(
            "version {other} is not known, and versions {} and {} are",
            v1::VERSION,
            v2::VERSION
        )),
    }
}

/// The bytes of a file of the newest version.
pub(super) fn write(entries: &Entries) -> Result<Vec<u8>, serde_json::Error> {
    v2::write(entries)
}

/// Entries that were written here are sorted and unique.
fn checked(entries: Vec<(Name, Newest)>) -> Result<Vec<(Name, Newest)>, String> {
    if entries.is_sorted_by(|a, b| a.0 < b.0)
        && entries.iter().all(|entry| entry.1.sequence <= MAX_SEQUENCE)
    {
        Ok(entries)
    } else {
        Err("its entries are not sorted, not unique or too large".to_owned())
    }
}

/// This crate writes one spelling; any other was edited.
fn spelled(written: Result<Vec<u8>, serde_json::Error>, bytes: &[u8]) -> Result<(), String> {
    match written {
        Ok(written) if written == bytes => Ok(()),
        _ => Err("it was edited or cut off".to_owned()),
    }
}

/// Numbers alone. 0 also stood for bundles without a number.
mod v1 {
    use super::*;

    pub(super) const VERSION: u64 = 1;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Content {
        highest: Vec<Entry>,
        version: u64,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        agent: Option<String>,
        project: Option<String>,
        sequence: u64,
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Entries, String> {
        let content: Content = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        spelled(canonical::to_bytes(&content), bytes)?;
        let entries = content.highest.into_iter().map(|entry| {
            let name = Name {
                project: entry.project,
                agent: entry.agent,
            };
            let newest = Newest {
                sequence: entry.sequence,
                manifest: None,
            };
            (name, newest)
        });
        let entries = checked(entries.collect())?.into_iter();
        // 0 stood for a bundle without a number, which this version does not record.
        Ok(entries.filter(|entry| entry.1.sequence > 0).collect())
    }
}

/// Numbers, and the digests of the bundles that have them.
mod v2 {
    use super::*;
    use crate::Digest;

    pub(super) const VERSION: u64 = 2;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Content {
        newest: Vec<Entry>,
        version: u64,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        agent: Option<String>,
        manifest: Option<Digest>,
        project: Option<String>,
        sequence: u64,
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Entries, String> {
        let content: Content = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        spelled(canonical::to_bytes(&content), bytes)?;
        let entries = content.newest.into_iter().map(|entry| {
            let name = Name {
                project: entry.project,
                agent: entry.agent,
            };
            let newest = Newest {
                sequence: entry.sequence,
                manifest: entry.manifest,
            };
            (name, newest)
        });
        let entries = checked(entries.collect())?;
        if entries.iter().any(|entry| entry.1.sequence == 0) {
            return Err("0 is no sequence number".to_owned());
        }
        Ok(entries.into_iter().collect())
    }

    pub(super) fn write(entries: &Entries) -> Result<Vec<u8>, serde_json::Error> {
        let newest = entries.iter().map(|(name, newest)| Entry {
            agent: name.agent.clone(),
            manifest: newest.manifest,
            project: name.project.clone(),
            sequence: newest.sequence,
        });
        canonical::to_bytes(&Content {
            newest: newest.collect(),
            version: VERSION,
        })
    }
}
