//! The command line as its users meet it: what it prints, where, and how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod agents;
mod approvals;
mod archives;
mod audit;
mod bench;
mod bundles;
mod calls;
mod convert;
mod cookbook;
mod deliver;
mod doctor;
mod engines;
mod explain;
mod fixture;
mod grown;
mod hook;
mod inspect;
mod mcp;
mod mcp_trust;
mod misuse;
mod registries;
mod rego;
mod rust;
mod samples;
mod serve;
mod show_rego;
mod strangers;
mod suites;
mod validate;
