//! The client of the platform: its address, the project's token, HTTP, and the wire types.
//!
//! Enforcement and the delivery of audit events use [`Client`] alone, so addresses, tokens and answers are checked in one place. The server
//! writes the types that the client reads ([`wire`]).
//!
//! # Example
//!
//! ```
//! use hexgate_platform::Envelope;
//!
//! let token: Envelope = "fty_live_acme_Abc".parse()?;
//! assert_eq!((token.environment(), token.project()), ("live", "acme"));
//! // The token is a secret and is not printed.
//! assert!(!format!("{token:?}").contains("Abc"));
//! # Ok::<(), hexgate_platform::EnvelopeError>(())
//! ```
//!
//! | module | content |
//! |---|---|
//! | `envelope` | the text of a token, `fty_<environment>_<project>_<biscuit>` |
//! | [`wire`] | the types on the wire |
//! | `address` | the platform's address |
//! | `client` | requests with a token, bounded in size and time |
//! | `keys` | the platform's list of keys, and the trusted ones |
//! | `retry` | the wait before another request |
//! | `error` | errors of the client |
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
