//! `hexgate approvals ...`

mod answer;
mod list;
mod members;
mod show;
mod source;
mod view;
mod watch;

use clap::Subcommand;

use crate::exit::Exit;

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::Args),
    Show(show::Args),
    Approve(answer::Approve),
    Deny(answer::Deny),
    Watch(watch::Args),
}

/// Carries out a subcommand.
pub(crate) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(args) => list::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Approve(args) => answer::approve(&args),
        Command::Deny(args) => answer::deny(&args),
        Command::Watch(args) => watch::run(&args),
    }
}
