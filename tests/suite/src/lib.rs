//! What the tests that span crates share.
//!
//! | module | what happens there |
//! |---|---|
//! | `json` | a strict JSON reader that keeps numbers as text |
//! | `case` | one policy, one call, and an answer to it |
//! | `oracle` | a second, naive reading of the language's rules: the judge of the real engines |
//! | `vectors` | the numbered cases under `tests/vectors` |
//! | `generate` | random policies and calls aimed at their edges, from a seed |
//! | `engines` | the real engines behind one signature |
//! | `agreement` | the oracle beside an engine, on random policies and calls |
//! | `rego` | what printed Rego is asked with, and what it answers |
//! | `parity` | the engines and OPA's side by side, on many policies at once |
//! | `http` | calls as requests to a decision point over HTTP, and what it must answer |
//! | `runtimes` | policies and calls on disk, for runtimes other than the one in this process |
//! | `shrink` | a disagreement made as small as it goes |
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod agreement;
pub mod case;
pub mod engines;
pub mod generate;
#[cfg(feature = "host")]
pub mod http;
pub mod json;
pub mod oracle;
#[cfg(feature = "host")]
pub mod parity;
pub mod rego;
#[cfg(feature = "host")]
pub mod runtimes;
pub mod shrink;
pub mod vectors;
