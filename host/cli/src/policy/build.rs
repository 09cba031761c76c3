//! `hexgate policy build`

use std::path::{Path, PathBuf};

use anyhow::Context;
use hexgate_bundle::{PrivateKey, Timestamp};
use hexgate_compiler::Release;

use super::refusal;
use crate::{
    exit::Exit,
    output::{self, Style, Tone},
};

/// Compile a policy into a bundle, signed if a key is given
///
/// The bundle appears whole or not at all; an older one in the same folder is replaced.
/// Exit codes: 0 written, 1 the policy is refused, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate policy build policy.yaml --out dist/policy
  hexgate policy build policy.yaml --out dist/policy --sign-key release.private --agent support-bot --sequence 7
  hexgate policy build roles/ --out dist/policy --sign-key release.private --project shop --expires-at 2027-01-01T00:00:00Z")]
pub(crate) struct Args {
    /// The policy: a YAML file, or a directory with a role in each `*.yaml` file
    policy: PathBuf,

    /// The bundle's folder: new, empty, or an older bundle
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,

    /// Sign with this private key
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,

    /// Bind the bundle to this agent: others refuse it
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,

    /// Bind the bundle to this project: others refuse it
    #[arg(long, value_name = "NAME")]
    project: Option<String>,

    /// The number of this release; hosts refuse a lower one than they have seen
    #[arg(long, value_name = "N", default_value_t = 0)]
    sequence: u64,

    /// The first second of validity, such as `2026-03-01T12:00:00Z`
    #[arg(long, value_name = "TIME")]
    not_before: Option<Timestamp>,

    /// The first second after validity: from then on the policy denies everything
    #[arg(long, value_name = "TIME")]
    expires_at: Option<Timestamp>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    // What is wrong on the command line is said before the work, not after it.
    let key = args.sign_key.as_deref().map(load_key).transpose()?;
    let Some(compiled) = refusal::accepted(&args.policy)? else {
        return Ok(Exit::Failed);
    };
    let release = Release {
        agent: args.agent.clone(),
        project: args.project.clone(),
        sequence: args.sequence,
        not_before: args.not_before,
        expires_at: args.expires_at,
    };
    let draft = compiled
        .draft(&release)
        .context("the bundle takes its name from the policy")?;
    let sealed = draft.seal(key.as_ref())?;
    sealed.write(&args.out)?;

    let mark = Style::stdout().paint(Tone::Good, "✓");
    let mut text = String::new();
    for (name, _) in sealed.files() {
        let signature = if name.ends_with(".sig") {
            " (signed)"
        } else {
            ""
        };
        let path = args.out.join(name).display().to_string();
        text.push_str(&format!(
            "{mark} Wrote {}{signature}\n",
            output::harmless(&path)
        ));
    }
    output::print(&text)?;
    match &key {
        Some(key) => output::note(&format!("signed with key `{}`", key.public_key().id())),
        None => output::note(
            "the bundle is not signed; hosts accept it only by a name that says danger: pass `--sign-key FILE`",
        ),
    }
    if args.agent.is_none() && args.project.is_none() {
        output::note(
            "the bundle is bound to no agent and no project, so hosts refuse it unless told otherwise: pass `--agent` or `--project`",
        );
    }
    Ok(Exit::Done)
}

fn load_key(path: &Path) -> anyhow::Result<PrivateKey> {
    let loaded = PrivateKey::from_file(path)?;
    if let Some(warning) = loaded.warning {
        output::warn(&warning.to_string());
    }
    Ok(loaded.key)
}
