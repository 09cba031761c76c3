//! Enforcement: callers, live policies, and decisions about tool calls.
//!
//! Hosts are built on this crate: it turns a proposed tool call into a decision that a host can act on, log and prove.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "compile")]
//! use hexgate_enforce::{Call, Caller, Enforcer, LivePolicy, source::PolicyFile};
//!
//! # #[cfg(not(feature = "compile"))]
//! # fn main() {}
//! # #[cfg(feature = "compile")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("policy.yaml");
//! # std::fs::write(&path, "roles: {default: {}, support: {tools: {view_order: {mode: allow}}}}")?;
//! let live = LivePolicy::open(&hexgate_host::Engine::new()?, PolicyFile::dangerous_unsigned(path))?;
//! let enforcer = Enforcer::builder("support-bot", &live).build()?;
//!
//! // At the beginning of each turn: is there another policy?
//! let _ = enforcer.begin_turn();
//! // Before each call. What comes back are the bytes to run.
//! let alice = Caller::builder("alice").role("support").build()?;
//! match enforcer.authorize(Call::of(&alice, "view_order", r#"{"id": 7}"#)) {
//!     Ok(permit) => println!("run {} with {}", permit.tool(), permit.arguments()),
//!     Err(decision) => println!("{}", decision.model_message().unwrap_or_default()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//!
//! - A [`Caller`] is on whose behalf an agent acts, passed along or set for a [`scope`]. A caller without roles is one thing, and no
//!   caller is another: a scope that got lost is a denial.
//! - A [`LivePolicy`] is the policy that decides now. Its [`source`], which can be your own, is polled when a turn begins or in the
//!   background. It is replaced while decisions go on; if a new policy is refused, the last accepted one still decides.
//! - An [`Enforcer`] decides. Before it answers it has the decision [recorded](Recorder) and tells the [observers](Observer).
//! - A [`Decision`] is rendered for the model, which learns nothing of the policy, and for the operator, who learns everything. A
//!   [`Permit`] holds what a call runs with: the bytes that were decided.
//! - A [`KillSwitch`] stops agents, users and tokens from the next call on; the platform's bans can feed it.
//!
//! | module | content |
//! |---|---|
//! | `repeat` | a helper: repeated background work |
//! | `caller`, [`scope`], `token` | callers |
//! | [`source`], `live`, `watch` | sources of policies, and the live policy |
//! | `facts` | what a host tells of a call beside its caller |
//! | `decision`, `render` | decisions, and how models and operators see them |
//! | `kill`, `approval`, `observer`, `shadow`, `enforcer` | from a call to a decision |
//! | `platform` | the platform's policies and bans |
//! | `telemetry` | spans and metrics of decisions |
//! | [`resolve`] | all of this from environment variables |
//!
//! # Features
//!
//! Folders with signed bundles, callers, the audit log, the kill switch and sources of your own are always there. If the environment asks
//! for a feature that the program was built without, it is refused with the feature's name ([`resolve::ResolveError::NotBuilt`]).
//!
//! | feature | what it brings |
//! |---|---|
//! | `compile` (default) | [`source`]`::PolicyFile`: policies in YAML and Rego are compiled in this process |
//! | `cranelift` (default) | components that are not of the known engine decide too: policies in Rust, by way of OPA; brings a compiler of machine code |
//! | `tokens` (default) | `token`: signed tokens that say who calls |
//! | `platform` | `platform`, and `audit::Delivery`: policies and bans of the platform, events to it; brings HTTP, TLS and `tokens` |
//! | `registry` | [`source`]`::RegistryBundle`: bundles in OCI registries; brings HTTP and TLS |
//! | `approvals` | `DurableApprovals`: requests in a database until an approver answers; brings SQLite |
//! | `watch` | [`LivePolicy::watch`] notices at once that files changed |
//! | `opentelemetry` | `telemetry`: spans and metrics; brings the API of OpenTelemetry, and no exporter |
//! | `full` | all of them |
//!
//! The default covers a first program: write a policy, try it, verify callers. Features with large dependencies are opt-in.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod approval;
mod caller;
mod decision;
mod enforcer;
mod facts;
mod kill;
mod live;
mod observer;
#[cfg(feature = "platform")]
pub mod platform;
mod render;
mod repeat;
pub mod resolve;
pub mod scope;
mod shadow;
pub mod source;
#[cfg(feature = "opentelemetry")]
pub mod telemetry;
#[cfg(feature = "tokens")]
pub mod token;
mod watch;

pub use approval::{Answer, AnswerFuture, ApprovalError, ApprovalHandler, Approvals};
#[cfg(feature = "approvals")]
pub use approval::{ApprovalFiles, ApprovalFilesError, DurableApprovals};
pub use caller::{Attribute, Caller, CallerBuilder, CallerError, MAX_NAME_BYTES, MAX_ROLES};
pub use decision::{Arguments, Cause, Decision, DecisionId, Effect, Permit};
pub use enforcer::{
    Call, Counts, Disclosure, Enforcer, EnforcerBuilder, RandomError, WeakEnforcer,
};
#[cfg(feature = "approvals")]
pub use hexgate_approvals as approvals;
pub use hexgate_audit as audit;
pub use hexgate_audit::EndState;
pub use hexgate_host as host;
#[cfg(feature = "registry")]
pub use hexgate_registry as registry;
pub use kill::{KillSwitch, Stop};
pub use live::{LivePolicy, LivePolicyBuilder, Refresh};
pub use observer::{AuditRecorder, Ended, Observer, OnRecordFailure, RecordError, Recorder};
pub use render::{Hint, Payload, request_notice};
pub use shadow::{Shadow, ShadowCounts};
pub use source::PolicyInfo;
pub use watch::Watch;

/// The guide's programs compile.
#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../../../docs/enforcement.md")]
mod guide {}
