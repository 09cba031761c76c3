//! Real coding agents with the hook.

use anyhow::{Context, Result};

use crate::{setup::node, workspace};

pub(crate) fn run() -> Result<()> {
    let packages = node::CODING_AGENTS
        .installed(&workspace::tools())
        .context("the agents are not set up: run `cargo xtask setup coding-agents`")?;
    workspace::run(
        workspace::cargo()
            .args(["test", "--workspace", "--test", "coding_agents"])
            .env("HEXGATE_CODING_AGENTS", packages),
    )
}
