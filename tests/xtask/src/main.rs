//! The maintainers' tasks: `cargo xtask <task>`.
//!
//! Users never need one of these: the product builds, runs and passes `cargo test` with nothing but Rust.
#![forbid(unsafe_code)]

mod adapters;
mod api;
mod bench_peers;
mod coding_agents;
mod demo;
mod dependencies;
mod edge;
mod engine;
mod features;
mod fuzz;
mod mcp_conformance;
mod mcp_harness;
mod package;
mod parity;
mod python;
mod readme;
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
    /// Check the adapters of agent frameworks: form, lints, tests, examples
    Adapters,
    /// Compare the public API of each library with the file that was reviewed
    Api(api::Args),
    /// Compare engines of other projects with ours: the same policy, the same calls, the same verdicts, and how long they take
    BenchPeers(bench_peers::Args),
    /// Run real coding agents with the hook, and a model that wants what the policy denies
    CodingAgents,
    /// Build everything, and run the main job on an example policy: keys, a signed bundle, its verification, three decisions
    Demo,
    /// Check the licences and origins of all dependencies, and whether they are known to be vulnerable
    Dependencies,
    /// Install the tools of the full test run into `target/tools/` (or `$HEXGATE_TOOLS`)
    Setup(setup::Args),
    /// Build, check or measure the engine artifact
    Engine(engine::Args),
    /// Check that each package compiles without features, with each one, and with all
    Features(features::Args),
    /// Run the fuzz targets for a while
    Fuzz(fuzz::Args),
    /// Run the conformance suite of the Model Context Protocol directly and through the gateway, and compare
    McpConformance(mcp_conformance::Args),
    /// Run the security tests of `agent-security-harness` against the gateway
    McpHarness,
    /// Pack every package that users get
    Package(package::Args),
    /// Compare reference, native component and Rego component on random policies and calls
    Parity(parity::Args),
    /// Build the wheel for Python, install it, and run its tests
    Python,
    /// Check that the README and the guide do what they say: their commands, the outputs, the program
    Readme,
    /// Run all tests, with every tool that is set up
    Test(test::Args),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Adapters => adapters::run(),
        Task::Api(args) => api::run(&args),
        Task::BenchPeers(args) => bench_peers::run(&args),
        Task::CodingAgents => coding_agents::run(),
        Task::Demo => demo::run(),
        Task::Dependencies => dependencies::run(),
        Task::Features(args) => features::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::McpConformance(args) => mcp_conformance::run(&args),
        Task::McpHarness => mcp_harness::run(),
        Task::Package(args) => package::run(&args),
        Task::Parity(args) => parity::run(&args),
        Task::Python => python::run(),
        Task::Readme => readme::run(),
        Task::Setup(args) => setup::run(&args),
        Task::Engine(args) => engine::run(&args),
        Task::Test(args) => test::run(&args),
    }
}
