//! The security tests of others against the gateway, held against what is expected of each.

use anyhow::{Context, Result};

use crate::{setup::python, workspace};

pub(crate) fn run() -> Result<()> {
    let python = python::harness(&workspace::tools())
        .context("the harness is not set up: run `cargo xtask setup python`")?;
    workspace::run(
        workspace::cargo()
            .args(["test", "--workspace", "--test", "mcp_harness"])
            .env("HEXGATE_MCP_HARNESS", python),
    )
}
