//! Where commands of agents run, and how they reach the network.
//!
//! | module | content |
//! |---|---|
//! | [`address`] | which hosts a text names, which of their addresses are public, who may be reached |
//! | `proxy` | the egress proxy: an enforcer decides each request (feature `proxy`, in the default) |
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod address;
#[cfg(feature = "proxy")]
pub mod proxy;
