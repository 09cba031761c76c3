//! The gateway of the Model Context Protocol: one policy between any client and any number of servers.
//!
//! A [`Gateway`] lists to a client what its caller may ever call, decides each call with [`hexgate_enforce`], and sends on the very bytes
//! that were decided. Nothing that fails lets a call through.
//!
//! | module | content |
//! |---|---|
//! | [`config`] | `gateway.yaml` |
//! | [`authorization`] | tokens for servers over HTTP that want some |
//! | [`login`] | a person who agrees to that |
//! | [`caller`] | on whose behalf a client asks |
//! | [`catalogue`] | which tools of a server are offered |
//! | [`names`] | what policies call tools, prompts and resources |
//! | [`exact`] | JSON that can be sent on unchanged |
//! | [`limits`] | limits on size and time |
//! | `level` | how severe log messages are |
//! | `wire` | messages as lines |
//! | `relay` | what servers say and ask while they run a request |
//! | `server` | the servers: started, watched, started again |
//! | [`ask`] | approvals |
//! | [`gateway`] | from a request to a decision to an answer |
//! | [`front`] | the client's side: standard streams or HTTP |
//! | [`identity`] | who calls, by the command line or by a token |
//! | [`pins`] | tools as an operator accepted them |
//! | [`visible`] | text of servers with everything in it visible |
//! | [`trusted`] | the catalogue that is pinned and visible |
//! | [`inspect`] | asking a server for its tools |
//! | [`starter`] | a first policy for a server's tools |
//! | `program` | a gateway as a program |
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod ask;
pub mod authorization;
pub mod caller;
pub mod catalogue;
pub mod config;
pub mod exact;
pub mod front;
pub mod gateway;
pub mod identity;
pub mod inspect;
mod level;
pub mod limits;
pub mod login;
pub mod names;
pub mod pins;
mod program;
mod relay;
mod server;
pub mod starter;
pub mod trusted;
pub mod visible;
mod wire;

pub use caller::{CallerOf, Incoming, Unidentified};
pub use catalogue::{Catalogue, Review};
pub use config::Config;
pub use gateway::{Gateway, GatewayBuilder};
pub use limits::Limits;
pub use program::{RunError, run};
