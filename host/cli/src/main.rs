//! The command line of hexgate.
//!
//! | module | what happens there |
//! |---|---|
//! | `exit` | exit codes, and the errors that choose them |
//! | `output` | writing for people: marks, colours, harmless text |
//! | `policy` | `hexgate policy ...`, one module a subcommand |
#![forbid(unsafe_code)]

mod exit;
mod output;
mod policy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Authorization for AI agents: policies as signed WebAssembly components.
///
/// Exit codes: 0 done, 1 denied, refused or failed, 2 misuse or environment.
#[derive(Debug, Parser)]
#[command(name = "hexgate", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Validate, test, build, sign, verify, inspect and measure policies
    #[command(subcommand)]
    Policy(policy::Command),
}

fn main() -> ExitCode {
    let Command::Policy(command) = Cli::parse().command;
    match policy::run(command) {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error).into(),
    }
}
