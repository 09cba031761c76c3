//! The set of keys whose signatures count.

use std::path::Path;

use super::{KeyError, KeyId, PublicKey};

/// The public keys whose signatures are accepted. More than one, so that keys can rotate. Empty, it accepts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedKeys(Vec<PublicKey>);

impl TrustedKeys {
    /// No key: nothing is trusted.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Trusts the key in one file.
    ///
    /// # Errors
    ///
    /// As [`PublicKey::from_file`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        Self::from_files([path])
    }

    /// Trusts the keys in several files, one each.
    ///
    /// # Errors
    ///
    /// As [`PublicKey::from_file`], for the first file that fails: a set with a key missing is not made.
    pub fn from_files<P: AsRef<Path>>(
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Self, KeyError> {
        paths.into_iter().map(PublicKey::from_file).collect()
    }

    /// Trusts one more key.
    pub fn insert(&mut self, key: PublicKey) {
        if !self.0.contains(&key) {
            self.0.push(key);
        }
    }

    /// The names of the keys, in the order in which they came.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.0.iter().map(PublicKey::id)
    }

    /// How many keys are trusted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no key is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The trusted key that made `signature` over `message`. All are tried: which one the message names is not known before it is verified.
    #[must_use]
    pub fn signer_of_manifest(&self, message: &[u8], signature: &[u8; 64]) -> Option<&PublicKey> {
        self.0
            .iter()
            .find(|key| key.signed_manifest(message, signature))
    }
}

impl From<PublicKey> for TrustedKeys {
    fn from(key: PublicKey) -> Self {
        Self(vec![key])
    }
}

impl FromIterator<PublicKey> for TrustedKeys {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        let mut set = Self::new();
        set.extend(keys);
        set
    }
}

impl Extend<PublicKey> for TrustedKeys {
    fn extend<I: IntoIterator<Item = PublicKey>>(&mut self, keys: I) {
        keys.into_iter().for_each(|key| self.insert(key));
    }
}
