//! `hexgate policy inspect`

mod binary;
mod human;
pub(super) mod permits;
mod report;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use hexgate_bundle::{Contents, Digest, TrustedKeys, UnverifiedBundle};

use self::report::{Bundle, Component, Report, Signature};
use super::subject::{self, Found, any_bundle};
use crate::{
    exit::{Exit, Refused},
    output,
};

/// Show what a component or a bundle is, and what it permits
///
/// A component of the known engine is read, not executed. Any other describes itself, in the sandbox and within its limits.
/// Exit codes: 0 shown, 1 damaged, or the signature does not verify, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate policy inspect dist/policy
  hexgate policy inspect dist/policy --pubkey release.public --json
  hexgate policy inspect policy.component.wasm")]
pub(crate) struct Args {
    /// The folder of a bundle, or a component
    #[arg(value_name = "COMPONENT|BUNDLE")]
    path: PathBuf,

    /// Verify the bundle's signature with this public key; repeat it while keys rotate
    #[arg(long, value_name = "FILE")]
    pubkey: Vec<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let report = match subject::look(&args.path)? {
        Found::Bundle => bundle(&args.path, &args.pubkey)?,
        Found::Wasm => {
            anyhow::ensure!(
                args.pubkey.is_empty(),
                "`{}` is a bare component, and `--pubkey` verifies bundles; name the folder of the bundle",
                args.path.display()
            );
            component(&args.path)?
        }
        Found::Source => anyhow::bail!(
            "`{}` is neither a component nor a bundle; compile it first: `hexgate policy build POLICY --out DIR`",
            args.path.display()
        ),
    };
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&report.human())?;
    }
    Ok(if report.is_refused() {
        Exit::Failed
    } else {
        Exit::Done
    })
}

fn bundle(path: &Path, pubkeys: &[PathBuf]) -> anyhow::Result<Report> {
    // An expired bundle can be inspected; its validity is shown.
    let expectation = any_bundle().dangerous_ignore_validity();
    let now = SystemTime::now();
    let keys = TrustedKeys::from_files(pubkeys)?;
    let unverified = UnverifiedBundle::read(path)?;
    let signed = unverified.is_signed();
    let verified = if pubkeys.is_empty() {
        None
    } else {
        Some(unverified.verify(&keys, &expectation, now))
    };
    let signature = match &verified {
        None if signed => Signature::NotVerified,
        None => Signature::Unsigned,
        Some(Ok(bundle)) => Signature::Verified {
            key_id: bundle.key_id().to_string(),
        },
        Some(Err(_)) if !signed => Signature::Unsigned,
        Some(Err(error)) => Signature::DoesNotVerify {
            reason: error.to_string(),
        },
    };
    let unsigned_refused = !pubkeys.is_empty() && !signed;
    if let Some(Ok(bundle)) = &verified {
        return report_of(path, bundle.contents(), signature, false);
    }
    let bundle = UnverifiedBundle::read(path)?
        .dangerous_without_signature(&expectation, now)
        .map_err(Refused::error)?;
    report_of(path, bundle.contents(), signature, unsigned_refused)
}

fn report_of(
    path: &Path,
    contents: &Contents,
    signature: Signature,
    unsigned_refused: bool,
) -> anyhow::Result<Report> {
    let component = component_of(path, contents.wasm())?;
    let plan = hexgate_component::plan_of(contents.wasm());
    let source = plan.map(|_| subject::compiled_from(contents).is_some());
    Ok(Report::new(
        path,
        Some(Bundle::new(contents, signature, source)),
        component,
        unsigned_refused,
    ))
}

fn component(path: &Path) -> anyhow::Result<Report> {
    let wasm = subject::read_wasm(path)?;
    Ok(Report::new(path, None, component_of(path, &wasm)?, false))
}

fn component_of(path: &Path, wasm: &[u8]) -> anyhow::Result<Component> {
    Component::read(wasm).with_context(|| format!("cannot inspect `{}`", path.display()))
}

/// SHA-256 as text.
fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}
