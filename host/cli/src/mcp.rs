//! `hexgate mcp ...`: one policy between any client of the Model Context Protocol and its servers.

mod run;
mod wrap;

use clap::Subcommand;

use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Args),
    Wrap(wrap::Args),
}

pub(crate) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Run(args) => run::run(&args),
        Command::Wrap(args) => wrap::run(args),
    }
}
