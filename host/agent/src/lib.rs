//! A runtime that runs agents: a model proposes calls, the policy decides them, tools run.
//!
//! It is a host of the policy interface like any other, on `hexgate-enforce` alone. A tool runs from a
//! [`Permit`](hexgate_enforce::Permit), and only an enforcer makes one.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod agent;
#[cfg(feature = "files")]
pub mod catalog;
#[cfg(feature = "chat")]
mod chat;
mod conversation;
#[cfg(feature = "files")]
pub mod definition;
mod error;
pub mod event;
pub mod guard;
mod limits;
#[doc(hidden)]
pub mod made;
pub mod message;
pub mod model;
pub mod observe;
mod outcome;
#[cfg(feature = "chat")]
pub mod program;
mod run;
pub mod schema;
pub mod tool;

pub use agent::{Agent, AgentBuilder, Events};
/// Makes a trait's functions async: what [`Tool`](tool::Tool) and [`Model`](model::Model) are written with.
pub use async_trait::async_trait;
#[cfg(feature = "chat")]
pub use chat::{ApprovalMode, CallerArgs, ChatArgs};
pub use conversation::{Conversation, ConversationError};
pub use error::BuildError;
pub use hexgate_enforce as enforce;
pub use limits::Limits;
pub use observe::{RunInfo, RunObserver};
pub use outcome::{Ended, RunError, RunOutcome};
#[cfg(feature = "chat")]
pub use program::{Program, main};
/// JSON schemas of Rust types: what the arguments of a [tool](macro@tool) derive.
pub use schemars;

pub use hexgate_macros::tool;
