//! The gateway of the Model Context Protocol.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod identity;
pub mod pins;
pub mod starter;
pub mod visible;
