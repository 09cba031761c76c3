//! The private file of a server's tokens.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hexgate_base::disk::{Access, FileError, Folder, Lock, LockError, read_all};
use serde::{Deserialize, Serialize};

use super::{Grant, Secret};

/// The largest file, in bytes.
const MAX_BYTES: u64 = 128 << 10;
/// How long another process may take to refresh a token.
const PATIENCE: Duration = Duration::from_secs(25);
const VERSION: u64 = 1;

/// What a login gave, for one server alone.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// The address of the server that gets the token.
    pub(crate) server: String,
    /// Who granted it, and who alone is asked to refresh it.
    pub(crate) issuer: String,
    /// What the gateway is called there, and its secret if it was given one when it registered.
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Secret>,
    pub(crate) grant: Grant,
    /// Scopes that the server wanted since, which the next login asks for.
    pub(crate) wanted: Vec<String>,
}

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct TokenFile {
    path: PathBuf,
    /// Whose tokens are in it.
    server: String,
}

/// Why tokens cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the file of tokens `{}` cannot be used: {reason}", path.display())]
    Io { path: PathBuf, reason: String },
    #[error(
        "the file of tokens `{}` {access}, so others may read it: run `chmod 600` on it, and log in again if they could", path.display()
    )]
    Exposed { path: PathBuf, access: Access },
    #[error("the folder of the file of tokens `{}` {}", path.display(), access.remedy())]
    Folder { path: PathBuf, access: Access },
    #[error("the file of tokens `{}` is damaged: {reason}; log in again", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "the file of tokens `{}` holds those of the server at `{found}`; they are given to no other one: log in, or name another file", path.display()
    )]
    Foreign { path: PathBuf, found: String },
    #[error("another process holds `{}`", path.display())]
    Busy { path: PathBuf },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u64,
    server: String,
    issuer: String,
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<Secret>,
    access_token: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    use_until: Option<u64>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    wanted: Vec<String>,
}

impl TokenFile {
    /// The file at this path, for the tokens of the server at this address.
    pub(crate) fn new(path: PathBuf, server: String) -> Self {
        Self { path, server }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is stored. None: nothing.
    pub(crate) fn read(&self) -> Result<Option<Stored>, StoreError> {
        let (folder, name) = match Folder::of(&self.path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        self.check(&folder)?;
        let file = match folder.read(name) {
            Ok(file) => file,
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(self.io(error)),
        };
        let access = Access::of(&file).map_err(|error| self.io(error))?;
        if !access.is_private() {
            return Err(StoreError::Exposed {
                path: self.path.clone(),
                access,
            });
        }
        let bytes = read_all(file, MAX_BYTES).map_err(|error| self.io(error))?;
        let stored = read(&bytes).map_err(|reason| StoreError::Damaged {
            path: self.path.clone(),
            reason,
        })?;
        if stored.server != self.server {
            return Err(StoreError::Foreign {
                path: self.path.clone(),
                found: stored.server,
            });
        }
        Ok(Some(stored))
    }

    /// Replaces what is stored.
    pub(crate) fn write(&self, stored: Stored) -> Result<(), StoreError> {
        let (folder, name) =
            Folder::provided_for(&self.path, 0o700).map_err(|error| self.io(error))?;
        self.check(&folder)?;
        let content = Content {
            version: VERSION,
            server: stored.server,
            issuer: stored.issuer,
            client_id: stored.client_id,
            client_secret: stored.client_secret,
            access_token: stored.grant.access,
            refresh_token: stored.grant.refresh,
            use_until: stored.grant.until,
            scopes: stored.grant.scopes,
            wanted: stored.wanted,
        };
        let bytes = serde_json::to_vec_pretty(&content)
            .map(zeroize::Zeroizing::new)
            .map_err(|error| self.io(io::Error::from(error)))?;
        folder
            .replace(name, 0o600, &bytes)
            .map_err(|error| self.io(error))
    }

    /// Keeps other processes from changing it until it is dropped. Waits for them.
    pub(crate) fn lock(&self) -> Result<Lock, StoreError> {
        let (folder, name) =
            Folder::provided_for(&self.path, 0o700).map_err(|error| self.io(error))?;
        let mut lock = OsString::from(name);
        lock.push(".lock");
        Lock::take(&folder, &lock, PATIENCE).map_err(|error| match error {
            LockError::Busy { .. } => StoreError::Busy {
                path: self.path.with_file_name(&lock),
            },
            LockError::Foreign(access) => StoreError::Exposed {
                path: self.path.with_file_name(&lock),
                access,
            },
            LockError::File(error) => self.io(error),
        })
    }

    fn check(&self, folder: &Folder) -> Result<(), StoreError> {
        let access = folder.access().map_err(|error| self.io(error))?;
        // Who can replace the file can have the gateway act as somebody else.
        if access.keeps_names_from_group() {
            return Ok(());
        }
        Err(StoreError::Folder {
            path: self.path.clone(),
            access,
        })
    }

    fn io(&self, error: impl Into<FileError>) -> StoreError {
        StoreError::Io {
            path: self.path.clone(),
            reason: error.into().to_string(),
        }
    }
}

/// Reads a file of any version. The error shows nothing of it.
fn read(bytes: &[u8]) -> Result<Stored, String> {
    #[derive(Deserialize)]
    struct Any {
        version: u64,
    }
    let damaged = |_| "it is no file of tokens".to_owned();
    let any: Any = serde_json::from_slice(bytes).map_err(damaged)?;
    if any.version != VERSION {
        return Err(format!(
            "version {} is not known, and version {VERSION} is",
            any.version
        ));
    }
    let content: Content = serde_json::from_slice(bytes).map_err(damaged)?;
    Ok(Stored {
        server: content.server,
        issuer: content.issuer,
        client_id: content.client_id,
        client_secret: content.client_secret,
        grant: Grant {
            access: content.access_token,
            refresh: content.refresh_token,
            until: content.use_until,
            scopes: content.scopes,
        },
        wanted: content.wanted,
    })
}
