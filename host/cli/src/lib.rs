//! The programs `hexgate` and `hexgate-compile`.
//!
//! | module | what happens there |
//! |---|---|
//! | `exit` | exit codes, and the errors that choose them |
//! | `sentence` | an error with its causes, in one sentence |
//! | `stop` | what happens when a program is told to stop |
//! | `output` | writing for people: marks, colours, harmless text |
//! | `key` | private keys from files |
//! | `making` | making components of policies, and telling what the compiler says |
//! | `compile` | `hexgate-compile` |
//! | `new` | `hexgate new` |
//! | `policy` | `hexgate policy ...`, one module a subcommand |
//! | `agent` | `hexgate chat`, `hexgate agent ...`: what every program with agents has, with the built-in tools |
//! | `approvals` | `hexgate approvals ...`, likewise |
//! | `audit` | `hexgate audit ...`, likewise |
//! | `doctor` | `hexgate doctor` |
//! | `hook` | `hexgate hook ...`: what coding agents run before each call |
//! | `mcp` | `hexgate mcp ...`, one module a subcommand |
//! | `serve` | `hexgate serve` |
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | `hexgate` (default) | the program `hexgate` with `new` and `policy`. Without it the package is `hexgate-compile` alone, which needs no runtime, no network and no database |
//! | `agent` (default) | `hexgate chat`, `hexgate agent` and `hexgate doctor`: brings models, HTTP and TLS, a line editor, tools and the sandbox |
//! | `approvals` (default) | `hexgate approvals`: brings SQLite |
//! | `audit` (default) | `hexgate audit`: brings HTTP and TLS |
//! | `cranelift` (default) | `hexgate policy bench`, and policies by way of OPA and in Rust decide too: brings a compiler of machine code |
//! | `hook` (default) | `hexgate hook`: brings the sandbox's reader of scripts and SQLite |
//! | `mcp` (default) | `hexgate mcp`: brings the Model Context Protocol, HTTP and TLS |
//! | `authzen` (default) | `hexgate serve`: brings HTTP and SQLite |
//! | `registry` (default) | `hexgate policy push`, `pull`, `export` and `import`: brings HTTP and TLS |
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(all(
        feature = "agent",
        feature = "approvals",
        feature = "audit",
        feature = "authzen",
        feature = "cranelift",
        feature = "hook",
        feature = "mcp",
        feature = "registry"
    )),
    allow(dead_code, reason = "what commands share is written for all of them")
)]

#[cfg(feature = "agent")]
mod agent;
#[cfg(feature = "approvals")]
mod approvals;
#[cfg(feature = "audit")]
mod audit;
mod compile;
#[cfg(feature = "agent")]
mod doctor;
mod exit;
#[cfg(feature = "hook")]
mod hook;
mod key;
mod making;
#[cfg(feature = "mcp")]
mod mcp;
#[cfg(feature = "hexgate")]
mod new;
mod output;
#[cfg(feature = "hexgate")]
mod policy;
mod sentence;
#[cfg(feature = "authzen")]
mod serve;
mod stop;

#[cfg(feature = "hexgate")]
use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

/// The program `hexgate`: reads the command line, and says how to end.
#[cfg(feature = "hexgate")]
pub fn hexgate() -> ExitCode {
    ended(run(command::Cli::parse())).into()
}

/// The program `hexgate` within another program: reads these arguments, the name of the program first, and gives the exit code. What it prints
/// goes to the standard streams of the process.
#[cfg(feature = "hexgate")]
pub fn hexgate_with(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    match command::Cli::try_parse_from(arguments) {
        Ok(line) => ended(run(line)) as u8,
        // Help, the version, or misuse. If that cannot be printed, nobody reads it.
        Err(error) => {
            let _ = error.print();
            u8::try_from(error.exit_code()).unwrap_or(exit::Exit::Misuse as u8)
        }
    }
}

#[cfg(feature = "hexgate")]
fn run(line: command::Cli) -> anyhow::Result<exit::Exit> {
    match line.command {
        command::Command::New(args) => new::run(&args),
        command::Command::Policy(command) => policy::run(command),
        #[cfg(feature = "agent")]
        command::Command::Doctor(args) => doctor::run(&args),
        #[cfg(feature = "agent")]
        command::Command::Chat(args) => agent::chat(&args),
        #[cfg(feature = "agent")]
        command::Command::Agent(command) => agent::run(&command),
        #[cfg(feature = "hook")]
        command::Command::Hook(command) => hook::run(&command),
        #[cfg(feature = "audit")]
        command::Command::Audit(command) => audit::run(command),
        #[cfg(feature = "approvals")]
        command::Command::Approvals(command) => approvals::run(command),
        #[cfg(feature = "mcp")]
        command::Command::Mcp(command) => mcp::run(command),
        #[cfg(feature = "authzen")]
        command::Command::Serve(args) => serve::run(args),
    }
}

/// The program `hexgate-compile`: reads the command line, and says how to end.
pub fn hexgate_compile() -> ExitCode {
    ended(compile::run(&compile::Args::parse())).into()
}

fn ended(outcome: anyhow::Result<exit::Exit>) -> exit::Exit {
    outcome.unwrap_or_else(|error| exit::report(&error))
}

#[cfg(feature = "hexgate")]
mod command {
    use clap::{Parser, Subcommand};

    #[cfg(feature = "agent")]
    use crate::agent;
    #[cfg(feature = "approvals")]
    use crate::approvals;
    #[cfg(feature = "audit")]
    use crate::audit;
    #[cfg(feature = "agent")]
    use crate::doctor;
    #[cfg(feature = "hook")]
    use crate::hook;
    #[cfg(feature = "mcp")]
    use crate::mcp;
    #[cfg(feature = "authzen")]
    use crate::serve;
    use crate::{new, policy};

    /// Authorization for AI agents: policies as signed WebAssembly components.
    ///
    /// Exit codes: 0 done, 1 denied, refused or failed, 2 misuse or environment.
    #[derive(Debug, Parser)]
    #[command(name = "hexgate", version, propagate_version = true)]
    pub(super) struct Cli {
        #[command(subcommand)]
        pub(super) command: Command,
    }

    #[derive(Debug, Subcommand)]
    pub(super) enum Command {
        New(new::Args),
        /// Validate, test, build, sign, verify, inspect and measure policies
        #[command(subcommand)]
        Policy(policy::Command),
        #[cfg(feature = "agent")]
        Chat(agent::ChatArgs),
        /// List, show and run agents: what their folders say
        #[cfg(feature = "agent")]
        #[command(subcommand)]
        Agent(agent::Command),
        /// Decide about the calls of coding agents: the hook that they run, and its installation
        #[cfg(feature = "hook")]
        #[command(subcommand)]
        Hook(hook::Command),
        /// Verify, replay and deliver the log of what was decided
        #[cfg(feature = "audit")]
        #[command(subcommand)]
        Audit(audit::Command),
        /// Look at the calls that wait for a person, allow them, deny them
        #[cfg(feature = "approvals")]
        #[command(subcommand)]
        Approvals(approvals::Command),
        /// Stand between a client of the Model Context Protocol and its servers
        #[cfg(feature = "mcp")]
        #[command(subcommand)]
        Mcp(mcp::Command),
        #[cfg(feature = "authzen")]
        Serve(serve::Args),
        #[cfg(feature = "agent")]
        Doctor(doctor::Args),
    }
}
