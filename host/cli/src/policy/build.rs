//! `hexgate policy build`

use std::path::{Path, PathBuf};

use anyhow::Context;
use hexgate_bundle::{PrivateKey, SealedBundle};
use hexgate_compiler::Release;

use crate::making::{self, Making};
use crate::{
    exit::Exit,
    key,
    output::{self, Style, Tone},
};

/// Compile a policy into a bundle, signed if a key is given
///
/// The bundle appears whole or not at all; an older one in the same folder is replaced.
/// Exit codes: 0 written, 1 the policy is refused, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate policy build policy.yaml --out dist/policy
  hexgate policy build policy.yaml --out dist/policy --sign-key release.private \\
    --agent support-bot --sequence 7
  hexgate policy build policy.rego --data data.json --out dist/policy \\
    --sign-key release.private --agent support-bot
  hexgate policy build roles/ --out dist/policy --sign-key release.private \\
    --project shop --expires-at 2027-01-01T00:00:00Z")]
pub(crate) struct Args {
    /// The policy: a YAML file, a directory with a role in each `*.yaml` file, a file `*.rego`, the `Cargo.toml` of a package in Rust,
    /// or a component `*.wasm` that other tools have built
    policy: PathBuf,

    /// The bundle's folder: new, empty, or an older bundle
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,

    /// Sign with this private key
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,

    #[command(flatten)]
    release: Release,

    #[command(flatten)]
    making: Making,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    // Report errors of the command line before the work.
    let key = args.sign_key.as_deref().map(key::load).transpose()?;
    let Some(artifact) = making::made(&args.policy, &args.making)? else {
        return Ok(Exit::Failed);
    };
    let draft = artifact
        .draft(&args.release)
        .context("the bundle takes its name from the policy")?;
    let sealed = draft.seal(key.as_ref())?;
    sealed.write(&args.out)?;

    told(&sealed, &args.out, key.as_ref(), &args.release)
}

/// Reports what was written, and what hosts will require.
pub(super) fn told(
    sealed: &SealedBundle,
    out: &Path,
    key: Option<&PrivateKey>,
    release: &Release,
) -> anyhow::Result<Exit> {
    let mark = Style::stdout().paint(Tone::Good, "✓");
    let mut text = String::new();
    for (name, _) in sealed.files() {
        let signature = if name.ends_with(".sig") {
            " (signed)"
        } else {
            ""
        };
        let path = out.join(name).display().to_string();
        text.push_str(&format!(
            "{mark} Wrote {}{signature}\n",
            output::harmless(&path)
        ));
    }
    output::print(&text)?;
    match key {
        Some(key) => output::note(&format!("signed with key `{}`", key.public_key().id())),
        None => output::note(
            "the bundle is not signed; hosts refuse it without a `dangerous` option: pass `--sign-key FILE`",
        ),
    }
    if key.is_some() && release.sequence == 0 {
        output::note(output::NO_SEQUENCE);
    }
    if release.agent.is_none() && release.project.is_none() {
        output::note(
            "the bundle is bound to no agent and no project, so hosts refuse it unless told otherwise: pass `--agent` or `--project`",
        );
    }
    Ok(Exit::Done)
}
