//! A policy as a decision point over HTTP: the handler that a policy is composed with, one component in the end.
//!
//! | module | what happens there |
//! |---|---|
//! | `respond` | method, path, content type; which interface is meant |
//! | `authzen` | the Authorization API 1.0 of OpenID AuthZEN |
//! | `rest` | the REST API of the Open Policy Agent |
//! | `body` | reading what was sent, strictly, and cutting out of it what a policy is asked with |
//! | `answer` | asking, checking what comes back |
//! | `json` | writing JSON |
//! | `problem` | what is said to requests that are refused |
//! | `wasi` | requests and responses of `wasi:http`: on wasm32 only |
//!
//! Whatever is not understood is refused with a status of its own, and no response with such a status is an allow. The texts of
//! arguments and facts are passed on byte for byte as they were sent.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod answer;
mod authzen;
mod body;
mod json;
mod problem;
mod respond;
mod rest;
#[cfg(target_arch = "wasm32")]
mod wasi;

pub use answer::Policy;
pub use respond::{MAX_BODY, Received, Response, respond};

/// A panic ends in a trap: the runtime answers with a status of its own.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
