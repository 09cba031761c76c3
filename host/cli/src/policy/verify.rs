//! `hexgate policy verify`

use std::path::PathBuf;

use hexgate_bundle::{UnverifiedBundle, VerifiedBundle};
use hexgate_eval::Plan;

use super::trust::Trust;
use crate::{
    exit::{Exit, Refused},
    output::{self, Style, Tone, harmless},
};

/// Verify a bundle: signature, digests, binding, time and component
///
/// Nothing of the component is executed.
/// Exit codes: 0 verified, 1 refused, 2 misuse or environment.
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
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let bundle = args
        .trust
        .verify(|| Ok(UnverifiedBundle::read(&args.bundle)?))?;
    let component = component(&bundle)?;

    let mark = Style::stdout().paint(Tone::Good, "✓");
    let path = args.bundle.display().to_string();
    let mut text = format!("{mark} {} is verified\n", harmless(&path));
    for (what, found) in facts(args, &bundle, component) {
        text.push_str(&format!("  {what:<10} {}\n", harmless(&found)));
    }
    output::print(&text)?;
    Ok(Exit::Done)
}

/// What was checked, and with what result.
fn facts(args: &Args, bundle: &VerifiedBundle, component: String) -> Vec<(&'static str, String)> {
    let manifest = bundle.contents().manifest();
    let mut facts = vec![
        ("signature", format!("by key {}", bundle.key_id())),
        (
            "files",
            format!(
                "as the manifest states (sha256 of the component {})",
                bundle.contents().wasm_hash()
            ),
        ),
        ("component", component),
    ];
    for (what, bound, expected) in [
        ("agent", manifest.agent(), &args.trust.agent),
        ("project", manifest.project(), &args.trust.project),
    ] {
        facts.push((
            what,
            match (bound, expected) {
                (Some(bound), Some(_)) => format!("{bound}, as expected"),
                (Some(bound), None) => format!("{bound}; not checked, pass `--{what}`"),
                (None, _) => "bound to none".to_owned(),
            },
        ));
    }
    facts.push((
        "sequence",
        manifest
            .sequence()
            .map_or_else(|| "none".to_owned(), |sequence| sequence.to_string()),
    ));
    facts.push(("validity", validity(bundle)));
    facts
}

fn validity(bundle: &VerifiedBundle) -> String {
    let manifest = bundle.contents().manifest();
    match (manifest.not_before(), manifest.expires_at()) {
        (None, None) => "not limited".to_owned(),
        (Some(from), None) => format!("from {from} on"),
        (None, Some(until)) => format!("until {until}"),
        (Some(from), Some(until)) => format!("from {from} until {until}"),
    }
}

/// What the component is, without executing it.
fn component(bundle: &VerifiedBundle) -> anyhow::Result<String> {
    let component = hexgate::component_of(bundle.contents()).map_err(|error| {
        Refused::error(format!(
            "the module in `{}` is signed, but {error}",
            args_path(bundle)
        ))
    })?;
    if hexgate_component::opa_module_of(&component).is_some() {
        return Ok("a module of OPA's in the wrapper that this host knows: hosts meter it, and give it a fresh instance a decision".to_owned());
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
