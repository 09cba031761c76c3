//! Built-in tools of agents: files, search, commands, the web.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod fetch;
pub mod refund;
mod reply;
mod retry;
pub mod web_search;
