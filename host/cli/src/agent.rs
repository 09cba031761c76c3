//! `hexgate chat` and `hexgate agent ...`: agents in folders, with the built-in tools.

use clap::Subcommand;
pub(crate) use hexgate_agent::ChatArgs;
use hexgate_agent::program::{self, ListArgs, Program, RunArgs, ShowArgs};
use hexgate_tools::BuiltIn;

use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(ListArgs),
    Show(ShowArgs),
    Run(RunArgs),
    /// Print the JSON schema of `agent.yaml`, for editors
    Schema,
}

pub(crate) fn chat(args: &ChatArgs) -> anyhow::Result<Exit> {
    Ok(exit(program().chat(args)?))
}

pub(crate) fn run(command: &Command) -> anyhow::Result<Exit> {
    let program = program();
    Ok(exit(match command {
        Command::List(args) => program.list(args)?,
        Command::Show(args) => program.show(args)?,
        Command::Run(args) => program.run(args)?,
        Command::Schema => program.schema()?,
    }))
}

fn program() -> Program {
    Program::new().tools_from(BuiltIn::new())
}

fn exit(exit: program::Exit) -> Exit {
    match exit {
        program::Exit::Done => Exit::Done,
        program::Exit::Failed => Exit::Failed,
    }
}
