//! Ed25519 keys: raw 32 bytes, on disk as base64url without padding and a newline.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Digest,
    digest::{parse_hex, write_hex},
    disk::{self, Access, FileError, read_all},
};

mod error;
mod generate;
mod purpose;
mod text;
mod trusted;

pub use error::KeyError;
pub use generate::{GenerateError, KeyPair, generate};
pub use trusted::TrustedKeys;

use text::{FILE_BYTES, decode};

/// The ending of a private key's file.
const PRIVATE_ENDING: &str = "private";
/// The ending of a public key's file.
const PUBLIC_ENDING: &str = "public";

/// The name of a public key: the first 16 hexadecimal digits of its SHA-256. It tells keys apart in messages; trust never rests on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct KeyId([u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        parse_hex(text).map(Self).ok_or(KeyError::Id)
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

/// A public key that can be trusted: the canonical encoding of a point that is not of small order. Signatures for a point of small order
/// can be forged.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a file such as [`generate`] writes. Only this user and root may be able to change it. Symbolic links are followed.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, belongs to another user, can be written by its group or by all, does not hold exactly one key, or is
    /// a private key by its name.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        if path
            .extension()
            .is_some_and(|ending| ending == PRIVATE_ENDING)
        {
            return Err(KeyError::Swapped {
                path: path.to_owned(),
                found: PRIVATE_ENDING,
                wanted: PUBLIC_ENDING,
            });
        }
        let (bytes, access) = read_key(path)?;
        if !access.is_guarded() {
            return Err(KeyError::Exposed {
                path: path.to_owned(),
                access,
            });
        }
        Self::checked(&bytes, &quoted(path))
    }

    /// Reads the text form: 43 characters of base64url.
    ///
    /// # Errors
    ///
    /// If it is anything else, except that one newline may follow.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let origin = "the text of the public key";
        let bytes = decode(text.as_bytes()).map_err(|reason| KeyError::Malformed {
            origin: origin.to_owned(),
            reason,
        })?;
        Self::checked(&bytes, origin)
    }

    /// Takes the raw form.
    ///
    /// # Errors
    ///
    /// If the bytes are not the canonical encoding of a point, or the point is of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        Self::checked(bytes, "the public key")
    }

    /// The raw form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The text form, without a newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_bytes())
    }

    /// The name of this key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let [a, b, c, d, e, f, g, h, ..] = *Digest::of(self.0.as_bytes()).as_bytes();
        KeyId([a, b, c, d, e, f, g, h])
    }

    /// Whether `signature` over `message` is this key's, by the strict rules: no small-order points, no second encoding of a signature.
    #[must_use]
    pub fn signed_manifest(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0
            .verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
            .is_ok()
    }

    fn checked(bytes: &[u8; 32], origin: &str) -> Result<Self, KeyError> {
        let weak = |reason| KeyError::Weak {
            origin: origin.to_owned(),
            reason,
        };
        // A second encoding of a key, or a weak one, would make signatures ambiguous.
        if !is_canonical(bytes) {
            return Err(weak("is not canonically encoded"));
        }
        let key =
            VerifyingKey::from_bytes(bytes).map_err(|_| weak("is not a point of the curve"))?;
        if key.is_weak() {
            Err(weak(
                "is of small order, so that signatures for it can be forged",
            ))
        } else {
            Ok(Self(key))
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

/// A private key. It is wiped from memory when dropped, and `{:?}` shows the id of its public key only.
pub struct PrivateKey(SigningKey);

impl PrivateKey {
    /// Reads a file such as [`generate`] writes. Symbolic links are followed.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, does not hold exactly one key, or is a public key by its name: anyone could make signatures with a
    /// published key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<LoadedPrivateKey, KeyError> {
        let path = path.as_ref();
        if path
            .extension()
            .is_some_and(|ending| ending == PUBLIC_ENDING)
        {
            return Err(KeyError::Swapped {
                path: path.to_owned(),
                found: PUBLIC_ENDING,
                wanted: PRIVATE_ENDING,
            });
        }
        let (bytes, access) = read_key(path)?;
        let warning = (!access.is_private()).then(|| ExposedKey {
            path: path.to_owned(),
            access,
        });
        Ok(LoadedPrivateKey {
            key: Self::from_bytes(&bytes),
            warning,
        })
    }

    /// Takes the raw form, the 32 bytes that RFC 8032 calls the private key. The caller wipes its own copy.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(bytes))
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        // INVARIANT: a public key that is derived from a private one is a canonical point of the large subgroup.
        PublicKey(self.0.verifying_key())
    }

    /// Signs, deterministically.
    #[must_use]
    pub fn sign_manifest(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut())?;
        Ok(Self::from_bytes(&bytes))
    }

    /// The file's content.
    fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES));
        URL_SAFE_NO_PAD.encode_string(self.0.as_bytes(), &mut text);
        text.push('\n');
        text
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(of {})", self.public_key().id())
    }
}

/// A private key from a file, and a warning about the file.
#[derive(Debug)]
#[non_exhaustive]
pub struct LoadedPrivateKey {
    /// The key.
    pub key: PrivateKey,
    /// Set if other users can read or change the file. The key works; tell the user.
    pub warning: Option<ExposedKey>,
}

