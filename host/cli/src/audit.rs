//! `hexgate audit ...`

mod deliver;
mod head;
mod replay;
mod verify;

use clap::Subcommand;

use crate::exit::Exit;

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Verify(verify::Args),
    Head(head::Args),
    Replay(replay::Args),
    Deliver(deliver::Args),
}

/// Carries out a subcommand.
pub(crate) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Verify(args) => verify::run(&args),
        Command::Head(args) => head::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Deliver(args) => deliver::run(&args),
    }
}
