//! Every tool call of a [swiftide](https://docs.rs/swiftide-agents) agent, decided by a policy before it runs.
//!
//! ```no_run
//! use hexgate_enforce::{Caller, Enforcer, scope};
//! use swiftide_agents::Agent;
//!
//! # async fn example(
//! #     model: impl swiftide_core::ChatCompletion + Clone + 'static,
//! #     refund_order: Box<dyn swiftide_core::Tool>,
//! #     enforcer: Enforcer,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let mut builder = Agent::builder();
//! builder.llm(&model).tools([refund_order]);
//! let mut agent = hexgate_swiftide::gate(builder, &enforcer).await?;
//!
//! let alice = Caller::builder("alice").role("support").build()?;
//! scope::scope(alice, agent.query("Refund order A-7.")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What stands where
//!
//! The framework only logs errors of its hooks, so no hook decides. [`gate`] asks the toolboxes for their tools, wraps each tool of the agent, the
//! default `stop` included, and gives back a [`Gated`] agent, which is run by its own methods: before each run it wraps what was added meanwhile.
//! The framework runs tools in tasks of their own, where no scope is open; the gate carries the caller along that was in scope where the run was
//! started, and ends tools whose run is dropped.
//!
//! # Approvals
//!
//! [`Feedback`] asks by the framework's own way: the agent stops (`FeedbackRequired`, with the whole call for the approver), and goes on once its
//! context was given feedback for that very call. Any other [`Approvals`](hexgate_enforce::Approvals) of the enforcer work as well; a durable request
//! that waits for its answer stops the agent too, and the next query makes the call again.
//!
//! # What is not covered
//!
//! Nothing that the framework runs itself. Tools that the provider of the model runs are asked for by the model's own type, which the gate does not
//! see: a model that has such tools is not covered in them.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod agent;
mod feedback;
mod run;
mod tool;

pub use agent::{GateError, Gated, gate};
pub use feedback::Feedback;
pub use hexgate_enforce as enforce;
