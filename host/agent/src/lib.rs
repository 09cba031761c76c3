//! A runtime that runs agents: a model proposes calls, the policy decides them, tools run.
//!
//! It is a host of the policy interface like any other, on `hexgate-enforce` alone. A tool runs from a
//! [`Permit`](hexgate_enforce::Permit), and only an enforcer makes one.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "files")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use hexgate_agent::model::script::ScriptModel;
//! use hexgate_agent::tool::{Tool, ToolError, ToolOutput, ToolSpec, Progress};
//! use hexgate_agent::{Agent, Conversation};
//! use hexgate_enforce::{Caller, Enforcer, LivePolicy, Permit, source::PolicyFile};
//! use std::sync::Arc;
//!
//! struct ViewOrder(Arc<ToolSpec>);
//!
//! #[async_trait::async_trait]
//! impl Tool for ViewOrder {
//!     fn spec(&self) -> &Arc<ToolSpec> {
//!         &self.0
//!     }
//!
//!     async fn call(&self, permit: Permit, _: &Progress) -> Result<ToolOutput, ToolError> {
//!         // The very bytes that were decided, on behalf of `permit.decision().caller()`.
//!         Ok(ToolOutput::new(format!("shipped: {}", permit.arguments())))
//!     }
//! }
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("policy.yaml");
//! # std::fs::write(&path, "roles: {default: {}, support: {tools: {view_order: {mode: allow}}}}")?;
//! # let schema = serde_json::json!({"type": "object", "properties": {"id": {"type": "integer"}}});
//! let live = LivePolicy::open(&hexgate_enforce::host::Engine::new()?, PolicyFile::dangerous_unsigned(path))?;
//! let agent = Agent::builder("support-bot")
//!     .model(ScriptModel::parse("turns", "turns: [{calls: [{tool: view_order, arguments: {id: 7}}]}, {text: It is on its way.}]")?)
//!     .system_prompt("You help customers.")
//!     .tool(ViewOrder(Arc::new(ToolSpec::new("view_order", "Shows an order.", schema))))
//!     .enforcer(Enforcer::builder("support-bot", &live).build()?)
//!     .build()?;
//!
//! let alice = Caller::builder("alice").role("support").build()?;
//! let mut talk = Conversation::new();
//! let mut events = agent.stream_in(&mut talk, &alice, "Where is my order?");
//! while let Some(event) = events.next().await {
//!     println!("{}", serde_json::to_string(&event)?);
//! }
//! assert_eq!(events.finish().await?.message, "It is on its way.");
//! talk.save(folder.path().join("talk.json"))?; // to go on with later
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "files"))]
//! # fn main() {}
//! ```
//!
//! # Concepts
//!
//! - An [`Agent`] has a [model](model::Model), [tools](tool::Tool), an enforcer, [guards](guard::Guard) and [limits](Limits). Without an
//!   enforcer every call is denied, and [`Agent::notices`] says it.
//! - A **run** is one turn of the user: the model answers and proposes calls, until it has an answer. [`Agent::invoke`] gives what came of it,
//!   [`Agent::stream`] its [events](event::Event) while it goes on. Dropping either cancels the run, with all that runs in it.
//! - The calls of one answer are decided in the model's order, each with the counts of the run so far (`run.*`) and what the user's own words
//!   name (`said.*`). A call is counted before it runs. Calls of tools that say so run side by side, others one at a time.
//! - A call that is denied reaches the model as a result with a marker, and the run goes on. So does what the model writes wrong: an unknown
//!   tool, malformed arguments, two calls with one name. How a run ended has a name: [`Ended`].
//! - Another agent can be [asked](AgentBuilder::subagent), or be [left](AgentBuilder::handoff) the conversation. The policy of this one
//!   decides whether it may be reached, its own policy what it may do; the caller is the same.
//! - A [`Conversation`] is kept, saved and resumed by the host, and is usable after any end of a run.
//! - What a run does is told to [observers](RunObserver), also when nobody reads its events.
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
pub mod retry;
mod run;
pub mod schema;
#[cfg(feature = "opentelemetry")]
pub mod telemetry;
pub mod tool;

pub use agent::{Agent, AgentBuilder, Events};
/// Makes a trait's functions async: what [`Tool`](tool::Tool) and [`Model`](model::Model) are written with.
pub use async_trait::async_trait;
#[cfg(feature = "chat")]
pub use chat::{ApprovalMode, CallerArgs, ChatArgs, RecordArgs};
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

/// Makes a tool of a function.
///
#[doc = include_str!("tool/attribute.md")]
pub use hexgate_macros::tool;
