//! Reading a bundle: bytes that were not checked yet.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use hexgate_base::disk::{FileError, Folder, read_all};

use crate::{MAX_MANIFEST_BYTES, MAX_TEXT_BYTES, MAX_WASM_BYTES, Stem, StemError};

/// A bundle as it was received. Nothing in it was parsed, and its content is not accessible before it is
/// [verified](UnverifiedBundle::verify).
pub struct UnverifiedBundle {
    pub(crate) parts: Parts,
    /// The names to use in messages.
    pub(crate) names: Names,
}

/// The parts of a bundle that did not come from a folder.
#[derive(Clone)]
pub struct Parts {
    /// Where they came from, such as an address, for messages.
    pub origin: String,
    /// The exact bytes of the manifest.
    pub manifest: Vec<u8>,
    /// The signature; None if there was none.
    pub signature: Option<Vec<u8>>,
    /// The component.
    pub wasm: Vec<u8>,
    /// The policy's source, if it was sent.
    pub source: Option<Vec<u8>>,
    /// The Rego text, if it was sent.
    pub rego: Option<Vec<u8>>,
}

/// What the parts are called in messages.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) manifest: String,
    pub(crate) signature: String,
    pub(crate) wasm: String,
    pub(crate) source: String,
    pub(crate) rego: String,
}

impl UnverifiedBundle {
    /// Reads a bundle's folder, each file once. The folder itself may be a symbolic link; the files in it may not.
    ///
    /// If [`write`](crate::write()) replaces the folder meanwhile, the result is the whole old bundle or the whole new one.
    ///
    /// # Errors
    ///
    /// If there is not exactly one manifest, a file is missing, too large or not a regular file, or the system fails.
    pub fn read(dir: impl AsRef<Path>) -> Result<Self, ReadError> {
        let dir = dir.as_ref();
        for attempt in 0..ATTEMPTS {
            let folder = open_folder(dir)?;
            let outcome = read_folder(&folder, dir);
            // A writer that replaced the folder may already be removing files of the one that is open here, perhaps the signature. Only a
            // folder that is still in its place was complete throughout.
            if folder.is_at(dir) {
                return outcome;
            }
            thread::sleep(Duration::from_millis(attempt.min(20)));
        }
        Err(ReadError::Unstable {
            dir: dir.to_owned(),
        })
    }

    /// Takes a bundle that did not come from a folder but, for example, over a network.
    ///
    /// # Errors
    ///
    /// If a part is larger than what would be read from a folder.
    pub fn from_parts(parts: Parts) -> Result<Self, ReadError> {
        let name = |part: &str| format!("{part} of `{}`", parts.origin);
        let names = Names {
            manifest: name("the manifest"),
            signature: name("the signature"),
            wasm: name("the component"),
            source: name("the source"),
            rego: name("the rego text"),
        };
        for (file, bytes, limit) in [
            (&names.manifest, Some(&parts.manifest), MAX_MANIFEST_BYTES),
            (&names.wasm, Some(&parts.wasm), MAX_WASM_BYTES),
            (&names.source, parts.source.as_ref(), MAX_TEXT_BYTES),
            (&names.rego, parts.rego.as_ref(), MAX_TEXT_BYTES),
        ] {
            if bytes.is_some_and(|bytes| bytes.len() as u64 > limit) {
                return Err(ReadError::TooLarge {
                    file: file.clone(),
                    limit,
                });
            }
        }
        Ok(Self { parts, names })
    }

    /// Whether a signature came with the bundle. It says nothing about whether the signature is good.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.parts.signature.is_some()
    }

    /// Where the bundle came from.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.parts.origin
    }
}

impl fmt::Debug for UnverifiedBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedBundle")
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The component is megabytes: its size is enough.
        f.debug_struct("Parts")
            .field("origin", &self.origin)
            .field("signed", &self.signature.is_some())
            .field("wasm_bytes", &self.wasm.len())
            .finish_non_exhaustive()
    }
}

