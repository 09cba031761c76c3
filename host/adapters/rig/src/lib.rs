//! Every tool call of a [rig](https://docs.rs/rig-agent) agent, decided by a policy before it runs.
//!
//! ```no_run
//! use hexgate_enforce::{Caller, Enforcer, scope};
//! use rig_agent::AgentBuilder;
//!
//! # async fn example(
//! #     model: rig_core::DynModel<rig_core::operation::Completion>,
//! #     refund_order: rig_agent::tool::DynamicTool,
//! #     enforcer: Enforcer,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let agent = hexgate_rig::gate(AgentBuilder::new(model).dynamic_tool(refund_order), &enforcer)?;
//!
//! let alice = Caller::builder("alice").role("support").build()?;
//! let answer = scope::scope(alice, async { agent.prompt("Refund order A-7.").await }).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The caller is the one in scope where the agent is prompted. Without a scope every call is denied.
//!
//! # What stands where
//!
//! - A hook of the agent, the last of its builder, decides each call that the agent dispatches: of its own tools, of tools that are added to
//!   its registry later, of tools of MCP servers, of other agents as tools. It begins a run only if the caller may, hides from the model what
//!   the caller can never call, and has calls decided that cannot be dispatched, so that every attempt is on record.
//! - Each tool is sealed on the agent's bus: it runs from a permission, with the bytes that were decided, and with the caller in scope. A hook
//!   that is added to one run can still change arguments after the decision; the sealed tool does not run then.
//!
//! The bus of a rig agent serves calls of one run while another run is polled. So the agent is given a task that drives its bus: [`gate`]
//! needs a runtime of tokio, and the agent works as long as that runtime does.
//!
//! # What is not covered
//!
//! Tools that the provider of the model runs, such as a hosted web search. They are named in a warning of `tracing` when a request asks for
//! them, and by [`Gated::uncovered`]. A sub-agent is gated as a tool; its own tools are if it is gated itself.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod build;
mod hook;
mod hosted;
mod permits;
mod seal;

pub use build::{GateError, Gateable, Gated, gate, gate_on};
pub use hexgate_enforce as enforce;
