//! The artifacts: `guest/engine` as a component that lacks only a plan, and `guest/opa` as what a component around a module of
//! OPA's ends with; and `guest/http` as a component that lacks only a policy.

pub(crate) mod compile;
mod files;
mod handler;
mod module;
mod precompiled;
mod size;
mod template;

use anyhow::{Result, bail};
use clap::Subcommand;

use crate::workspace;
use compile::{Guest, Toolchain};
use files::Files;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the artifact from source, write it to `guest/component/`, and compile it
    Build,
    /// Compile the committed artifact for the machines that hosts ship it for, and write the code to `host/core/`
    Precompile,
    /// Prove that the source builds the committed artifact, and the runtime the committed code; with another compiler, test what
    /// that one builds
    Check,
    /// Print what the engine's bytes are spent on
    Size,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match args.task {
        Task::Build => build(),
        Task::Precompile => precompiled::build(),
        Task::Check => check(),
        Task::Size => size::print(&Toolchain::find(None)?),
    }
}

fn build() -> Result<()> {
    let toolchain = Toolchain::find(None)?;
    let built = make(&toolchain)?;
    built.write()?;
    println!("engine {} by {}", built.summary(), built.built_by);
    precompiled::build()
}

fn check() -> Result<()> {
    let committed = Files::committed()?;
    committed.check_digests()?;
    precompiled::check()?;
    let toolchain = Toolchain::find(Some(&committed.built_by))?;
    let built = make(&toolchain)?;
    if built.built_by == committed.built_by {
        if let Some(difference) = built.difference(&committed) {
            bail!("{difference}: run `cargo xtask engine build` and commit the result");
        }
        println!(
            "engine check: the source builds the committed artifact ({})",
            committed.summary()
        );
        return Ok(());
    }
    println!(
        "engine check: the committed artifact was built by {}",
        committed.built_by
    );
    println!(
        "engine check: here is {}; running all vectors on what it builds",
        built.built_by
    );
    let folder = workspace::target().join("other-engine");
    built.write_to(&folder)?;
    workspace::run(
        workspace::cargo()
            .args(["test", "-p", "hexgate-component", "-p", "hexgate-tests"])
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env("HEXGATE_ENGINE_ARTIFACT", &folder)
            .env("RUSTFLAGS", "--cfg hexgate_other_engine"),
    )
}

/// From source to the files that are committed.
fn make(toolchain: &Toolchain) -> Result<Files> {
    let linked = toolchain.compile(Guest::Engine, compile::Names::Stripped)?;
    let engine = module::strip(&linked, &[])?;
    let component = template::component(&engine)?;
    let linked = toolchain.compile(Guest::Opa, compile::Names::Stripped)?;
    let opa = module::strip(&linked, &template::OPA_IMPORTS)?;
    let wrapper = template::wrapper(&engine, &opa)?;
    let handler = handler::component(&toolchain.compile(Guest::Http, compile::Names::Stripped)?)?;
    Ok(Files::new(
        component,
        wrapper,
        handler,
        engine.heap_base,
        toolchain.identity()?,
    ))
}
