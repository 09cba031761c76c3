//! Compiled code on disk, of components that are not of the known engine, for processes that start often.
//!
//! Compiled code is native code: whoever can write it can do what this process can. So a file in the cache is nothing but a
//! claim, and it is believed only after its keyed hash has been checked over the very bytes that are then loaded. The key lies
//! outside of the folder, so that who can write there and read nothing else cannot make an entry.
//!
//! The cache never stops anything: what is damaged, foreign or unreadable is removed and counts as not there.

mod deserialize;
mod folder;
mod key;

use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::error::CacheError;
use folder::Folder;
use key::Key;

/// Where compiled code is kept, and how much of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CacheConfig {
    /// The folder. Made with mode 0700 if it is not there; refused if it is a link, not ours, or open to others.
    pub folder: PathBuf,
    /// The file with the key. Made with mode 0600 if it is not there; refused under the same conditions, or within the folder.
    pub key: PathBuf,
    /// The most that all entries together may take, in bytes. Default: 256 MiB. The entry that was not used for the longest time goes first.
    pub max_bytes: u64,
    /// The most entries. Default: 1,024.
    pub max_entries: usize,
}

impl CacheConfig {
    /// A cache of the default size.
    pub fn new(folder: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        Self {
            folder: folder.as_ref().into(),
            key: key.as_ref().into(),
            max_bytes: 256 << 20,
            max_entries: 1024,
        }
    }
}

/// An open cache.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: Folder,
    key: Key,
}

/// The length of the keyed hash that stands before an artifact.
const MAC: usize = blake3::OUT_LEN;

impl Cache {
    pub(crate) fn open(config: &CacheConfig) -> Result<Self, CacheError> {
        let folder = Folder::open(&config.folder, config.max_bytes, config.max_entries)?;
        let key = Key::open(&config.key, &config.folder)?;
        Ok(Self { folder, key })
    }

    /// The compiled form of a component, if it is there and ours.
    pub(crate) fn component(&self, engine: &Engine, wasm: &[u8]) -> Option<Component> {
        let name = self.key.name(engine, wasm);
        let entry = self.read(&name)?;
        let component = deserialize::component(engine, &entry);
        if component.is_none() {
            self.folder.remove(&name);
        }
        component
    }

    /// Keeps the compiled form of `wasm`. A cache that cannot be written is a slow one, not an error.
    pub(crate) fn keep(&self, engine: &Engine, wasm: &[u8], artifact: wasmtime::Result<Vec<u8>>) {
        let Ok(artifact) = artifact else { return };
        let name = self.key.name(engine, wasm);
        let mac = self.key.mac(&name, &artifact);
        self.folder.write(&name, mac.as_bytes(), &artifact);
    }

    fn read(&self, name: &str) -> Option<Authentic> {
        let bytes = self.folder.read(name)?;
        let entry = Authentic::check(&self.key, name, bytes);
        if entry.is_none() {
            self.folder.remove(name);
        }
        entry
    }
}

/// The bytes of an entry whose keyed hash was found right. The only way to one is [`Authentic::check`].
struct Authentic(Vec<u8>);

impl Authentic {
    fn check(key: &Key, name: &str, bytes: Vec<u8>) -> Option<Self> {
        let (mac, artifact) = bytes.split_first_chunk::<MAC>()?;
        // Comparing hashes of this type takes the same time wherever they differ.
        (key.mac(name, artifact) == blake3::Hash::from_bytes(*mac)).then_some(Self(bytes))
    }

    fn artifact(&self) -> &[u8] {
        self.0.get(MAC..).unwrap_or_default()
    }
}
