//! Why cargo could not be used. What is wrong with a policy is a diagnostic instead.

use std::{io, path::PathBuf};

/// What cargo is asked to build for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// A package could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CargoError {
    /// Cargo does not start.
    #[error(
        "cannot run `cargo`; a policy in Rust is built with it: install Rust from https://rustup.rs"
    )]
    Start(#[source] io::Error),
    /// The compiler has no standard library for WebAssembly.
    #[error("the Rust target {TARGET} is not installed; run `rustup target add {TARGET}`")]
    MissingTarget,
    /// Cargo failed, and not because of the policy's own code.
    #[error("`cargo {command}` failed: {said}")]
    Failed {
        /// Its subcommand.
        command: &'static str,
        /// What it said, shortened.
        said: String,
    },
    /// The crate that policies are written with is not where cargo looks for it.
    #[error(
        "cargo finds no crate `hexgate-guest` in its registry; take it from a folder, with `hexgate-guest = {{ path = \"…/guest/sdk\" }}` in `Cargo.toml`, as `hexgate new --guest-path` writes"
    )]
    NoGuest,
    /// Cargo did not answer as cargo does.
    #[error("`cargo {command}` answered with something that is not {expected}")]
    Answer {
        /// Its subcommand.
        command: &'static str,
        /// What the answer should have been.
        expected: &'static str,
    },
    /// The manifest is no package's.
    #[error("`{}` is the manifest of a workspace, not of a package; name the `Cargo.toml` of the policy", .0.display())]
    NoPackage(PathBuf),
    /// The package makes no module.
    #[error(
        "the package `{0}` makes no module; add `crate-type = [\"cdylib\"]` to `[lib]` in its `Cargo.toml`"
    )]
    NoModule(String),
    /// `[package.metadata.hexgate]` is not understood.
    #[error(
        "`[package.metadata.hexgate]` of the package `{package}` is not understood: {source}; its keys are `policy`, the name of a YAML file, and `stateless`, true or false"
    )]
    Metadata {
        /// The package.
        package: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// The policy that `[package.metadata.hexgate]` names is no file beside the manifest.
    #[error(
        "`[package.metadata.hexgate]` of the package `{package}` is not understood: `policy = {policy:?}` does not name a `*.yaml` beside `Cargo.toml`; its keys are `policy`, the name of a YAML file, and `stateless`, true or false"
    )]
    PolicyName {
        /// The package.
        package: String,
        /// What is named.
        policy: String,
    },
    /// A file of the package cannot be read or written.
    #[error("cannot {what} `{}`", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}
