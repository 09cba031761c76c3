//! `hexgate policy verify`

use std::path::PathBuf;

use hexgate_bundle::{SequenceStore, UnverifiedBundle, VerifiedBundle};
use hexgate_eval::Plan;

use super::{
    facts,
    trust::{self, Trust},
};
use crate::{
    exit::{Exit, Refused},
    output::{self, Style, Tone, harmless},
};

/// Verify a bundle: signature, digests, binding, time and component
///
/// The component is not executed: whether Rego in it answers as a policy is checked when it is built, and by the host that loads it. Exit
/// codes: 0 verified, 1 refused, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate policy verify dist/policy --pubkey keys/release.public
  hexgate policy verify dist/policy --pubkey keys/release.public \\
    --agent support-bot --project shop
  hexgate policy verify dist/policy \\
    --pubkey keys/old.public --pubkey keys/new.public")]
pub(crate) struct Args {
    /// The bundle's folder
    bundle: PathBuf,

    #[command(flatten)]
    trust: Trust,

    /// A host with this file of sequence numbers must admit the bundle; nothing is remembered
    #[arg(long, value_name = "FILE")]
    sequences: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let bundle = args
        .trust
        .verify(|| Ok(UnverifiedBundle::read(&args.bundle)?))?;
    if let Some(file) = &args.sequences {
        trust::admitted(SequenceStore::at(file).check(&bundle))?;
    }
    let component = component(&bundle)?;

    let mark = Style::stdout().paint(Tone::Good, "✓");
    let path = args.bundle.display().to_string();
    let mut text = format!("{mark} {} is verified\n", harmless(&path));
    text.push_str(&facts::lines(&bundle, &args.trust, Some(component)));
    output::print(&text)?;
    Ok(Exit::Done)
}

/// Describes the component without executing it.
fn component(bundle: &VerifiedBundle) -> anyhow::Result<String> {
    let component = hexgate_host::component_of(bundle.contents()).map_err(|error| {
        Refused::error(format!(
            "the module in `{}` is signed, but {error}",
            args_path(bundle)
        ))
    })?;
    if hexgate_component::opa_module_of(&component).is_some() {
        return Ok("a module of OPA's in the wrapper that this host knows: hosts meter it, give it a fresh instance a decision, and ask it a first question when they load it".to_owned());
    }
    let Some(plan) = hexgate_component::plan_of(&component) else {
        return Ok("not of the engine that this host knows: hosts meter it, and give it a fresh instance a decision".to_owned());
    };
    let refused = |error: &dyn std::fmt::Display| {
        Refused::error(format!(
            "the component in `{}` is signed, but its plan is damaged: {error}; compile and sign the policy again",
            args_path(bundle)
        ))
    };
    let plan = Plan::open(plan).map_err(|error| refused(&error))?;
    plan.validate().map_err(|error| refused(&error))?;
    Ok(format!(
        "the known engine {}, with a valid plan",
        digest_start()
    ))
}

fn args_path(bundle: &VerifiedBundle) -> &str {
    bundle.contents().origin()
}

/// Enough of a digest to tell engines apart.
fn digest_start() -> &'static str {
    hexgate_component::DIGEST
        .get(..16)
        .unwrap_or(hexgate_component::DIGEST)
}
