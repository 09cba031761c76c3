//! `hexgate mcp ...`: one policy between any client of the Model Context Protocol and its servers.

mod asked;
mod init;
mod login;
mod pin;
mod run;
mod wrap;

use clap::Subcommand;

use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::Args),
    Login(login::Args),
    Pin(pin::Args),
    Run(run::Args),
    Wrap(wrap::Args),
}

pub(crate) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Init(args) => init::run(&args),
        Command::Login(args) => login::run(&args),
        Command::Pin(args) => pin::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Wrap(args) => wrap::run(args),
    }
}
