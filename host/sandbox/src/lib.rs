//! Where commands of agents run: the workspace, the sandbox, the egress proxy.
//!
//! A [`Workspace`] says what commands may use. [`Sandbox::choose`] finds what of this machine confines them to that, and says which of its
//! [`Guarantees`] it enforces; if one that is wanted is missing, there is no sandbox and commands do not run.
//!
//! | module | content |
//! |---|---|
//! | [`address`] | which hosts a text names, which of their addresses are public, who may be reached |
//! | [`command`] | what a script names, for messages |
//! | [`probe`] | what this machine can enforce |
//! | `proxy` | the egress proxy: an enforcer decides each request (feature `proxy`, in the default) |
//!
//! The boundary is the kernel. [`command`] reads scripts to say early and well why one will not run; nothing depends on it.

#![deny(missing_docs)]

pub mod command;
pub mod probe;
#[cfg(feature = "proxy")]
pub mod proxy;

mod backend;
mod environment;
mod error;
mod executables;
mod group;
mod guarantee;
mod limits;
mod machine;
mod network;
mod run;
mod sandbox;
mod workspace;

pub use hexgate_address as address;

pub use error::{Lacking, SandboxError, Unavailable, WorkspaceError};
pub use guarantee::{Guarantee, Guarantees, Status, Wanted};
pub use limits::Limits;
pub use network::{Network, PROXY_PORT, Serve};
pub use run::Finished;
pub use sandbox::Sandbox;
pub use workspace::{
    NOT_PROTECTED, PROTECTED_NAMES, PROTECTED_PREFIXES, Workspace, WorkspaceBuilder,
};
