//! Driving the Open Policy Agent: Rego in, OPA's WebAssembly module out.
//!
//! OPA is a program that the user has: this module finds it, asks for its version, runs it in a private folder with an empty
//! environment and a time limit, and believes nothing that it prints before it was checked.
//!
//! | module | what happens there |
//! |---|---|
//! | `find` | which `opa`, and whether it is new enough |
//! | `run` | one bounded run of it |
//! | `group` | processes that end when this one does |
//! | `capabilities` | the builtins that a module without a host can have |
//! | `build` | one build: files in, module out |
//! | `archive` | the module out of what `opa build` writes |
//! | `examine` | a first question to what was built, and the data that it refers to |
//! | `syntax` | where things stand in a policy |
//! | `report` | OPA's complaints as diagnostics, in the user's file |
//! | `entrypoint` | the rule that is asked |
//! | `error` | why OPA could not be used |

mod archive;
mod build;
mod capabilities;
mod entrypoint;
mod error;
mod examine;
mod find;
mod group;
mod report;
mod run;
mod syntax;

pub use build::Program;
pub use capabilities::NATIVE_BUILTINS;
pub use entrypoint::{Entrypoint, EntrypointError};
pub use error::OpaError;
pub use find::{Opa, Version};
pub use group::end_all;
pub(crate) use run::first_lines;
