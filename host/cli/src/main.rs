//! The command line of hexgate.
//!
//! | module | what happens there |
//! |---|---|
//! | `audit` | `hexgate audit ...`, one module a subcommand |
//! | `exit` | exit codes, and the errors that choose them |
//! | `output` | writing for people: marks, colours, harmless text |
//! | `policy` | `hexgate policy ...`, one module a subcommand |
#![forbid(unsafe_code)]

mod audit;
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
    /// Verify and replay the log of what was decided
    #[command(subcommand)]
    Audit(audit::Command),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Policy(command) => policy::run(command),
        Command::Audit(command) => audit::run(command),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error).into(),
    }
}
