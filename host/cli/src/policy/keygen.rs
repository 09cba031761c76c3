//! `hexgate policy keygen`

use std::path::PathBuf;

use hexgate_bundle::GenerateError;

use crate::{
    exit::{Exit, Refused},
    output::{self, Style, Tone, harmless, shell_word},
};

/// Make a pair of keys: PREFIX.private signs bundles, PREFIX.public verifies them
///
/// The private key is readable by its owner only, and so is the folder, if it is missing and made here. Keys that exist are left alone
/// without `--force`.
/// Exit codes: 0 made, 1 a key exists, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate policy keygen --out keys/release
  hexgate policy build policy.yaml --out dist/policy --sign-key keys/release.private")]
pub(crate) struct Args {
    /// The path of both files, without `.private` and `.public`
    #[arg(short, long, value_name = "PREFIX")]
    out: PathBuf,

    /// Replace keys that exist: what the old key signed is refused from then on
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    if let Some(ending) = args
        .out
        .extension()
        .filter(|ending| *ending == "private" || *ending == "public")
    {
        anyhow::bail!(
            "`{}` ends in `.{}`, which is added to the prefix; pass `{}`",
            args.out.display(),
            ending.display(),
            args.out.with_extension("").display()
        );
    }
    let pair = hexgate_bundle::generate(&args.out, args.force).map_err(|error| match error {
        GenerateError::Exists { .. } => Refused::error(format!("{error} (`--force`)")),
        error => error.into(),
    })?;
    let (private, public) = (
        pair.private.display().to_string(),
        pair.public.display().to_string(),
    );
    let mark = Style::stdout().paint(Tone::Good, "✓");
    output::print(&format!(
        "{mark} Wrote {} (keep it secret)\n\
         {mark} Wrote {} (key id {})\n  \
         sign:   hexgate policy build POLICY --out DIR --sign-key {}\n  \
         verify: hexgate policy verify DIR --pubkey {}\n",
        harmless(&private),
        harmless(&public),
        pair.id,
        shell_word(&private),
        shell_word(&public),
    ))?;
    Ok(Exit::Done)
}
