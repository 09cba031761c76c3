//! What the scenarios of `@modelcontextprotocol/conformance` are connected to: a server that offers what they ask for, by the names that they
//! ask by, and a client that uses what they offer.
//!
//! It is rmcp and nothing else, so that what the suite says of it is what it says of rmcp, and what it says of the same server behind the
//! gateway is what the gateway does to it.
#![forbid(unsafe_code)]
#![expect(
    deprecated,
    reason = "the scenarios ask for sampling, roots and logs, which the protocol will drop"
)]

mod asks;
pub mod client;
mod content;
mod items;
mod server;
mod tasks;
mod tools;

pub use server::Fixture;
