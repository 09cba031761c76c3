//! `hexgate policy import`

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::Context;
use hexgate_registry::MAX_ARCHIVE_BYTES;

use super::{
    arrive,
    trust::{self, Arrival, Trust},
};
use crate::exit::{Exit, Refused};

/// Take a bundle out of an archive, verify it, and write it
///
/// Nothing is written before the whole bundle is verified. It appears whole or not at all.
/// Exit codes: 0 written, 1 the bundle is refused, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(group = trust::binding(), after_help = "Examples:
  hexgate policy import policy.tar policy \\
    --pubkey release.public --agent support-bot")]
pub(crate) struct Args {
    /// The archive
    archive: PathBuf,

    /// The bundle's folder: new, empty, or an older bundle
    out: PathBuf,

    #[command(flatten)]
    trust: Trust,

    #[command(flatten)]
    arrival: Arrival,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let bundle = args.trust.verify(|| {
        let path = args.archive.display();
        let archive = read(&args.archive).with_context(|| format!("cannot read `{path}`"))?;
        let archive = archive.ok_or_else(|| {
            Refused::error(format!(
                "`{path}` has more than {MAX_ARCHIVE_BYTES} bytes, and no archive of a bundle has"
            ))
        })?;
        hexgate_registry::import(&archive, format!("`{path}`")).map_err(Refused::error)
    })?;
    arrive::written(&bundle, &args.trust, &args.arrival, &args.out, None)
}

/// The bytes of a file. None: there are more than an archive has.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_ARCHIVE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= MAX_ARCHIVE_BYTES).then_some(bytes))
}
