//! `hexgate policy pull`

use std::path::PathBuf;

use hexgate_registry::{PullError, Reference, RegistryError};

use super::{
    arrive, registry,
    trust::{self, Arrival, Trust},
};
use crate::exit::{Exit, Refused};

/// Pull a bundle from an OCI registry, verify it, and write it
///
/// Nothing is written before the whole bundle is verified. It appears whole or not at all.
/// Exit codes: 0 written, 1 the bundle is refused, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(group = trust::binding(), after_help = "Examples:
  hexgate policy pull registry.example.com/policies/support:7 --out policy \\
    --pubkey release.public --agent support-bot
  hexgate policy pull registry.example.com/policies/support@sha256:… \\
    --out policy --pubkey release.public --agent support-bot \\
    --sequences state/sequences")]
pub(crate) struct Args {
    /// What: `REGISTRY/REPOSITORY:TAG`, or pinned `REGISTRY/REPOSITORY@sha256:DIGEST`
    reference: Reference,

    /// The bundle's folder: new, empty, or an older bundle
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,

    #[command(flatten)]
    trust: Trust,

    #[command(flatten)]
    arrival: Arrival,

    #[command(flatten)]
    registry: registry::Options,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let access = args.registry.access(&args.reference)?;
    let mut digest = None;
    let bundle = args.trust.verify(|| {
        let pulled = hexgate_registry::pull(&args.reference, &access).map_err(refused)?;
        digest = Some(pulled.digest);
        Ok(pulled.bundle)
    })?;
    let pinned = digest.map(|digest| args.reference.pinned(&digest).to_string());
    arrive::written(
        &bundle,
        &args.trust,
        &args.arrival,
        &args.out,
        pinned.as_deref(),
    )
}

/// Errors of the bundle are refusals; other errors mean that it could not be fetched.
fn refused(error: PullError) -> anyhow::Error {
    match error {
        PullError::NotABundle { .. }
        | PullError::Read(_)
        | PullError::Registry(RegistryError::Digest { .. } | RegistryError::TooLarge { .. }) => {
            Refused::error(error)
        }
        other => other.into(),
    }
}
