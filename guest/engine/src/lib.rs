//! The evaluator as a core WebAssembly module: the exports of the world `hexgate:policy/policy`.
//!
//! The memory, the results and the interface `description` are those of [`hexgate_exports`]; `decide` is here.
//!
//! On any other target than wasm32 this crate is empty.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(missing_docs)]

#[cfg(target_arch = "wasm32")]
mod decision;
