//! The components that decided, kept beside the log by their digests.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use hexgate_base::disk::Folder;
use hexgate_bundle::{Digest, MAX_WASM_BYTES};

/// Components in a folder, each in a file that its SHA-256 names.
#[derive(Debug, Clone)]
pub struct Components {
    folder: PathBuf,
}

impl Components {
    /// The components beside the log in `folder`.
    #[must_use]
    pub fn of_log(log: &Path) -> Self {
        Self {
            folder: log.join("components"),
        }
    }

    /// Keeps a component. An existing file stays as it is.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn keep(&self, component: &[u8]) -> Result<Digest, ComponentsError> {
        let digest = Digest::of(component);
        let path = self.path(&digest);
        if matches!(self.find(&digest), Ok(Some(_))) {
            return Ok(digest);
        }
        let write = || {
            Folder::provide(&self.folder, 0o700)?;
            Folder::open_itself(&self.folder)?.replace(file_name(&digest), 0o600, component)
        };
        write().map_err(|source| ComponentsError::Io {
            path: path.clone(),
            source,
        })?;
        Ok(digest)
    }

    /// The component with this digest. None if it was not kept.
    ///
    /// # Errors
    ///
    /// It cannot be read, or has another digest.
    pub fn find(&self, digest: &Digest) -> Result<Option<Vec<u8>>, ComponentsError> {
        let path = self.path(digest);
        let mut bytes = Vec::new();
        let read = File::open(&path)
            .and_then(|file| file.take(MAX_WASM_BYTES + 1).read_to_end(&mut bytes));
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ComponentsError::Io { path, source }),
            Ok(_) if Digest::of(&bytes) == *digest => Ok(Some(bytes)),
            Ok(_) => Err(ComponentsError::Changed { path }),
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(file_name(digest))
    }
}

fn file_name(digest: &Digest) -> String {
    format!("{digest}.wasm")
}

/// A component cannot be kept or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentsError {
    /// The system fails.
    #[error("cannot use `{}`: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file does not have the digest in its name.
    #[error("`{}` does not have the digest in its name; restore it, or name the bundle", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}
