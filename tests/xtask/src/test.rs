//! All tests: the commands of the README, a short run of every fuzz target, the tests of the workspace, and the engines side by side.

use std::env;

use anyhow::{Context, Result};

use crate::{
    adapters, edge,
    engine::compile::Toolchain,
    fuzz, mcp_conformance, parity, readme,
    setup::{chromium, node, opa, packaged, programs, python, wasi},
    workspace,
};

/// How long each fuzz target runs. Long enough to find what a careless change breaks; the search itself is for longer runs.
const FUZZ_SECONDS: u32 = 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave the README and the fuzz targets out
    #[arg(long)]
    only_cargo: bool,
    /// Arguments for `cargo test`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if !args.only_cargo {
        readme::run()?;
        fuzz::run(&fuzz::Args::all(FUZZ_SECONDS))?;
    }
    let mut command = workspace::cargo();
    command.args(["test", "--workspace"]).args(&args.arguments);
    let tools = workspace::tools();
    let pythons = python::interpreters(&tools);
    if let Some(pythons) = &pythons {
        command.env(
            "HEXGATE_INTEROP_PYTHON",
            env::join_paths(pythons).context("a path contains `:`")?,
        );
    }
    let harness = python::harness(&tools);
    if let Some(harness) = &harness {
        command.env("HEXGATE_MCP_HARNESS", harness);
    }
    let agents = node::CODING_AGENTS.installed(&tools);
    if let Some(agents) = &agents {
        command.env("HEXGATE_CODING_AGENTS", agents);
    }
    let opa = opa::binary(&tools);
    if let Some(opa) = &opa {
        command.env("HEXGATE_OPA_BIN", opa);
    }
    let conformance = node::CONFORMANCE.installed(&tools);
    let runtimes = node::RUNTIMES.installed(&tools);
    if let Some(runtimes) = &runtimes {
        command.env("HEXGATE_RUNTIMES", runtimes);
    }
    // A second build of the runtime, for a run that is to be complete.
    let edge = runtimes.is_some().then(edge::build).transpose()?;
    if edge.is_some() && !args.only_cargo {
        edge::check_example()?;
    }
    if let Some(edge) = &edge {
        command.env("HEXGATE_EDGE", edge);
    }
    let chromium = chromium::binary(&tools);
    if let Some(chromium) = &chromium {
        command.env("HEXGATE_CHROMIUM", chromium);
    }
    command.env("PATH", packaged::path(&tools)?);
    if let Some(registry) = packaged::REGISTRY.binary(&tools) {
        command.env("HEXGATE_TEST_REGISTRY", registry);
    }
    let wasm = Toolchain::find(None);
    if let Ok(Toolchain::Unpacked(rustc)) = &wasm {
        command.env("HEXGATE_WASM_RUSTC", rustc);
    }
    let programs = [
        ("HEXGATE_CARGO_COMPONENT", programs::CARGO_COMPONENT),
        ("HEXGATE_WKG", programs::WKG),
    ]
    .map(|(variable, program)| (variable, program.binary(&tools)));
    for (variable, program) in &programs {
        if let Some(program) = program {
            command.env(variable, program);
        }
    }
    if pythons.is_some()
        && python::wheel_is_installed(&tools)
        && harness.is_some()
        && agents.is_some()
        && opa.is_some()
        && packaged::ALL
            .iter()
            .all(|program| program.binary(&tools).is_some())
        && runtimes.is_some()
        && conformance.is_some()
        && chromium.is_some()
        && wasm.is_ok()
        && wasi::is_installed()
        && programs.iter().all(|(_, program)| program.is_some())
    {
        println!("test: all tools are set up, so no test may be skipped for want of one");
        command.env("HEXGATE_REQUIRE_TOOLS", "1");
    } else {
        println!(
            "test: tools are missing, so tests that need them are skipped: run `cargo xtask setup` to run all"
        );
    }
    workspace::run(&mut command)?;
    without_compiler()?;
    adapters::run()?;
    if python::wheel_is_installed(&tools) {
        crate::python::run()?;
    } else {
        println!("SKIPPED: the wheel for Python: run `cargo xtask setup python`");
    }
    if opa.is_some() {
        parity::run(&parity::Args::default())?;
    }
    if conformance.is_some() {
        mcp_conformance::run(&mcp_conformance::Args::default())?;
    }
    Ok(())
}

/// The host without its feature `cranelift`, which every other crate here turns on.
fn without_compiler() -> Result<()> {
    let target = workspace::root()
        .join(workspace::target())
        .join("without-compiler");
    workspace::run(
        workspace::cargo()
            .args(["test", "--quiet", "--locked"])
            .current_dir(workspace::root().join("tests/without-compiler"))
            .env("CARGO_TARGET_DIR", target),
    )
}
