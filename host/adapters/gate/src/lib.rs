//! What the adapters of agent frameworks share: a tool call is decided, run from its permission, and recorded to its end.
//!
//! This crate is a helper. Use the adapter of your framework: `hexgate-rig`, `hexgate-adk`, `hexgate-swiftide`, `hexgate-rmcp`. A framework
//! that has none is gated in the same way:
//!
//! ```no_run
//! use hexgate_gate::{End, Gate};
//!
//! # async fn tool(_arguments: &str) -> Result<String, String> { Ok(String::new()) }
//! # async fn example(enforcer: &hexgate_enforce::Enforcer, name: &str, arguments: String) -> String {
//! let gate = Gate::new(enforcer);
//! // The caller is the one in scope. The framework runs tools nowhere but here.
//! match gate.decide(name, arguments).await {
//!     Err(refused) => refused.told(),
//!     Ok(mut permitted) => {
//!         let arguments = permitted.arguments().to_owned();
//!         match permitted.run(tool(&arguments)).await {
//!             Ok(Ok(result)) => {
//!                 permitted.end(End::Completed(&result));
//!                 result
//!             }
//!             Ok(Err(error)) => {
//!                 permitted.end(End::Failed("tool", Some(&error)));
//!                 error
//!             }
//!             // It is recorded already.
//!             Err(panicked) => panicked.message,
//!         }
//!     }
//! }
//! # }
//! ```
//!
//! - [`Gate::decide`] never lets a call through that was not allowed: a panic on the way is a denial too.
//! - A [`Permitted`] call runs with the bytes that were decided, with its caller in scope. Dropped before its end, it is recorded as
//!   cancelled.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod asked;
mod counts;
mod exact;
mod gate;
mod permitted;
mod uncovered;

pub use asked::Asked;
pub use counts::Counts;
pub use exact::value;
pub use gate::{Gate, InVain, Refused};
pub use permitted::{End, Panicked, Permitted};
pub use uncovered::Uncovered;
