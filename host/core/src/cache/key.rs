//! The key of the cache: 32 random bytes in a file of their own.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write as _};
use std::path::Path;

use hexgate_base::disk::{Access, FileError, Folder, read_all};
use wasmtime::Engine;

use crate::error::CacheError;

/// The key. Never shown.
pub(super) struct Key([u8; blake3::KEY_LEN]);

impl Key {
    /// Reads the key, or makes one.
    pub(super) fn open(path: &Path, folder: &Path) -> Result<Self, CacheError> {
        let io = |source| CacheError::Io {
            path: path.into(),
            source,
        };
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let (beside, name) = Folder::provided_for(path, 0o700).map_err(io)?;
        let (real_parent, real_folder) = (
            fs::canonicalize(parent).map_err(io)?,
            fs::canonicalize(folder).map_err(io)?,
        );
        if real_parent.starts_with(real_folder) {
            let reason = "it lies in the cache's folder; keep the key elsewhere".into();
            return Err(CacheError::Untrusted {
                path: path.into(),
                reason,
            });
        }
        let name = Path::new(name);
        match Self::read(path, &beside, name) {
            Err(CacheError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::make(&beside, name).map_err(io)?;
                Self::read(path, &beside, name)
            }
            other => other,
        }
    }

    /// The name of an entry: it depends on the code, on the runtime with all its settings, and on the key.
    pub(super) fn name(&self, engine: &Engine, wasm: &[u8]) -> String {
        let mut hasher = Feed(blake3::Hasher::new_keyed(&self.0));
        hasher.0.update(b"hexgate cache entry\0");
        hasher.0.update(env!("CARGO_PKG_VERSION").as_bytes());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        std::env::consts::ARCH.hash(&mut hasher);
        std::env::consts::OS.hash(&mut hasher);
        hasher.0.update(blake3::hash(wasm).as_bytes());
        hasher.0.finalize().to_hex().to_string()
    }

    /// The keyed hash over an entry.
    pub(super) fn mac(&self, name: &str, artifact: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        // The name has a fixed length, so name and artifact cannot run into each other.
        hasher
            .update(b"hexgate cache artifact\0")
            .update(name.as_bytes())
            .update(artifact);
        hasher.finalize()
    }

    fn read(path: &Path, beside: &Folder, name: &Path) -> Result<Self, CacheError> {
        let untrusted = |reason: &str| CacheError::Untrusted {
            path: path.into(),
            reason: reason.into(),
        };
        let refused = |error| match error {
            FileError::Io(source) => CacheError::Io {
                path: path.into(),
                source,
            },
            FileError::Symlink => untrusted("it is a link; name the file itself"),
            FileError::Directory | FileError::Special => untrusted("it is not a file"),
            FileError::TooLarge(_) => {
                untrusted("a key has 32 bytes; remove it to have a new one made")
            }
        };
        let file = beside.read(name).map_err(refused)?;
        let access = Access::of(&file).map_err(|error| refused(error.into()))?;
        if !access.is_own() {
            return Err(untrusted("it belongs to another user"));
        }
        if !access.is_private() {
            return Err(untrusted(
                "others can read or write it; its mode should be 0600",
            ));
        }
        let key = read_all(file, blake3::KEY_LEN as u64).map_err(refused)?;
        let key = key.try_into();
        key.map(Self)
            .map_err(|_| refused(FileError::TooLarge(blake3::KEY_LEN as u64)))
    }

    /// Makes a new key, so that nobody ever reads half of one and the first of several processes wins.
    fn make(beside: &Folder, name: &Path) -> io::Result<()> {
        let mut key = [0; blake3::KEY_LEN];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let mut file = beside.passing(0o600)?;
        file.write_all(&key)?;
        file.sync_all()?;
        match file.persist_new(name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Feeds what a type hashes of itself into the keyed hash.
struct Feed(blake3::Hasher);

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash = self.0.finalize();
        hash.as_bytes()
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}
