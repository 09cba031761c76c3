//! What speaks for a module that OPA compiled: the exports of the world `hexgate:policy/policy` around OPA's private ABI.
//!
//! A wrapped policy is a component of three core modules. OPA's own has a memory that it does not share with this one; a third,
//! made when a policy is wrapped, owns that memory and lends single words of it:
//!
//! ```text
//!            request                     words                       input as JSON
//! host ----------------> this module <-----------> memory module <----------------> OPA's module
//!            verdict       own memory                OPA's memory      answer as JSON
//! ```
//!
//! Before OPA sees anything, the reader and the limits of the native engine have accepted the request: OPA's own reader takes more
//! than JSON. Its answer is read by the same reader, and anything but the expected shape is an error, so a denial.
//!
//! | module | what happens there |
//! |---|---|
//! | `decision` | `decide` |
//! | `input` | a request as the policy's `input` |
//! | `opa` | OPA's ABI: an input in, an answer out |
//! | `answer` | what an answer may look like |
//! | `own` | deciding by Rego that was printed from a policy of ours |
//! | `foreign` | deciding by any other Rego |
//!
//! On any other target than wasm32 this crate is empty but for its tests.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(missing_docs)]

#[cfg(any(target_arch = "wasm32", test))]
extern crate alloc;

#[cfg(any(target_arch = "wasm32", test))]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "what uses all of it exists on wasm32 only")
)]
mod answer;
#[cfg(target_arch = "wasm32")]
mod decision;
#[cfg(target_arch = "wasm32")]
mod foreign;
#[cfg(any(target_arch = "wasm32", test))]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "what uses all of it exists on wasm32 only")
)]
mod input;
#[cfg(target_arch = "wasm32")]
mod opa;
#[cfg(any(target_arch = "wasm32", test))]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "what uses all of it exists on wasm32 only")
)]
mod own;
