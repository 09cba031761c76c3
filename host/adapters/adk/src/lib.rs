//! Every tool call of an [adk-rust](https://docs.rs/adk-agent) agent, decided by a policy before it runs.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use adk_agent::LlmAgentBuilder;
//! use hexgate_enforce::Enforcer;
//!
//! # fn example(model: Arc<dyn adk_core::Llm>, refund_order: Arc<dyn adk_core::Tool>, enforcer: Enforcer) -> adk_core::Result<()> {
//! let agent = hexgate_adk::gate(LlmAgentBuilder::new("support").model(model), &enforcer)
//!     .tool(refund_order)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! The caller is the one in scope where the events of the run are awaited. Without a scope every call is denied.
//!
//! # What stands where
//!
//! - Each tool and toolset that is given to the [`GatedBuilder`] is wrapped: a call is decided where the tool would run, with the arguments that
//!   every plugin and callback left, and runs from its permission. Each attempt of a retry budget is decided and recorded by itself.
//! - A plugin of the agent denies calls of tools that came to it in another way (given to the builder before it was gated, or as toolsets of one
//!   run), has calls of unknown tools decided, decides handoffs (`transfer_to_agent`) as `agent.handoff:NAME`, and hides from the model what the
//!   caller can never call.
//!
//! # Approvals
//!
//! [`Confirmations`] asks by the framework's own way: the `tool_confirmation_handler` of the run, or its decision for this very call. Any other
//! [`Approvals`](hexgate_enforce::Approvals) of the enforcer work as well.
//!
//! # What is not covered
//!
//! Built-in tools, which the provider of the model runs. They are named in a warning of `tracing` when the agent gets them, and by
//! [`GatedBuilder::uncovered`]. A sub-agent is decided as a handoff; its own tools are if it is gated itself.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod agent;
mod builder;
mod confirm;
mod plugin;
mod questions;
mod runs;
mod tool;

pub use agent::GatedAgent;
pub use builder::{GatedBuilder, gate};
pub use confirm::Confirmations;
pub use hexgate_enforce as enforce;
pub use tool::{gated_tool, gated_toolset};
