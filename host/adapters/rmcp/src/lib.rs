//! Every call of a server of the Model Context Protocol that is written with [rmcp](https://docs.rs/rmcp), decided by a policy before it runs.
//!
//! ```no_run
//! use hexgate_enforce::{Caller, Enforcer};
//! use rmcp::ServiceExt as _;
//!
//! # async fn example(server: impl rmcp::ServerHandler, enforcer: Enforcer) -> Result<(), Box<dyn std::error::Error>> {
//! # let (streams, _) = tokio::io::duplex(1);
//! let alice = Caller::builder("alice").role("support").build()?;
//! let server = hexgate_rmcp::gate(server, "files", &enforcer)?.caller(alice);
//! server.serve(streams).await?.waiting().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What stands where
//!
//! [`Gated`] is the server's handler in the place of the program's own. It shows a client what its caller could ever call, decides each call, and
//! hands the program's handler the very arguments that were decided. A denial is a result that the model reads. Prompts, resources, completions and
//! subscriptions are decided too. Policies name them all as those of [the gateway](hexgate_mcp::names) do: `mcp-files-read` for the tool `read` of the
//! server `files`.
//!
//! # Who calls
//!
//! The caller is, in this order: a `Caller` among the extensions of the HTTP request, where a layer before the server put it ([`Guard`] does);
//! the one that [`Gated::caller`] names, for a server with one client; the one in scope. Without any, calls are denied. A session over HTTP
//! belongs to the caller who opened it, if [`Guard`] stands before the server.
//!
//! # Approvals
//!
//! [`Asks`] asks the person at the client: by elicitation while the call waits, or by a result that asks for input (2026-07-28), whose state is sealed
//! to the call, counts once and cannot be forged. Who cannot be asked so is asked by durable requests, if there are any.
//!
//! # What is not covered
//!
//! Tasks (`tasks/get`, `tasks/update`, `tasks/cancel`) go on with calls that were decided, without another decision; to all but the caller whose call
//! made it a task is unknown. Skills, directories of resources and methods of a server's own
//! are refused, unless [`Gated::dangerous_pass`] lets them through undecided; then a warning of `tracing` names them.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod call;
mod guard;
mod handler;
mod items;
mod road;
mod server;
mod tasks;

pub use guard::Guard;
pub use hexgate_enforce as enforce;
pub use hexgate_mcp::{CallerOf, Incoming, Unidentified};
pub use server::{Asks, AsksError, Gated, NameError, gate};
