//! Policy bundles on their way to the hosts that use them: through an OCI registry, or as one archive where there is no network.
//!
//! What comes in is an [`UnverifiedBundle`](hexgate_bundle::UnverifiedBundle), complete and in memory: this crate writes nothing, and
//! nothing of it can be used before it was verified. What goes out was verified, so its readers accept it.
//!
//! # Example
//!
//! ```no_run
//! use std::time::SystemTime;
//! use hexgate_bundle::{Expectation, SealedBundle, TrustedKeys};
//! use hexgate_registry::{Access, Reference};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let from: Reference = "registry.example.com/policies/support:7".parse()?;
//! let pulled = hexgate_registry::pull(&from, &Access::of(&from)?)?;
//! let keys = TrustedKeys::from_file("release.public")?;
//! let bundle = pulled.bundle.verify(&keys, &Expectation::agent("support-bot"), SystemTime::now())?;
//! SealedBundle::of_verified(&bundle)?.write("policy/")?;
//! # Ok(())
//! # }
//! ```
//!
//! | module | what happens there |
//! |---|---|
//! | `reference` | the name of a bundle in a registry |
//! | `access` | how a registry is reached: credentials, transport, timeout |
//! | `artifact` | a bundle as manifests and blobs |
//! | `push`, `pull` | sending and fetching a bundle |
//! | `connection` | one bounded conversation with a registry |
//! | `authorization` | tokens, and where credentials may be sent |
//! | `archive` | a bundle as one file |
//! | `error` | errors of talking to a registry |
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod access;
mod archive;
mod artifact;
mod authorization;
mod connection;
mod error;
mod pull;
mod push;
mod reference;

pub use access::{Access, Credentials, CredentialsError, Transport};
pub use archive::{ArchiveError, MAX_ARCHIVE_BYTES, export, import};
pub use error::RegistryError;
pub use pull::{PullError, Pulled, digest, pull};
pub use push::{PushError, Pushed, push};
pub use reference::{Reference, ReferenceError};
