//! Hosts of hexgate policies: a policy component is verified, instantiated and asked to decide.
//!
//! # Example
//!
//! ```no_run
//! use std::time::SystemTime;
//! use hexgate_host::bundle::{Expectation, TrustedKeys, UnverifiedBundle};
//! use hexgate_host::{Engine, Policy, Request, Verdict};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = TrustedKeys::from_file("release.public")?;
//! let bundle = UnverifiedBundle::read("policy/")?.verify(&keys, &Expectation::agent("support-bot"), SystemTime::now())?;
//! let policy = Policy::load(&Engine::new()?, &bundle)?;
//!
//! let request = Request::new("refund", r#"{"amount": 12}"#).roles(&["support"]);
//! match policy.decide(&request) {
//!     Ok(Verdict::Allow(_)) => println!("run it"),
//!     Ok(Verdict::NeedsApproval(_)) => println!("ask a human"),
//!     Ok(Verdict::Deny(denial)) => println!("no: {}", denial.reason),
//!     Err(error) => println!("no: {error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//!
//! - An [`Engine`] is what policies share: the runtime, the [`Limits`], the clock, the compile cache. One a process.
//! - A [`Policy`] is loaded once, from a verified bundle, and decides from any thread without waiting.
//! - A [`Request`] is borrowed text; a [`Verdict`] allows, asks for approval, or denies with the reason.
//! - Every [`DecideError`] is a denial and says by its [`ErrorKind`] who has to act.
//! - A policy of the **known engine**, recognised byte for byte, keeps instances between decisions. Any other component gets a
//!   fresh instance a decision, with its instructions, memory and output counted.
//!
//! # Features
//!
//! - `cranelift` (default): a compiler, for every component that is not of the known engine: own Rego, own Rust, bundles of the
//!   first version. Without it such a policy is refused with [`LoadError::NoCompiler`], and the program is a quarter as large. The
//!   known engine is shipped compiled for Linux on x86-64 and AArch64; on other machines it is compiled too.
//!
//! | module | what happens there |
//! |---|---|
//! | `engine`, `limits` | what policies share |
//! | `policy`, `component`, `slots` | loading, deciding, keeping instances |
//! | `description`, `error` | what comes out beside the types of the contract |
//! | `runtime` | running the known engine, and any other component |
//! | `cache` | compiled code of other components on disk |
#![deny(missing_docs)]

#[cfg(feature = "cranelift")]
mod cache;
mod component;
mod description;
mod engine;
mod error;
mod limits;
mod policy;
mod runtime;
mod slots;
#[cfg(test)]
mod slots_tests;
mod sync;
mod window;

pub use hexgate_bundle as bundle;
pub use hexgate_bundle::{Clock, SystemClock};
pub use hexgate_contract as contract;
pub use hexgate_contract::{
    ApprovalTerms, Coverage, Denial, Effect, Exceeded, Exclusion, Field, FileScope, Forbid, Grant,
    Malformed, Mode, NeededApproval, PathScope, PathStyle, Request, Rule, Summary, Tools, Verdict,
};
/// Whether a name means more than a tool call, such as `agent.run`: it never falls to a role's rule for unlisted tools.
pub use hexgate_eval::names::is_closed as is_closed_name;

#[cfg(feature = "cranelift")]
pub use cache::CacheConfig;
pub use component::component_of;
pub use description::{Description, Role};
pub use engine::{Engine, EngineBuilder};
#[cfg(feature = "cranelift")]
pub use error::CacheError;
pub use error::{DecideError, EngineError, ErrorKind, LoadError, OptionError, TrapKind};
pub use limits::Limits;
pub use policy::{Isolation, Policy};
