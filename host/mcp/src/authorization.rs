//! How the gateway authorizes itself at servers over HTTP that want that: OAuth 2.1, as the protocol describes it.
//!
//! | part | content |
//! |---|---|
//! | `config` | what `gateway.yaml` says of it |
//! | `secret` | a text that is not shown |
//! | `fetch` | who may be asked, and how long and how much is listened to |
//! | `discover` | who authorizes for a server, and whether that is believed |
//! | `store` | the private file of a server's tokens |
//! | `grant` | a token as it was granted |
//! | `asking` | a new token by that of a login, or by the gateway's own credentials |
//! | `authorizer` | the token of each request to a server |
//!
//! A token is of one server: its file names the server's address, and nobody else gets it. The token of a client is no part of this.

mod asking;
mod authorizer;
mod config;
mod discover;
mod fetch;
mod grant;
mod secret;
mod store;

pub(crate) use authorizer::Authorizer;
pub use config::{AuthorizationConfig, Flow, KeyAlgorithm};
pub(crate) use discover::{Found, said};
pub(crate) use fetch::Fetcher;
pub(crate) use grant::Grant;
pub(crate) use secret::Secret;
pub(crate) use store::{Stored, TokenFile};

/// The program's own name where it registers itself.
pub(crate) const CLIENT_NAME: &str = "hexgate";
