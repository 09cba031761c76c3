//! The client of the platform: where it is, with which token it is asked, over HTTP, and what is said on the wire.
//!
//! Enforcement and the delivery of audit events ask the platform through [`Client`] and nothing else, so what is checked about an
//! address, a token and an answer is checked in one place. The server writes the types that the client reads ([`wire`]).
//!
//! # Example
//!
//! ```
//! use hexgate_platform::Envelope;
//!
//! let token: Envelope = "fty_live_acme_Abc".parse()?;
//! assert_eq!((token.environment(), token.project()), ("live", "acme"));
//! // It is a secret: what is printed is not the token.
//! assert!(!format!("{token:?}").contains("Abc"));
//! # Ok::<(), hexgate_platform::EnvelopeError>(())
//! ```
//!
//! | module | what is there |
//! |---|---|
//! | `envelope` | the text of a token, `fty_<environment>_<project>_<biscuit>` |
//! | [`wire`] | what is said on the wire |
//! | `address` | where the platform is |
//! | `client` | requests with a token, bounded in size and time |
//! | `keys` | the platform's list of keys, and which of them are trusted |
//! | `retry` | how long to wait before asking again |
//! | `error` | why the platform could not be asked |
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | `client` (default) | `Client`, `Address`, `KeyTrust`, `PlatformError`, `jittered`: HTTP with TLS |
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "client")]
mod address;
#[cfg(feature = "client")]
mod client;
mod envelope;
#[cfg(feature = "client")]
mod error;
#[cfg(feature = "client")]
mod keys;
#[cfg(feature = "client")]
mod retry;
pub mod wire;

#[cfg(feature = "client")]
pub use address::{Address, AddressError, DEFAULT_ADDRESS};
#[cfg(feature = "client")]
pub use client::{Blocking, Client, Etag, Fetched, Posted, Timeouts};
pub use envelope::{Envelope, EnvelopeError, MAX_TOKEN_BYTES, check_part};
#[cfg(feature = "client")]
pub use error::{Cause, PlatformError};
#[cfg(feature = "client")]
pub use keys::{KeyTrust, NamedKey};
#[cfg(feature = "client")]
pub use retry::jittered;