/// A bundle was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is nothing at the path.
    #[error("`{}` does not exist; compile the policy into it first, or name the folder of a bundle", .dir.display())]
    NotFound {
        /// The path.
        dir: PathBuf,
    },
    /// The path names a file.
    #[error("`{}` is not a folder; name the folder that holds `*.bundle.json`", .dir.display())]
    NotAFolder {
        /// The path.
        dir: PathBuf,
    },
    /// The folder is not a bundle.
    #[error("`{}` holds no `*.bundle.json`, so it is not a bundle; compile a policy into it, or name another folder", .dir.display())]
    NoManifest {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder is more than one bundle.
    #[error("`{}` holds several manifests ({}); keep each bundle in a folder of its own", .dir.display(), list(.names))]
    SeveralManifests {
        /// The folder.
        dir: PathBuf,
        /// Their names.
        names: Vec<String>,
    },
    /// The manifest's name cannot be that of a bundle.
    #[error("the manifest in `{}` has a bad name: {source}", .dir.display())]
    Name {
        /// The folder.
        dir: PathBuf,
        /// What is wrong.
        source: StemError,
    },
    /// A file is missing.
    #[error("`{}` is missing; the bundle is not complete: fetch or compile it again", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file is a symbolic link.
    #[error("`{}` is a symbolic link, and links in a bundle are not followed; copy the file, or make the whole folder a link", .path.display())]
    Symlink {
        /// The file.
        path: PathBuf,
    },
    /// A file is something else.
    #[error("`{}` is not a regular file", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A part is too large.
    #[error("{file} is larger than {limit} bytes, which is the limit for it")]
    TooLarge {
        /// The part: a path in backticks, or its name.
        file: String,
        /// The largest accepted size in bytes.
        limit: u64,
    },
    /// The folder was replaced again and again.
    #[error("`{}` was replaced by another process each of {ATTEMPTS} times that it was read; wait for the writer and try again", .dir.display())]
    Unstable {
        /// The folder.
        dir: PathBuf,
    },
    /// The system fails.
    #[error("cannot read `{}`: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// How often a folder that is being replaced is read. Replacing takes milliseconds, reading less.
const ATTEMPTS: u64 = 200;

/// A signature has 64 bytes; a longer file is read far enough to see that it is longer.
const MAX_SIGNATURE_BYTES: u64 = 4096;

pub(crate) fn list(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{}`", name.escape_debug()))
        .collect::<Vec<_>>()
        .join(", ")
}

fn open_folder(dir: &Path) -> Result<Folder, ReadError> {
    Folder::open(dir).map_err(|source| {
        let dir = dir.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => ReadError::NotFound { dir },
            io::ErrorKind::NotADirectory => ReadError::NotAFolder { dir },
            _ => ReadError::Io { path: dir, source },
        }
    })
}

fn read_folder(folder: &Folder, dir: &Path) -> Result<UnverifiedBundle, ReadError> {
    let stem = find_stem(folder, dir)?;
    let part = |name: String, limit| {
        let path = dir.join(&name);
        let error = |error| match error {
            FileError::Symlink => ReadError::Symlink { path: path.clone() },
            FileError::Directory | FileError::Special => ReadError::NotAFile { path: path.clone() },
            FileError::TooLarge(_) => ReadError::TooLarge {
                file: format!("`{}`", path.display()),
                limit,
            },
            FileError::Io(source) if source.kind() == io::ErrorKind::NotFound => {
                ReadError::Missing { path: path.clone() }
            }
            FileError::Io(source) => ReadError::Io {
                path: path.clone(),
                source,
            },
        };
        folder
            .read(&name)
            .and_then(|file| read_all(file, limit))
            .map_err(error)
    };
    let signature = match part(stem.signature(), MAX_SIGNATURE_BYTES) {
        Ok(bytes) => Some(bytes),
        Err(ReadError::Missing { .. }) => None,
        Err(error) => return Err(error),
    };
    let name = |name: String| format!("`{}`", dir.join(name).display());
    Ok(UnverifiedBundle {
        parts: Parts {
            origin: dir.display().to_string(),
            manifest: part(stem.manifest(), MAX_MANIFEST_BYTES)?,
            signature,
            wasm: part(stem.wasm(), MAX_WASM_BYTES)?,
            source: Some(part(stem.source(), MAX_TEXT_BYTES)?),
            rego: Some(part(stem.rego(), MAX_TEXT_BYTES)?),
        },
        names: Names {
            manifest: name(stem.manifest()),
            signature: name(stem.signature()),
            wasm: name(stem.wasm()),
            source: name(stem.source()),
            rego: name(stem.rego()),
        },
    })
}

/// The stem of the only manifest in a folder.
fn find_stem(folder: &Folder, dir: &Path) -> Result<Stem, ReadError> {
    let mut found = Vec::new();
    let entries = folder.entries().map_err(|source| ReadError::Io {
        path: dir.to_owned(),
        source,
    })?;
    for (name, _) in entries {
        let name = name.to_string_lossy();
        if let Some(stem) = Stem::of_manifest(&name) {
            found.push((name.into_owned(), stem));
        }
    }
    match <[_; 1]>::try_from(found) {
        Ok([(_, stem)]) => stem.map_err(|source| ReadError::Name {
            dir: dir.to_owned(),
            source,
        }),
        Err(found) if found.is_empty() => Err(ReadError::NoManifest {
            dir: dir.to_owned(),
        }),
        Err(found) => {
            let mut names: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
            names.sort();
            Err(ReadError::SeveralManifests {
                dir: dir.to_owned(),
                names,
            })
        }
    }
}
