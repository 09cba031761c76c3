//! The gateway of the Model Context Protocol.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
