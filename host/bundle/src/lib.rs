//! Signed policy bundles: their format, the keys, signing, verification and the way they reach a disk.
//!
//! A bundle is a folder of four or five files that share a stem:
//!
//! | file | content |
//! |---|---|
//! | `{stem}.yaml` | the policy as its author wrote it; one that denies everything if the author wrote Rego |
//! | `{stem}.rego` | the policy as Rego, empty if it was not printed |
//! | `{stem}.wasm` | what decides |
//! | `{stem}.bundle.json` | the [`Manifest`]: digests of the other files and the terms under which they may be used |
//! | `{stem}.bundle.json.sig` | an Ed25519 signature over the exact bytes of the manifest, 64 raw bytes |
//!
//! Each check that passed is a type. [`UnverifiedBundle`] is bytes of unknown origin; [`UnverifiedBundle::verify`] is the only way to a
//! [`VerifiedBundle`], and it parses nothing before the signature holds. Functions that weaken a check have names that start with
//! `dangerous`.
//!
//! # Example
//!
//! ```
//! use std::time::SystemTime;
//! use hexgate_bundle::{Claims, Draft, Expectation, PrivateKey, TrustedKeys, UnverifiedBundle};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (keys, out) = (folder.path().join("release"), folder.path().join("bundle"));
//! // Once: `release.private` and `release.public`.
//! let pair = hexgate_bundle::generate(&keys, false)?;
//!
//! // In the pipeline: sign and write. A reader sees the whole bundle or none of it.
//! let private = PrivateKey::from_file(&pair.private)?.key;
//! let draft = Draft {
//!     stem: "policy".parse()?,
//!     source: b"version: 1\n",
//!     rego: "",
//!     wasm: b"\0asm\x0d\0\x01\0",
//!     claims: Claims {
//!         agent: Some("support-bot".into()),
//!         sequence: 7,
//!         ..Claims::new("policy.yaml", "hexgate:policy@0.1.0", "native", "hexgate-compiler 0.1.0")
//!     },
//! };
//! hexgate_bundle::write(&out, &draft, Some(&private))?;
//!
//! // In the agent: verify.
//! let trusted = TrustedKeys::from_file(&pair.public)?;
//! let bundle = UnverifiedBundle::read(&out)?.verify(&trusted, &Expectation::agent("support-bot"), SystemTime::now())?;
//! assert_eq!(bundle.contents().manifest().sequence(), Some(7));
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//!
//! - **Trust** is a set of public keys ([`TrustedKeys`]), so that keys can rotate: trust both for a while, sign with the newer one, drop the older.
//! - **Binding**: a bundle names the agent and the project that it is meant for, and is refused for any other ([`Expectation`]).
//! - **Validity**: a bundle can name the time from which and until which it holds. The caller passes the clock in.
//! - **Sequence**: a bundle carries a number that its maker raises; [`SequenceStore`] remembers the highest one, and which bundle has it, and
//!   refuses to go back. 0 is no number.
//! - **Versions**: version 2 of the manifest is what this crate writes; version 1, of the Python system, is read as well, and written
//!   for its hosts alone ([`V1Draft`]). It is bound to nothing and has no sequence, so [`Expectation::dangerous_accept_unbound`] is needed to use it.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod canonical;
mod expectation;
mod manifest;
mod seal;
mod sequence;
mod stem;
mod unverified;
mod verified;
mod write;

pub use expectation::Expectation;
pub use hexgate_base::{
    Clock, Digest, DigestError, ExposedKey, GenerateError, KeyError, KeyId, KeyPair,
    LoadedPrivateKey, PrivateKey, PublicKey, SystemClock, Timestamp, TimestampError, TrustedKeys,
    generate,
};
pub use manifest::{Manifest, ManifestError, Obligation, v1, v2};
pub use seal::{Claims, CopyError, Draft, SealError, SealedBundle, V1Draft};
pub use sequence::{SequenceError, SequenceFloor, SequenceStore};
pub use stem::{Stem, StemError, is_bundle, trace_of_bundle};
pub use unverified::{Parts, ReadError, UnverifiedBundle};
pub use verified::{Contents, DangerousUnsignedBundle, VerifiedBundle, VerifyError};
pub use write::{WriteError, write};

/// The largest manifest that is read, in bytes. It is flat and holds a few names and digests.
pub const MAX_MANIFEST_BYTES: u64 = 64 << 10;
/// The largest policy component that is read, in bytes. The engine is tens of kilobytes; the rest is room for plans and own Rust.
pub const MAX_WASM_BYTES: u64 = 64 << 20;
/// The largest policy source, and the largest Rego text, that is read, in bytes.
pub const MAX_TEXT_BYTES: u64 = 16 << 20;
