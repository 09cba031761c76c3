//! The key of the cache: 32 random bytes in a file of their own.

use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

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
        match Self::read(path) {
            Err(CacheError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::make(path, parent).map_err(io)?;
                Self::read(path)
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

    fn read(path: &Path) -> Result<Self, CacheError> {
        let io = |source| CacheError::Io {
            path: path.into(),
            source,
        };
        let untrusted = |reason: &str| CacheError::Untrusted {
            path: path.into(),
            reason: reason.into(),
        };
        if fs::symlink_metadata(path).map_err(io)?.is_symlink() {
            return Err(untrusted("it is a link; name the file itself"));
        }
        let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(nofollow)
            .open(path)
            .map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(untrusted("it is not a file"));
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(untrusted("it belongs to another user"));
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(untrusted(
                "others can read or write it; its mode should be 0600",
            ));
        }
        let mut bytes = Vec::new();
        file.take(64).read_to_end(&mut bytes).map_err(io)?;
        let key = bytes
            .try_into()
            .map_err(|_| untrusted("a key has 32 bytes; remove it to have a new one made"))?;
        Ok(Self(key))
    }

    /// Writes a new key beside `path` and links it there, so that nobody ever reads half a key and the first of several processes wins.
    fn make(path: &Path, parent: &Path) -> io::Result<()> {
        let mut key = [0; blake3::KEY_LEN];
        let mut name = [0; 8];
        getrandom::fill(&mut key)
            .and_then(|()| getrandom::fill(&mut name))
            .map_err(io::Error::other)?;
        let temporary = parent.join(format!(".hexgate-key-{:016x}", u64::from_le_bytes(name)));
        let written =
            write_new(&temporary, &key).and_then(|()| match fs::hard_link(&temporary, path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => Ok(()),
            });
        let removed = fs::remove_file(&temporary);
        written.and(removed)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

fn write_new(path: &PathBuf, bytes: &[u8]) -> io::Result<()> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
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
