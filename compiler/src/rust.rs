//! Policies that are written in Rust: the user's cargo builds the package, and its module becomes a component of the same world.
//!
//! ```text
//! Cargo.toml -> package (names, `[package.metadata.hexgate]`) -> plan of the YAML policy beside it -> cargo (module) -> component
//! ```
//!
//! | module | what happens there |
//! |---|---|
//! | `package` | what the manifest says, and which sources the policy has |
//! | `cargo` | running cargo |
//! | `report` | rustc's messages as diagnostics |
//! | `component` | from the module to the component, which imports nothing and is of our world |
//! | `policy` | all of it in a row |

mod cargo;
pub(crate) mod component;
mod package;
mod policy;
mod report;

pub use crate::error::{CargoError, TARGET};
pub use policy::RustPolicy;

use std::path::Path;

/// Whether the policy at `path` is a package in Rust: it is named `Cargo.toml`.
pub fn is_rust(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "Cargo.toml")
}
