//! `hexgate policy export`

use std::path::PathBuf;

use anyhow::Context;
use hexgate_base::disk::Folder;
use hexgate_bundle::UnverifiedBundle;

use super::{facts, trust::Trust};
use crate::{
    exit::Exit,
    output::{self, Style, Tone, harmless},
};

/// Put a bundle into one archive, for places without a network
///
/// The bundle is verified first. Equal bundles give equal archives.
/// Exit codes: 0 written, 1 the bundle is refused, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate policy export dist/policy policy.tar --pubkey release.public")]
pub(crate) struct Args {
    /// The bundle's folder
    bundle: PathBuf,

    /// The archive; an older one is replaced, a folder that is missing is made
    archive: PathBuf,

    #[command(flatten)]
    trust: Trust,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let bundle = args
        .trust
        .verify(|| Ok(UnverifiedBundle::read(&args.bundle)?))?;
    let archive = hexgate_registry::export(&bundle)?;
    let path = args.archive.display().to_string();
    // A reader sees the whole archive, or the former one.
    let write = || {
        let (folder, name) = Folder::provided_for(&args.archive, 0o777)?;
        folder.replace(name, 0o644, &archive)
    };
    write().with_context(|| format!("cannot write `{path}`"))?;
    let mark = Style::stdout().paint(Tone::Good, "✓");
    output::print(&format!(
        "{mark} Wrote {}\n{}",
        harmless(&path),
        facts::lines(&bundle, &args.trust, None)
    ))?;
    Ok(Exit::Done)
}
