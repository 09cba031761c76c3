//! The key of the digests of withheld arguments. Only a holder of the key can test whether a digest belongs to a text.

use std::{
    fmt,
    io::{self, Write},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hexgate_base::disk::{self, Access, FileError, Folder, read_all};
use hexgate_bundle::Digest;

/// A key for digests of arguments, facts and results: 32 random bytes. Without a key, short texts could be found by trying.
///
/// Keep its file away from the log's folder: an attacker who has both can try texts.
#[derive(Clone)]
pub struct DigestKey {
    arguments: [u8; 32],
    facts: [u8; 32],
    results: [u8; 32],
    id: String,
}

impl DigestKey {
    /// Takes the raw key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let id = blake3::derive_key("hexgate audit 1: id of the digest key", bytes);
        let id: String = Digest::from_bytes(id)
            .to_string()
            .chars()
            .take(16)
            .collect();
        Self {
            arguments: blake3::derive_key("hexgate audit 1: digest of arguments", bytes),
            facts: blake3::derive_key("hexgate audit 1: digest of facts", bytes),
            results: blake3::derive_key("hexgate audit 1: digest of results", bytes),
            id,
        }
    }

    /// Reads the key's file: 43 characters of base64url and a newline, readable by this user alone. A file of root's that its group can
    /// read is accepted: secrets are mounted so.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not a key, or other users can access it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, DigestKeyError> {
        let path = path.as_ref();
        let io = |source| DigestKeyError::Io {
            path: path.to_owned(),
            source,
        };
        let malformed = || DigestKeyError::Malformed {
            path: path.to_owned(),
        };
        let refused = |error| match error {
            FileError::Io(source) => io(source),
            _ => malformed(),
        };
        let file = disk::open(path).map_err(refused)?;
        let access = Access::of(&file).map_err(io)?;
        if !access.is_private() {
            return Err(DigestKeyError::Exposed {
                path: path.to_owned(),
                mode: access.mode,
            });
        }
        let text = read_all(file, 64).map_err(refused)?;
        let decoded = URL_SAFE_NO_PAD
            .decode(text.strip_suffix(b"\n").unwrap_or(&text))
            .map_err(|_| malformed())?;
        let bytes = decoded.try_into().map_err(|_| malformed())?;
        Ok(Self::from_bytes(&bytes))
    }

    /// Makes a key from the system's randomness in a new file of mode 0600. A folder that is missing is made, mode 0700.
    ///
    /// # Errors
    ///
    /// If the file exists or cannot be written. Nothing is left behind then.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, DigestKeyError> {
        let path = path.as_ref();
        let io = |source| DigestKeyError::Io {
            path: path.to_owned(),
            source,
        };
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|source| io(io::Error::other(source)))?;
        let text = format!("{}\n", URL_SAFE_NO_PAD.encode(bytes));
        let write = || {
            let (folder, name) = Folder::provided_for(path, 0o700)?;
            let mut file = folder.passing(0o600)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            file.persist_new(name)?;
            folder.sync()
        };
        write().map_err(io)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// Reads the key's file, or makes it if it is missing.
    ///
    /// # Errors
    ///
    /// As [`DigestKey::from_file`] and [`DigestKey::create`].
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self, DigestKeyError> {
        let path = path.as_ref();
        let is = |error: &DigestKeyError, kind| matches!(error, DigestKeyError::Io { source, .. } if source.kind() == kind);
        match Self::from_file(path) {
            Err(error) if is(&error, io::ErrorKind::NotFound) => match Self::create(path) {
                // Another process was faster.
                Err(error) if is(&error, io::ErrorKind::AlreadyExists) => Self::from_file(path),
                made => made,
            },
            read => read,
        }
    }

    /// A name for the key that does not disclose it: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The digest under which the log keeps these arguments.
    #[must_use]
    pub fn of_arguments(&self, text: &str) -> Digest {
        Digest::from_bytes(*blake3::keyed_hash(&self.arguments, text.as_bytes()).as_bytes())
    }

    /// The digest under which the log keeps these facts.
    #[must_use]
    pub fn of_facts(&self, text: &str) -> Digest {
        Digest::from_bytes(*blake3::keyed_hash(&self.facts, text.as_bytes()).as_bytes())
    }

    /// The digest under which the log keeps this result of a call.
    #[must_use]
    pub fn of_result(&self, text: &str) -> Digest {
        Digest::from_bytes(*blake3::keyed_hash(&self.results, text.as_bytes()).as_bytes())
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestKey({})", self.id)
    }
}

/// The key of the digests cannot be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DigestKeyError {
    /// The file cannot be read or written.
    #[error("cannot use the digest key `{}`: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file does not hold a key.
    #[error("`{}` does not hold a digest key: 43 characters of base64url and one newline; name another file, or let a new key be made", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// Other users can access it.
    #[error("`{}` (mode {mode:04o}) can be accessed by other users, so its digests protect nothing; make it yours and run `chmod 600` on it, or let a new key be made", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("digest.key");
        let key = DigestKey::open_or_create(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let again = DigestKey::open_or_create(&path).unwrap();
        assert_eq!(key.id(), again.id());
        assert_eq!(key.of_arguments("{}"), again.of_arguments("{}"));
        assert_ne!(key.of_arguments("{}"), key.of_facts("{}"));
        assert_ne!(key.of_result("{}"), key.of_arguments("{}"));
        assert_ne!(key.of_result("{}"), key.of_facts("{}"));
        let other = DigestKey::from_bytes(&[1; 32]);
        assert_ne!(key.of_arguments("{}"), other.of_arguments("{}"));
        assert!(!format!("{key:?}").contains(&fs::read_to_string(&path).unwrap()[..8]));
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("digest.key");
        DigestKey::create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            DigestKey::from_file(&path),
            Err(DigestKeyError::Exposed { mode: 0o640, .. })
        ));
        for bad in ["", "x", &"A".repeat(44), &"!".repeat(43)] {
            fs::write(&path, bad).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(
                matches!(
                    DigestKey::open_or_create(&path),
                    Err(DigestKeyError::Malformed { .. })
                ),
                "{bad}"
            );
        }
        assert!(matches!(
            DigestKey::from_file(folder.path().join("missing")),
            Err(DigestKeyError::Io { .. })
        ));
        DigestKey::create(folder.path().join("a/keys/key")).unwrap();
        let made = fs::metadata(folder.path().join("a/keys")).unwrap();
        assert_eq!(made.permissions().mode() & 0o7777, 0o700);
    }
}
