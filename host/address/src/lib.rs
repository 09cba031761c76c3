//! Which hosts a text names, which of their addresses are public, and who may be reached.
//!
//! One rule for everything that opens connections to addresses of others: the egress proxy, the tool `fetch`, and the gateway where servers
//! name who authorizes for them.
//!
//! - [`Host`] is what a text names, in one normal form. Two texts that reach the same host have the same form, so that a policy compares
//!   what is connected to.
//! - [`WebUrl`] is a URL of the web in one normal form.
//! - [`Kind`] says what an address is for. Only [`Kind::Public`] is reached without being asked for.
//! - [`is_loopback`] says whether an address is on this machine.
//! - [`Reach`] is who may be reached beside public addresses.
//! - [`Resolve`] finds the addresses of a name, and [`pinned`] checks all of them once. Whoever connects uses what `pinned` gave and asks
//!   nobody again: a name that changes its addresses in between gains nothing.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod host;
mod kind;
mod local;
mod reach;
mod resolve;
mod url;

pub use host::{Host, HostError, port};
pub use kind::{Kind, canonical, kind};
pub use local::is_loopback;
pub use reach::{Reach, ReachError};
pub use resolve::{Pinned, Resolve, ResolveFuture, SystemResolver, Unreachable, pinned};
pub use url::{UrlError, WebUrl, authority};
