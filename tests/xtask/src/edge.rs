//! The server of `examples/edge`: outside of the workspace, because of what it needs of the runtime.

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace;

/// Builds it. Where it is.
pub(crate) fn build() -> Result<PathBuf> {
    let target = workspace::root()
        .join(workspace::target())
        .join("edge-server");
    let mut build = workspace::cargo();
    build
        .args(["build", "--release", "--locked", "--quiet", "--bins"])
        .current_dir(workspace::root().join("examples/edge"))
        .env("CARGO_TARGET_DIR", &target);
    workspace::run(&mut build)?;
    Ok(target.join("release/edge"))
}
