//! `hexgate audit head`

use std::path::PathBuf;

use hexgate_audit::{Anchors, verify};

use super::verify::refused;
use crate::{exit::Exit, output};

/// Print the last record of a log as an anchor: keep it elsewhere, and `verify --head` finds a tail that was cut off
///
/// The chain is checked on the way.
/// Exit codes: 0 printed, 1 the log was changed, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate audit head audit
  hexgate audit head audit >> elsewhere/anchors
  hexgate audit verify audit --head \"$(tail -1 elsewhere/anchors)\"")]
pub(crate) struct Args {
    /// The folder of the log
    log: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let verified = verify(&args.log, &Anchors::default())?;
    match (verified.head, verified.is_intact()) {
        (Some(head), true) => output::print(&format!("{head}\n"))?,
        _ => return Err(refused(&args.log, &verified)),
    }
    Ok(Exit::Done)
}
