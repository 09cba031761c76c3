//! The built engine of hexgate, how a plan is embedded in it and found again, and how a module of OPA's becomes a component.
//!
//! The engine (`guest/engine`) is compiled once by the maintainers and lies in `artifact/` beside its digest. A policy's component
//! is that artifact with the plan written into it as the last data segment; embedding is copying bytes and filling in a few lengths
//! of fixed width, so it needs no toolchain, takes microseconds and gives the same bytes everywhere.
//!
//! The way back is as short: a component is of the **known engine** exactly if taking its plan out and embedding it again gives
//! the same bytes. What a known engine does is known, so a host may trust it further than it trusts any other component.
//!
//! ```
//! // A plan begins with a magic and states its own length; everything else about it is the evaluator's business.
//! let mut plan = vec![0_u8; 64];
//! plan[..4].copy_from_slice(b"HXPL");
//! plan[8..12].copy_from_slice(&64_u32.to_le_bytes());
//!
//! let component = hexgate_component::embed_plan(&plan)?;
//! assert_eq!(hexgate_component::plan_of(&component), Some(plan.as_slice()));
//!
//! let mut other = component.clone();
//! *other.last_mut().unwrap() ^= 1;
//! assert_eq!(hexgate_component::plan_of(&other), None);
//! # Ok::<(), hexgate_component::EmbedError>(())
//! ```
//!
//! | form | for whom |
//! |---|---|
//! | [`embed_plan`] | everyone: a self-contained component |
//! | [`module_with_plan`] | hosts without a component runtime: the core module inside that component |
//! | [`wrap`] | policies in Rego: a component of the same world around a module that OPA compiled |
//!
//! That a plan is *valid* is not decided here: a host opens it with the evaluator's decoder before it trusts a component further.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
// `cargo xtask engine check` sets this condition when it tests the engine that another compiler builds.
#![allow(
    unexpected_cfgs,
    reason = "a condition that only the maintainers' tasks set"
)]

#[cfg(not(hexgate_other_engine))]
mod artifact;
#[cfg(hexgate_other_engine)]
mod artifact {
    include!(concat!(env!("HEXGATE_ENGINE_ARTIFACT"), "/artifact.rs"));
}
mod embed;
mod opa;
mod template;

pub use artifact::{BUILT_BY, DIGEST, HEAP_BASE, HTTP_HANDLER};
pub use embed::{
    EmbedError, MAX_PLAN, embed_plan, engine_module, memory_pages, module_with_plan, plan_of,
};
pub use hexgate_eval::plan::{OpaquePlan, opaque_plan};
pub use opa::{WrapError, opa_module_of, wrap};