/// Other users can read or change a private key's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {access}: other users can read or change this private key; run `chmod 600` on it, and replace the key if it was exposed", .path.display())]
#[non_exhaustive]
pub struct ExposedKey {
    /// The file.
    pub path: PathBuf,
    /// Whose it is, and its permission bits.
    pub access: Access,
}

/// Reads a key's file: the raw key, and the file's owner and mode.
fn read_key(path: &Path) -> Result<(Zeroizing<[u8; 32]>, Access), KeyError> {
    let io = |source| KeyError::Io {
        path: path.to_owned(),
        source,
    };
    let file_error = |error| match error {
        FileError::Directory => KeyError::Directory {
            path: path.to_owned(),
        },
        FileError::Symlink | FileError::Special => KeyError::NotAFile {
            path: path.to_owned(),
        },
        FileError::TooLarge(_) => KeyError::Malformed {
            origin: quoted(path),
            reason: "it is far too long",
        },
        FileError::Io(source) => io(source),
    };
    let file = disk::open(path).map_err(file_error)?;
    let access = Access::of(&file).map_err(io)?;
    // Long enough to tell the frequent mistakes apart from "far too long".
    let bytes = Zeroizing::new(read_all(file, 4096).map_err(file_error)?);
    let key = decode(&bytes).map_err(|reason| KeyError::Malformed {
        origin: quoted(path),
        reason,
    })?;
    Ok((key, access))
}

fn quoted(path: &Path) -> String {
    format!("`{}`", path.display())
}

/// Whether the y coordinate, the lower 255 bits in little-endian order, is less than 2^255 - 19.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = bytes;
    !(*low >= 0xed && middle.iter().all(|byte| *byte == 0xff) && *high & 0x7f == 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_keys_are_refused() {
        // The eight points of small order and their other encodings, from RFC 7748, section 7, and the definition of the curve.
        let mut weak = vec![
            [0; 32], [0; 32], [0; 32], [0xff; 32], [0xff; 32], [0xff; 32],
        ];
        weak[1][0] = 1;
        weak[2][31] = 0x80;
        for (key, low) in weak[3..].iter_mut().zip([0xec, 0xed, 0xee]) {
            key[0] = low;
            key[31] = 0x7f;
        }
        weak.push([
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ]);
        weak.push([
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ]);
        for mut key in weak {
            for sign in [0, 0x80] {
                key[31] ^= sign;
                assert!(
                    matches!(PublicKey::from_bytes(&key), Err(KeyError::Weak { .. })),
                    "{key:x?}"
                );
            }
        }
    }

    #[test]
    fn a_second_encoding_of_a_good_point_is_refused() {
        // y and y + p are the same number. The second fits into 255 bits only for y below 19.
        let mut lax = 0;
        for low in 0xed..=0xff {
            for high in [0x7f, 0xff] {
                let mut key = [0xff; 32];
                key[0] = low;
                key[31] = high;
                let message = PublicKey::from_bytes(&key).unwrap_err().to_string();
                assert!(message.contains("not canonically encoded"), "{message}");
                lax += usize::from(VerifyingKey::from_bytes(&key).is_ok_and(|key| !key.is_weak()));
            }
        }
        assert!(lax > 0, "the check has nothing to add");
    }

    #[test]
    fn a_signature_with_a_point_of_small_order_is_refused() {
        // Made by the holder of the key with a nonce of zero, so that R is the neutral point. It fits the equation.
        let mut signature = [0; 64];
        signature[0] = 1;
        signature[32..].copy_from_slice(&[
            0xd4, 0xc5, 0x32, 0x31, 0x31, 0xff, 0x96, 0x83, 0xcf, 0xb3, 0xd3, 0x01, 0x97, 0xc7,
            0x86, 0xc9, 0x04, 0x3f, 0x10, 0x52, 0xd6, 0xc2, 0xd5, 0x29, 0x3f, 0x19, 0xd6, 0xf3,
            0x6b, 0x91, 0x11, 0x04,
        ]);
        let public = PrivateKey::from_bytes(&[7; 32]).public_key();
        let lax = ed25519_dalek::Signature::from_bytes(&signature);
        assert!(ed25519_dalek::Verifier::verify(&public.0, b"message", &lax).is_ok());
        assert!(!public.signed_manifest(b"message", &signature));
    }

    #[test]
    fn nothing_that_prints_a_private_key_shows_it() {
        let loaded = LoadedPrivateKey {
            key: PrivateKey::from_bytes(&[7; 32]),
            warning: None,
        };
        let shown = format!("{loaded:?} {loaded:#?}");
        assert!(shown.contains(&loaded.key.public_key().id().to_string()));
        assert!(
            !shown.contains(loaded.key.to_text().trim_end())
                && !shown.contains("7, 7")
                && !shown.contains("0707"),
            "{shown}"
        );
    }

    #[test]
    fn the_id_is_the_beginning_of_the_digest() {
        let public = PrivateKey::from_bytes(&[7; 32]).public_key();
        assert!(
            Digest::of(&public.to_bytes())
                .to_string()
                .starts_with(&public.id().to_string())
        );
        assert_eq!(
            public.id().to_string().parse::<KeyId>().unwrap(),
            public.id()
        );
        assert!("0123456789ABCDEF".parse::<KeyId>().is_err());
        assert_eq!(PublicKey::from_text(&public.to_text()).unwrap(), public);
    }
}
