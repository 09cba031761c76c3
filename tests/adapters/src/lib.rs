//! The conformance kit of hosts: scenarios as data, a driver for each host, and a table of what passes.
//!
//! A scenario (`scenarios/*.json`) says what a model proposes, what the policy is, what people answer, what fails meanwhile, and what must be
//! seen. A [`Driver`] plays it in one host and tells what it saw; [`check`] compares. `README.md` says what is in a scenario.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use hexgate_adapter_kit::{Driver, Play, Seen, check};
//!
//! struct MyHost;
//!
//! #[async_trait::async_trait]
//! impl Driver for MyHost {
//!     fn host(&self) -> &'static str {
//!         "my-host"
//!     }
//!
//!     fn title(&self) -> &'static str {
//!         "My host 1.0"
//!     }
//!
//!     async fn play(&self, play: Play) -> Result<Seen, String> {
//!         let caller = play.caller().ok_or("this host needs a caller")?;
//!         let enforcer = match play.enforcer() {
//!             Ok(builder) => builder.build().map_err(|error| error.to_string())?,
//!             Err(reason) => return Ok(play.without_gate(reason)),
//!         };
//!         let mut read = Vec::new();
//!         while let Some(turn) = play.script().next() {
//!             for call in turn.calls {
//!                 let call_of_host = hexgate_enforce::Call::of(&caller, call.tool.as_str(), call.arguments.as_str());
//!                 read.push(match enforcer.authorize_async(call_of_host).await {
//!                     Ok(permit) => play.toolbox().run(&call.tool, permit.arguments()).await.unwrap_or_else(|error| error),
//!                     Err(denied) => denied.model_message().unwrap_or_default(),
//!                 });
//!             }
//!         }
//!         Ok(play.seen(read).await)
//!     }
//! }
//!
//! # async fn test() {
//! check(Arc::new(MyHost), Path::new("coverage")).await.unwrap();
//! # }
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![allow(
    clippy::panic,
    reason = "a kit of tests: what is wrong with it fails a test"
)]

mod approver;
mod compare;
mod coverage;
mod driver;
mod gate;
mod page;
mod play;
mod record;
mod run;
mod scenario;
mod script;
mod seen;
mod toolbox;

pub use approver::{Approver, Verdict};
pub use coverage::{Coverage, Result as ScenarioResult};
pub use driver::{Aspect, Driver, Uncovered, Ungated};
pub use page::table;
pub use play::Play;
pub use run::{check, outcome};
pub use scenario::{
    Act, AgentSpec, AnswerSpec, Answers, Around, CallSpec, CallerSpec, Cancel, Change, EndSpec,
    Entry, Expect, ExpectedAsk, ExpectedRead, ExpectedRecord, ExpectedRun, Fault, Kind,
    OutcomeSpec, Outcomes, Rewrite, Scenario, ScenarioError, ToolSpec, TurnSpec, scenarios,
};
pub use script::Script;
pub use seen::{Ask, End, Ran, Record, Seen};
pub use toolbox::Toolbox;
