//! Makes a tool of a Rust function.
#![forbid(unsafe_code)]
