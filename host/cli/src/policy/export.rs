//! `hexgate policy export`

use std::{io::Write, path::PathBuf};

use anyhow::Context;
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

    /// The archive; an older one is replaced
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
    write(args, &archive).with_context(|| format!("cannot write `{path}`"))?;
    let mark = Style::stdout().paint(Tone::Good, "✓");
    output::print(&format!(
        "{mark} Wrote {}\n{}",
        harmless(&path),
        facts::lines(&bundle, &args.trust, None)
    ))?;
    Ok(Exit::Done)
}

/// A reader sees the whole archive, or what was there before.
fn write(args: &Args, archive: &[u8]) -> std::io::Result<()> {
    let folder = match args.archive.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => std::path::Path::new("."),
    };
    if args.archive.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    let mut file = tempfile::Builder::new()
        .prefix(".hexgate-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(|error| std::io::Error::from(error.kind()))?;
    file.write_all(archive)?;
    file.as_file().sync_all()?;
    file.persist(&args.archive).map_err(|error| error.error)?;
    Ok(())
}
