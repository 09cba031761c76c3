//! The base of every hexgate host: digests, time, keys, names, private files and printable text.
//!
//! | module | what is there |
//! |---|---|
//! | `digest` | SHA-256 digests and their text form |
//! | `timestamp`, `clock` | points in time in UTC, and who tells the time |
//! | `uuid` | names without a meaning |
//! | `seal` | texts that somebody else carries and cannot change |
//! | `keys` | Ed25519 keys, their files, and signatures that hold for one purpose alone |
//! | [`names`] | one spelling of a name, and which names count as the same |
//! | [`guarded`] | code of others that may panic |
//! | [`disk`] | files and folders that other users may be able to change |
//! | `printable` | text from elsewhere, shown without harm |
//! | `sentence` | errors with their causes, as one sentence |
//!
//! The crate needs a Unix system: it relies on directory descriptors, atomic renames and permission bits. Crates that depend on it need one
//! for that reason alone.
//!
//! # Example
//!
//! ```
//! use hexgate_base::{Digest, PrivateKey, harmless};
//!
//! let key = PrivateKey::from_bytes(&[7; 32]);
//! let signature = key.sign_for("receipt", b"42 euros");
//! assert!(key.public_key().signed_for("receipt", b"42 euros", &signature));
//! assert!(!key.public_key().signed_for("invoice", b"42 euros", &signature));
//!
//! assert!(Digest::of(b"").to_string().starts_with("e3b0c44298fc1c14"));
//! assert_eq!(harmless("refund\u{202e}"), "refund\\u{202e}");
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(not(unix))]
compile_error!(
    "hexgate needs a Unix system: directory descriptors, atomic renames and permission bits"
);

mod clock;
mod digest;
pub mod disk;
pub mod guarded;
mod keys;
pub mod names;
mod printable;
mod seal;
mod sentence;
mod timestamp;
mod uuid;

pub use clock::{Clock, SystemClock};
pub use digest::{Digest, DigestError};
pub use keys::{
    ExposedKey, GenerateError, KeyError, KeyId, KeyPair, LoadedPrivateKey, PrivateKey, PublicKey,
    TrustedKeys, generate,
};
pub use printable::{beginning, harmless, is_printable, shortened};
pub use seal::{SealError, Sealer};
pub use sentence::sentence;
pub use timestamp::{Timestamp, TimestampError, push_time};
pub use uuid::Uuid;
