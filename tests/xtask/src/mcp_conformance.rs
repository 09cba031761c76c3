//! The conformance suite of the Model Context Protocol, directly and through the gateway: the same scenarios must pass.
//!
//! Each side is a module that gives a [`page::Section`]. What fails for a known reason is named in `tests/mcp-conformance/known.yaml`; any
//! other failure, any difference, and a named failure that no longer happens fail this task. The tables are in
//! `docs/mcp-conformance.md`; `HEXGATE_BLESS=1` writes them.

mod client;
mod known;
mod outcome;
mod page;
mod program;
mod server;
mod suite;

use anyhow::{Context, Result};

use crate::{
    setup::node,
    workspace::{self, cargo},
};

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Only one side of the protocol
    #[arg(long, value_enum)]
    side: Option<Side>,
}

/// A side of the protocol: what the suite is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Side {
    /// The suite is the client: of a server, and of the gateway in front of it
    Server,
    /// The suite is the server: of a client, and of the gateway behind which it is
    Client,
}

/// The revisions of the protocol whose requirements are run.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];

pub(crate) fn run(args: &Args) -> Result<()> {
    let packages = node::CONFORMANCE
        .installed(&workspace::tools())
        .context("the suite is not set up: run `cargo xtask setup mcp-conformance`")?;
    let suite = suite::Suite::of(&packages);
    let bins = ["hexgate", server::FIXTURE, client::FIXTURE];
    workspace::run(
        cargo()
            .args(["build", "--workspace", "--quiet"])
            .args(bins.iter().flat_map(|bin| ["--bin", bin])),
    )?;
    let known = known::Known::read()?;
    let wanted = |side| args.side.is_none_or(|only| only == side);
    let mut problems = Vec::new();
    for (side, run) in [
        (Side::Server, server::run as fn(&suite::Suite) -> _),
        (Side::Client, client::run),
    ] {
        if !wanted(side) {
            continue;
        }
        let section: page::Section = run(&suite)?;
        problems.extend(known.judge(side, &section));
        problems.extend(page::check(side, &section, &known.reasons(side))?);
    }
    for problem in &problems {
        eprintln!("mcp-conformance: {problem}");
    }
    anyhow::ensure!(problems.is_empty(), "{} problems", problems.len());
    Ok(())
}
