//! `hexgate policy ...`

mod arguments;
#[cfg(feature = "registry")]
mod arrive;
#[cfg(feature = "cranelift")]
mod bench;
mod build;
mod convert;
mod coverage;
mod decide;
mod explain;
#[cfg(feature = "registry")]
mod export;
mod facts;
#[cfg(feature = "registry")]
mod import;
mod inspect;
mod keygen;
#[cfg(feature = "registry")]
mod pull;
#[cfg(feature = "registry")]
mod push;
#[cfg(feature = "registry")]
mod registry;
mod show_rego;
pub(crate) mod subject;
mod suite;
mod test;
mod trust;
mod validate;
mod verify;

use clap::Subcommand;

use crate::{exit::Exit, stop};

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
    #[cfg(feature = "registry")]
    Push(push::Args),
    #[cfg(feature = "registry")]
    Pull(pull::Args),
    #[cfg(feature = "registry")]
    Export(export::Args),
    #[cfg(feature = "registry")]
    Import(import::Args),
    #[cfg(feature = "cranelift")]
    Bench(bench::Args),
}

/// Carries out a subcommand.
pub(crate) fn run(command: Command) -> anyhow::Result<Exit> {
    stop::on_signals()?;
    match command {
        Command::Validate(args) => validate::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Build(args) => build::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Keygen(args) => keygen::run(&args),
        Command::ShowRego(args) => show_rego::run(&args),
        Command::Verify(args) => verify::run(&args),
        #[cfg(feature = "registry")]
        Command::Push(args) => push::run(&args),
        #[cfg(feature = "registry")]
        Command::Pull(args) => pull::run(&args),
        #[cfg(feature = "registry")]
        Command::Export(args) => export::run(&args),
        #[cfg(feature = "registry")]
        Command::Import(args) => import::run(&args),
        #[cfg(feature = "cranelift")]
        Command::Bench(args) => bench::run(&args),
    }
}
