//! A policy as a decision point over HTTP: the handler that a policy is composed with, one component in the end.
//!
//! | module | what happens there |
//! |---|---|
//! | `respond` | method, path, content type; which interface is meant |
//! | `authzen` | the Authorization API 1.0 of OpenID AuthZEN |
//! | `metadata` | what a decision point says of itself |
//! | `submission` | requests for access, which hosts alone keep |
//! | `rest` | the REST API of the Open Policy Agent |
//! | `body` | reading what was sent, strictly |
//! | `call` | what is cut out of it, and asked |
//! | `answer` | asking a policy, checking what comes back |
//! | `render` | what every interface says of an answer |
//! | `json` | writing JSON |
//! | `problem` | what is said to requests that are refused |
//! | `wasi` | requests and responses of `wasi:http`: on wasm32 only |
//!
//! The component is this crate for wasm32. Hosts use it as a library ([`respond_by`]), so that both read and write the same bytes.
//!
//! What is not understood is refused with a status of its own, and no response with such a status is an allow. The texts of
//! arguments and facts are passed on byte for byte as they were sent.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(missing_docs)]

extern crate alloc;

mod answer;
mod authzen;
mod body;
mod call;
mod json;
mod metadata;
mod problem;
mod render;
mod respond;
mod rest;
mod submission;
#[cfg(target_arch = "wasm32")]
mod wasi;

pub use answer::{Answer, Decider, Policy};
pub use call::{Call, Entities};
pub use metadata::{METADATA, REQUESTS, base_of};
pub use problem::Problem;
pub use respond::{MAX_BODY, Offer, Received, Response, respond, respond_by};
pub use submission::{
    EXPIRED_DENIAL, INVALID_BINDING, NOT_REQUESTABLE, Submission, UNKNOWN_TASK, submit,
};

/// A panic ends in a trap: the runtime answers with a status of its own.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
