//! `hexgate hook ...`: the hook of coding agents.

pub(crate) use hexgate_hook::command::Command;
use hexgate_hook::command::carry_out;

use crate::exit::{Exit, Refused};

/// Carries out a subcommand.
pub(crate) fn run(command: &Command) -> anyhow::Result<Exit> {
    match carry_out(command) {
        Ok(0) => Ok(Exit::Done),
        Ok(1) => Ok(Exit::Failed),
        Ok(_) => Ok(Exit::Misuse),
        Err(error) if error.is_refusal() => Err(Refused::error(error)),
        Err(error) => Err(error.into()),
    }
}
