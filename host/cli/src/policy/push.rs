//! `hexgate policy push`

use std::path::PathBuf;

use hexgate_bundle::UnverifiedBundle;
use hexgate_registry::Reference;

use super::{facts, registry, trust::Trust};
use crate::{
    exit::Exit,
    output::{self, Style, Tone, harmless},
};

/// Push a bundle to an OCI registry, as a Wasm component with the bundle's other files attached
///
/// The bundle is verified first. Equal bundles get equal digests.
/// Exit codes: 0 pushed, 1 the bundle is refused, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate policy push dist/policy registry.example.com/policies/support:7 \\
    --pubkey release.public
  hexgate policy push dist/policy localhost:5000/policies/support:7 \\
    --pubkey release.public --plain-http")]
pub(crate) struct Args {
    /// The bundle's folder
    bundle: PathBuf,

    /// Where to: `REGISTRY/REPOSITORY:TAG`
    reference: Reference,

    #[command(flatten)]
    trust: Trust,

    #[command(flatten)]
    registry: registry::Options,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let access = args.registry.access(&args.reference)?;
    let bundle = args
        .trust
        .verify(|| Ok(UnverifiedBundle::read(&args.bundle)?))?;
    let pushed = hexgate_registry::push(&bundle, &args.reference, &access)?;
    let mark = Style::stdout().paint(Tone::Good, "✓");
    output::print(&format!(
        "{mark} Pushed {}\n{}{}",
        harmless(&args.reference.to_string()),
        facts::lines(&bundle, &args.trust, None),
        facts::line("pinned", &args.reference.pinned(&pushed.digest).to_string()),
    ))?;
    Ok(Exit::Done)
}
