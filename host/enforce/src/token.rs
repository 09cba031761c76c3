//! Tokens: who calls, signed.
//!
//! A token is an envelope `fty_<environment>_<project>_<biscuit>` around a [biscuit](https://www.biscuitsec.org). Its first block is signed
//! with a project's root key and names no user. Its holder, the backend that knows the users, appends one block for one user, with exactly
//! one fact `user` and any number of facts `role`, and passes the result to the agent.
//!
//! - Identity is read from that block, the second one, alone. A `user` or a `role` anywhere else refuses the token: later blocks can narrow
//!   the token or let it expire, but never change the caller.
//! - Tokens that are made here are sealed: nothing can be appended.
//! - Every check in every block is evaluated, at each decision, with the facts `time`, `agent`, `tool`, `environment` and `project`.
//! - The cost of evaluating them is bounded before any is evaluated. Rules, and `all` and `any` over collections, are not accepted.
//! - Facts are read from the signed bytes, and written by value. Nothing is pasted into a program or parsed out of one.
//! - A token that another key signed, or that is for another environment or project, is refused, and so is one with a block that a third
//!   party signed.

mod blocks;
mod cost;
mod error;
mod make;
mod symbols;
mod verify;

pub use blocks::MAX_BLOCKS;
pub use error::TokenError;
pub use hexgate_platform::{Envelope, EnvelopeError, MAX_TOKEN_BYTES};
pub use make::{Attenuation, RootKey, attenuate, mint};
pub use verify::{Token, TokenVerifier};
