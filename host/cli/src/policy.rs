//! `hexgate policy ...`

mod arguments;
mod bench;
mod build;
mod convert;
mod coverage;
mod decide;
mod explain;
mod inspect;
mod keygen;
pub(crate) mod refusal;
mod show_rego;
pub(crate) mod subject;
mod suite;
mod test;
mod validate;
mod verify;

use clap::Subcommand;

use crate::exit::Exit;

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(validate::Args),
    Inspect(inspect::Args),
    Test(test::Args),
    Build(build::Args),
    Convert(convert::Args),
    Keygen(keygen::Args),
    ShowRego(show_rego::Args),
    Verify(verify::Args),
    Bench(bench::Args),
}

/// Carries out a subcommand.
pub(crate) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Validate(args) => validate::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Build(args) => build::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Keygen(args) => keygen::run(&args),
        Command::ShowRego(args) => show_rego::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Bench(args) => bench::run(&args),
    }
}
