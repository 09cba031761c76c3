//! Errors of reading and parsing keys.

use std::path::PathBuf;

use crate::disk::Access;

/// A key cannot be read or must not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the key file `{}`: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The path names a directory.
    #[error("`{}` is a directory; name the key file in it, such as `{}`", .path.display(), .path.join("release.public").display())]
    Directory {
        /// The path.
        path: PathBuf,
    },
    /// The path names a pipe or a device.
    #[error("`{}` is not a regular file; write the key to a file and name that", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Another user can replace the key in a public key's file.
    #[error("the public key `{}` decides what is trusted, and {}", .path.display(), .access.remedy())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Whose it is, and its permission bits.
        access: Access,
    },
    /// The file is a key of the other kind by its name.
    #[error("`{}` is a {found} key by its name where a {wanted} key is needed; pass `{}`", .path.display(), .path.with_extension(wanted).display())]
    Swapped {
        /// The file.
        path: PathBuf,
        /// The kind that the name tells.
        found: &'static str,
        /// The kind that is needed.
        wanted: &'static str,
    },
    /// The text is not a key.
    #[error(
        "{origin} does not hold a key: {reason}; a key is 43 characters of base64url (`A-Z a-z 0-9 - _`) and one newline, as written by `keygen`"
    )]
    Malformed {
        /// The file, in backticks, or where else the text came from.
        origin: String,
        /// What is wrong with it. It never repeats the text.
        reason: &'static str,
    },
    /// The key must not be trusted.
    #[error(
        "{origin} {reason}; it was not made by `keygen` and must not be trusted: get the key again from the signer"
    )]
    Weak {
        /// The file, in backticks, or where else the key came from.
        origin: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The text is not a key id.
    #[error("a key id is 16 lower-case hexadecimal digits")]
    Id,
}
