//! `hexgate policy convert`

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context;
use hexgate_bundle::{
    Claims, Contents, Draft, Expectation, Manifest, Stem, TrustedKeys, UnverifiedBundle,
};
use hexgate_compiler::{CONTRACT, Release};
use hexgate_host::Policy;

use super::build::told;
use crate::{
    exit::{Exit, Refused},
    key, output,
};

/// Make a bundle with a component of a bundle of the Python system
///
/// The module that OPA compiled goes into the component as it is, and decides as before. The new bundle appears whole or not at all.
/// Exit codes: 0 written, 1 the bundle is refused, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate policy convert old/ --pubkey project.public --out dist/policy \\
    --sign-key release.private --agent support-bot --sequence 1
  hexgate policy convert old/ --out dist/policy")]
pub(crate) struct Args {
    /// The bundle's folder
    bundle: PathBuf,

    /// The new bundle's folder: new, empty, or an older bundle
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,

    /// A public key that must have signed the old bundle; repeat it while keys rotate
    #[arg(long, value_name = "FILE")]
    pubkey: Vec<PathBuf>,

    /// Sign the new bundle with this private key; needs `--pubkey`
    #[arg(long, value_name = "FILE", requires = "pubkey")]
    sign_key: Option<PathBuf>,

    #[command(flatten)]
    release: Release,
}

/// The manifest's claims of a converted bundle.
const ENGINE: &str = "rego";

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let key = args.sign_key.as_deref().map(key::load).transpose()?;
    let contents = contents(&args.bundle, &args.pubkey)?;
    let Manifest::V1(manifest) = contents.manifest() else {
        anyhow::bail!(
            "`{}` holds a component already: only bundles of version 1 are converted",
            args.bundle.display()
        );
    };
    let refused = |error: &dyn std::fmt::Display| {
        Refused::error(format!("`{}` is refused: {error}", args.bundle.display()))
    };
    let component = hexgate_host::component_of(&contents).map_err(|error| refused(&error))?;
    // Load it now, so that a module that does not answer as a policy is refused here and not by its host.
    let policy = Policy::dangerous_from_unverified_bytes(&hexgate_host::Engine::new()?, &component)
        .map_err(|error| refused(&error))?;

    let stem = Stem::from_path(Path::new(&manifest.source))
        .context("the bundle takes its name from the policy")?;
    let rego = std::str::from_utf8(contents.rego().unwrap_or_default())
        .map_err(|error| refused(&format!("its Rego is not UTF-8: {error}")))?;
    let claims = args.release.claims(Claims::new(
        stem.source(),
        CONTRACT,
        ENGINE,
        policy.about().compiler.as_str(),
    ));
    let source = contents
        .source()
        .ok_or_else(|| refused(&"it has no policy source, which a bundle of version 2 holds"))?;
    let draft = Draft {
        stem,
        source,
        rego,
        wasm: &component,
        claims,
    };
    let sealed = draft.seal(key.as_ref())?;
    sealed.write(&args.out)?;
    told(&sealed, &args.out, key.as_ref(), &args.release)
}

/// What is in the old bundle. Obligations in its manifest cannot be carried over, so none is honoured.
fn contents(bundle: &Path, pubkeys: &[PathBuf]) -> anyhow::Result<Contents> {
    let keys = TrustedKeys::from_files(pubkeys)?;
    let unverified = UnverifiedBundle::read(bundle)?;
    let expectation = Expectation::dangerous_any_binding();
    let now = SystemTime::now();
    if pubkeys.is_empty() {
        output::note(&format!(
            "the signature of `{}` is not verified, so any writer of the files decides what is permitted: pass `--pubkey FILE`",
            bundle.display()
        ));
        let bundle = unverified.dangerous_without_signature(&expectation, now);
        return Ok(bundle.map_err(Refused::error)?.contents().clone());
    }
    let bundle = unverified.verify(&keys, &expectation, now);
    Ok(bundle.map_err(Refused::error)?.contents().clone())
}
