//! Making a pair of keys: both files, or neither.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
};

use rustix::fs::FileType;

use super::{KeyId, PRIVATE_ENDING, PUBLIC_ENDING, PrivateKey};
use crate::disk::{Folder, Passing};

/// Where [`generate`] put the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyPair {
    /// The private key, readable by its owner only.
    pub private: PathBuf,
    /// The public key.
    pub public: PathBuf,
    /// The name of the public key.
    pub id: KeyId,
}

/// Makes a pair of keys from the system's randomness: `PREFIX.private`, mode 0600 from its first moment on, and `PREFIX.public`, 0644 or
/// less if the umask says so. A folder that is missing is made, mode 0700.
///
/// Without `force`, a file that exists is left alone and nothing is made. With it, both files are replaced; the old private key is gone then.
///
/// # Errors
///
/// If a file exists or cannot be written. Then what was there before is there again.
pub fn generate(prefix: impl AsRef<Path>, force: bool) -> Result<KeyPair, GenerateError> {
    let prefix = prefix.as_ref();
    if prefix.file_name().is_none() || prefix.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(GenerateError::Prefix {
            prefix: prefix.to_owned(),
        });
    }
    let (private, public) = (
        with_ending(prefix, PRIVATE_ENDING),
        with_ending(prefix, PUBLIC_ENDING),
    );
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| GenerateError::Io { path, source }
    };
    let (folder, _) = Folder::provided_for(&private, 0o700).map_err(io(&private))?;
    for path in [&private, &public] {
        match folder.stat(name(path)) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
                return Err(GenerateError::Directory { path: path.clone() });
            }
            Ok(_) if !force => return Err(GenerateError::Exists { path: path.clone() }),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(io(path)(source)),
        }
    }
    let key = PrivateKey::random().map_err(|source| GenerateError::Random { source })?;
    let id = key.public_key().id();
    let public_text = format!("{}\n", key.public_key().to_text());
    // Both files are complete before either gets its name.
    let new_private = complete(&folder, &private, 0o600, key.to_text().as_bytes())?;
    let new_public = complete(&folder, &public, 0o644, public_text.as_bytes())?;
    if force {
        replace(&folder, new_private, &private, new_public, &public)?;
    } else {
        place(new_private, &private)?;
        if let Err(error) = place(new_public, &public) {
            // The private key alone is of no use, and no reader has it yet.
            let _ = folder.remove(name(&private));
            return Err(error);
        }
    }
    folder.sync().map_err(io(&private))?;
    Ok(KeyPair {
        private,
        public,
        id,
    })
}

/// A pair of keys was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The prefix does not end in a name.
    #[error("`{}` does not end in a name for the keys; pass a prefix such as `keys/release` for `release.private` and `release.public`", .prefix.display())]
    Prefix {
        /// The prefix.
        prefix: PathBuf,
    },
    /// A key is there already.
    #[error("`{}` exists; choose another prefix, or force its replacement: what the old key signed will then be refused", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A directory is in the way.
    #[error("`{}` is a directory; choose another prefix", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write `{}`: {source}; no key was made", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The system gives no randomness.
    #[error("the system gives no randomness for a key: {source}")]
    Random {
        /// The cause.
        source: getrandom::Error,
    },
}

/// `prefix` may contain dots, so its ending is not replaced.
fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut path = OsString::from(prefix);
    path.push(".");
    path.push(ending);
    path.into()
}

/// The name of a key's file in its folder.
fn name(path: &Path) -> &Path {
    Path::new(path.file_name().unwrap_or_default())
}

/// Writes a complete file under a passing name. It has `mode` from the beginning and is removed when dropped.
fn complete<'a>(
    folder: &'a Folder,
    path: &Path,
    mode: u32,
    content: &[u8],
) -> Result<Passing<'a>, GenerateError> {
    let write = || {
        let mut file = folder.passing(mode)?;
        file.write_all(content)?;
        file.sync_all()?;
        Ok(file)
    };
    write().map_err(|source| GenerateError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Gives a complete file its name, and fails if the name is taken.
fn place(file: Passing<'_>, path: &Path) -> Result<(), GenerateError> {
    file.persist_new(name(path)).map_err(|error| {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::AlreadyExists => GenerateError::Exists { path },
            _ => GenerateError::Io {
                path,
                source: error,
            },
        }
    })
}

/// Replaces both keys. If the second cannot be replaced, the first gets its old content back.
fn replace(
    folder: &Folder,
    new_private: Passing<'_>,
    private: &Path,
    new_public: Passing<'_>,
    public: &Path,
) -> Result<(), GenerateError> {
    let io = |path: &Path, source| GenerateError::Io {
        path: path.to_owned(),
        source,
    };
    let old = new_private
        // Swapped, not replaced: the old private key is kept until the public one is in place.
        .swap(name(private))
        .map_err(|source| io(private, source))?;
    new_public.persist(name(public)).map_err(|error| {
        let _ = match old {
            Some(old) => old.persist(name(private)),
            None => folder.remove(name(private)),
        };
        io(public, error)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_prefix_with_dots_keeps_them() {
        assert_eq!(
            with_ending(Path::new("a/v1.2"), PUBLIC_ENDING),
            Path::new("a/v1.2.public")
        );
    }

    #[test]
    fn the_old_private_key_comes_back_if_the_public_one_cannot_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (private, public) = (
            folder.path().join("k.private"),
            folder.path().join("k.public"),
        );
        fs::write(&private, "old").unwrap();
        // A directory with content cannot be replaced by a file.
        fs::create_dir_all(public.join("x")).unwrap();
        let open = Folder::open(folder.path()).unwrap();
        let new_private = complete(&open, &private, 0o600, b"new").unwrap();
        let new_public = complete(&open, &public, 0o644, b"new").unwrap();
        assert!(
            matches!(replace(&open, new_private, &private, new_public, &public), Err(GenerateError::Io { path, .. }) if path == public)
        );
        assert_eq!(fs::read_to_string(&private).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn no_half_pair_stays_if_the_second_name_is_taken_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.public");
        let open = Folder::open(folder.path()).unwrap();
        let file = complete(&open, &path, 0o644, b"new").unwrap();
        fs::write(&path, "other").unwrap();
        assert!(matches!(
            place(file, &path),
            Err(GenerateError::Exists { .. })
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "other");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
