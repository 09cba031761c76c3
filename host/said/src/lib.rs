//! What a user's own words name: addresses, numbers, dates, paths, by kind and in one normal form each.
//!
//! A policy sees it as `said`. With it a policy can ask a person before a side effect whose target the user did not name, because an
//! attacker's text did. Every host uses this crate, so that the same words mean the same to each.
//!
//! ```
//! use hexgate_said::{Kind, Said};
//!
//! let mut said = Said::new();
//! said.hear("Please send 49,90 € to Bob@Example.com by 4 March 2026.");
//! assert!(said.names(Kind::Emails, "bob@example.com"));
//! assert!(said.names(Kind::Numbers, "49.9"));
//! assert!(said.names(Kind::Dates, "2026-03-04"));
//! assert!(!said.names(Kind::Emails, "eve@example.net"));
//! assert!(said.to_json().get().starts_with(r#"{"emails":["bob@example.com"],"urls":[]"#));
//! ```
//!
//! Give it the turns of the user and nothing else: not what tools returned, not files, not the model's words.
//!
//! # What is left
//!
//! A name that is not taken makes a policy ask or deny; a name that is taken by mistake can let a call pass. So what can be read in two ways
//! is left, and so is what reads differently to a person than to a program: `docs/said.md` has the table. A text of n bytes takes a time
//! that grows with n.
//!
//! # Normal forms
//!
//! [`Kind::normal_form`] gives the normal form of one name. A tool that wants its argument to be found brings it into that form before the
//! policy decides.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod boundary;
mod bounds;
mod characters;
mod chunk;
mod date;
mod email;
mod handle;
mod host;
mod iban;
mod kind;
mod number;
mod path;
mod quoted;
mod quotes;
mod reader;
mod row;
mod said;
mod single;
mod taken;
mod url;

pub use bounds::{ITEM_BYTES, KIND_BYTES, KIND_ITEMS, TURN_BYTES};
pub use kind::Kind;
pub use said::Said;

/// The guide's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/said.md")]
mod guide {}
