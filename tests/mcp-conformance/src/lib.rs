//! A server that offers what the scenarios of `@modelcontextprotocol/conformance` ask for, by the names that they ask by.
//!
//! It is rmcp and nothing else, so that what the suite says of it is what it says of rmcp, and what it says of the same server behind the
//! gateway is what the gateway does to it.
#![forbid(unsafe_code)]
#![expect(
    deprecated,
    reason = "the scenarios ask for sampling, roots and logs, which the protocol will drop"
)]

mod asks;
mod content;
mod items;
mod server;
mod tasks;
mod tools;

pub use server::Fixture;
