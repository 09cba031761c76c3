//! Whether the dependencies of every workspace here are what `deny.toml` allows.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{setup::programs::CARGO_DENY, workspace};

/// The workspaces: what users get, and what stands apart from it so that it does not reach them.
const WORKSPACES: [&str; 8] = [
    ".",
    "host/adapters",
    "host/python",
    "tests/fuzz",
    "tests/peers",
    "tests/precompile",
    "tests/without-compiler",
    "examples/edge",
];

pub(crate) fn run() -> Result<()> {
    let tools = workspace::tools();
    let deny = CARGO_DENY
        .binary(&tools)
        .context("cargo-deny is not set up: run `cargo xtask setup cargo-deny`")?;
    for workspace in WORKSPACES {
        check(&deny, workspace, &["bans", "licenses", "sources"])?;
    }
    // Known vulnerabilities are kept in a repository, which cannot be reached from everywhere.
    if let Err(error) = workspace::output(command(&deny, ".").args(["fetch", "db"])) {
        println!("dependencies: SKIPPED, advisories: their database cannot be fetched: {error:#}");
        return Ok(());
    }
    for workspace in WORKSPACES {
        check(&deny, workspace, &["--disable-fetch", "advisories"])?;
    }
    Ok(())
}

fn check(deny: &Path, workspace: &str, what: &[&str]) -> Result<()> {
    println!("dependencies: {}, {workspace}", what.join(", "));
    workspace::run(
        command(deny, workspace)
            .arg("check")
            .arg("--hide-inclusion-graph")
            .args(what),
    )
}

/// Looks with `deny.toml`, which cargo-deny finds above each manifest. What it only warns of is not shown.
fn command(deny: &Path, workspace: &str) -> Command {
    let root = workspace::root();
    let mut command = Command::new(deny);
    command
        .args(["--log-level", "error", "--all-features", "--locked"])
        .arg("--manifest-path")
        .arg(root.join(workspace).join("Cargo.toml"));
    command
}
