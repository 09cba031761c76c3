//! The maintainers' tasks: `cargo xtask <task>`.
//!
//! Users never need one of these: the product builds, runs and passes `cargo test` with nothing but Rust.

mod engine;
mod setup;
mod test;
mod workspace;

use clap::{Parser, Subcommand};

/// The maintainers' tasks of hexgate.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install the tools of the full test run into `target/tools/` (or `$HEXGATE_TOOLS`)
    Setup(setup::Args),
    /// Build, check or measure the engine artifact
    Engine(engine::Args),
    /// Run all tests, with every tool that is set up
    Test(test::Args),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Setup(args) => setup::run(&args),
        Task::Engine(args) => engine::run(&args),
        Task::Test(args) => test::run(&args),
    }
}
