//! The hook of coding agents.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
