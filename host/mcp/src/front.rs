//! The client's side: standard streams, or HTTP.

mod guard;
mod http;
mod owners;
pub mod request;
mod sessions;
mod stdio;

pub use http::{Http, HttpError, PATH};
pub use owners::Owners;
pub use stdio::{ServeError, stdio, streams};
