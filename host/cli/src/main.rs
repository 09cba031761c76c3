//! The command line of hexgate.
//!
//! | module | what happens there |
//! |---|---|
//! | `exit` | exit codes, and the errors that choose them |
//! | `output` | writing for people: marks, colours, harmless text |
//! | `key` | private keys from files |
//! | `new` | `hexgate new` |
//! | `policy` | `hexgate policy ...`, one module a subcommand |
//! | `approvals` | `hexgate approvals ...`, likewise |
//! | `audit` | `hexgate audit ...`, likewise |
#![forbid(unsafe_code)]

mod approvals;
mod audit;
mod exit;
mod key;
mod new;
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
    New(new::Args),
    /// Validate, test, build, sign, verify, inspect and measure policies
    #[command(subcommand)]
    Policy(policy::Command),
    /// Verify, replay and deliver the log of decisions
    #[command(subcommand)]
    Audit(audit::Command),
    /// Show, approve and deny the calls that wait for a person
    #[command(subcommand)]
    Approvals(approvals::Command),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::New(args) => new::run(&args),
        Command::Policy(command) => policy::run(command),
        Command::Audit(command) => audit::run(command),
        Command::Approvals(command) => approvals::run(command),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error).into(),
    }
}
