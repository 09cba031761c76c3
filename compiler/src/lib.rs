//! Compiles an authorization policy for AI agents into a WebAssembly component.
//!
//! ```text
//! policy.yaml -> source (spans) -> document -> model (roles resolved, inheritance flattened) -> expr (typed constraints)
//!             -> plan | rego -> component -> bundle
//! ```
//!
//! # Example
//!
//! ```
//! use hexgate_compiler::{Compiler, Release, diagnostic::render::{Format, render}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let outcome = Compiler::default().compile_str(
//!     "policy.yaml",
//!     "tools:
//!        refund:
//!          mode: allow
//!          constraints:
//!            - only(args, [\"amount\"])
//!            - args.amount > 0
//!            - args.amount <= 50
//!     ",
//! );
//! // Errors and warnings, as text for people; an accepted policy can have warnings.
//! eprint!("{}", render(&outcome.diagnostics, &outcome.sources, Format::Human, false));
//! let policy = outcome.policy.ok_or("refused")?;
//!
//! // What a bundle is made of: sign and write it with `bundle::write`.
//! let draft = policy.draft(&Release { agent: Some("support-bot".into()), sequence: 7, ..Release::default() })?;
//! assert_eq!(draft.stem.as_str(), "policy");
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//!
//! - **Everything that is wrong is a [`Diagnostic`](diagnostic::Diagnostic)** with a stable code, a place and a remedy; one run reports all.
//!   [`diagnostic::all_codes`] documents each. Only a source that cannot be read at all is an error of another kind.
//! - **Nothing is guessed**: unknown keys, repeated keys, and scalars that readers of YAML understand differently are errors.
//! - **The result is a function of the source, the options and the version of this crate**: the same bytes on every machine.
//!
//! # Features
//!
//! `clap`: [`Engine`], [`RegoOptions`] and [`Release`] are options of command lines.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod artifact;
pub mod automata;
pub mod budget;
mod built;
mod compile;
pub mod constraint;
pub mod diagnostic;
pub mod document;
mod error;
pub mod expr;
pub mod http;
mod javascript;
pub mod lint;
pub mod model;
pub mod opa;
mod place;
pub mod plan;
pub mod rego;
mod rego_policy;
mod release;
pub mod resolve;
pub mod rust;
pub mod schema;
pub mod source;

pub use hexgate_bundle as bundle;

pub use artifact::{Artifact, Engine, OpaCore};
pub use built::{BuiltPolicy, is_built};
pub use compile::{Compiled, Compiler, Options, Outcome};
pub use error::{CargoError, MakeError, OpaCoreError};
pub use javascript::{JavaScript, JavaScriptError};
pub use rego_policy::{RegoOptions, RegoPolicy, is_rego};
pub use release::{CONTRACT, Release};
pub use rust::{RustPolicy, is_rust};
