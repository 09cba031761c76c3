//! The rule: numbers do not fall, and one number is one bundle.

use std::path::Path;

use super::SequenceError;
use crate::{Contents, Digest};

/// The bundle with the highest number that was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Newest {
    /// At least 1.
    pub(super) sequence: u64,
    /// SHA-256 of its manifest, which names all of the bundle. None: a store of version 1 does not say.
    pub(super) manifest: Option<Digest>,
}

impl Newest {
    /// What is the newest bundle after this one was admitted; `path` is the store's file, for messages.
    pub(super) fn after(
        seen: Option<Self>,
        bundle: &Contents,
        path: Option<&Path>,
    ) -> Result<Option<Self>, SequenceError> {
        let found = bundle.manifest().sequence();
        let manifest = Digest::of(bundle.manifest_bytes());
        let this = found.map(|sequence| Self {
            sequence,
            manifest: Some(manifest),
        });
        // Nothing with a number was admitted yet, so bundles without one pass, too.
        let (Some(seen), found) = (seen, found) else {
            return Ok(this);
        };
        match found {
            Some(sequence) if sequence > seen.sequence => Ok(this),
            // An entry of a version 1 store has no digest; the first bundle with its number becomes the owner.
            Some(sequence) if sequence == seen.sequence => match seen.manifest {
                Some(admitted) if admitted != manifest => Err(SequenceError::Another {
                    origin: bundle.origin().to_owned(),
                    sequence,
                    found: manifest,
                    admitted,
                    path: path.map(Path::to_owned),
                }),
                _ => Ok(this),
            },
            _ => Err(SequenceError::Older {
                origin: bundle.origin().to_owned(),
                found,
                highest: seen.sequence,
                path: path.map(Path::to_owned),
            }),
        }
    }
}

/// The same rule for one agent in memory, for as long as this lives: a [`SequenceStore`](super::SequenceStore) that is forgotten.
#[derive(Debug, Clone, Default)]
pub struct SequenceFloor(Option<Newest>);

impl SequenceFloor {
    /// Whether a bundle may follow those that were admitted.
    ///
    /// # Errors
    ///
    /// [`SequenceError::Older`] or [`SequenceError::Another`].
    pub fn check(&self, bundle: &Contents) -> Result<(), SequenceError> {
        Newest::after(self.0, bundle, None).map(|_| ())
    }

    /// Admits a bundle: those that are older than it, and others with its number, are refused from now on.
    ///
    /// # Errors
    ///
    /// As for [`check`](Self::check). Then nothing changes.
    pub fn admit(&mut self, bundle: &Contents) -> Result<(), SequenceError> {
        self.0 = Newest::after(self.0, bundle, None)?;
        Ok(())
    }
}
