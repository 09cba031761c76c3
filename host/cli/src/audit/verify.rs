//! `hexgate audit verify`

use std::path::{Path, PathBuf};

use hexgate_audit::{Anchors, Head, Verification, verify};
use hexgate_bundle::TrustedKeys;
use serde_json::json;

use crate::{
    exit::{Exit, Refused},
    output::{self, Style, Tone, count, harmless},
};

/// Verify that no record of a log was changed, removed or moved
///
/// Without an anchor from outside, a tail that was cut off between two records is not found: name the last record that you noted
/// (`--head`). Exit codes: 0 intact, 1 not, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate audit verify audit
  hexgate audit verify audit --pubkey keys/audit.public --head \"$(cat last-head)\"
  hexgate audit verify audit/segment-000003.jsonl --from 81234:9f86d0...")]
pub(crate) struct Args {
    /// The folder of the log, or one file of it
    log: PathBuf,

    #[command(flatten)]
    anchors: AnchorArgs,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What is known from outside the log.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AnchorArgs {
    /// A public key whose checkpoints are trusted; repeat it while keys rotate
    #[arg(long, value_name = "FILE")]
    pubkey: Vec<PathBuf>,

    /// A record that the log must have, as `hexgate audit head` printed it; can be repeated
    #[arg(long, value_name = "N:HASH")]
    head: Vec<Head>,

    /// The record before the first remaining one, if earlier files were archived
    #[arg(long, value_name = "N:HASH")]
    from: Option<Head>,
}

impl AnchorArgs {
    pub(super) fn read(&self) -> anyhow::Result<Anchors> {
        Ok(Anchors {
            keys: TrustedKeys::from_files(&self.pubkey)?,
            heads: self.head.clone(),
            from: self.from,
        })
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let anchors = args.anchors.read()?;
    let verified = verify(&args.log, &anchors)?;
    if args.json {
        output::print_json(&as_json(&verified))?;
        return Ok(if verified.is_intact() {
            Exit::Done
        } else {
            Exit::Failed
        });
    }
    if !verified.is_intact() {
        return Err(refused(&args.log, &verified));
    }
    let mark = Style::stdout().paint(Tone::Good, "✓");
    let path = args.log.display().to_string();
    let mut text = format!("{mark} {} is intact\n", harmless(&path));
    for (what, found) in facts(&verified, &anchors) {
        text.push_str(&format!("  {what:<12} {found}\n"));
    }
    output::print(&text)?;
    warn(&verified);
    Ok(Exit::Done)
}

/// The message for a log that was changed, with all findings.
pub(super) fn refused(path: &Path, verified: &Verification) -> anyhow::Error {
    let mut text = format!("`{}` is not intact", path.display());
    for finding in &verified.findings {
        text.push_str(&format!("\n  {finding}"));
    }
    if verified.more_findings > 0 {
        text.push_str(&format!("\n  and {} more", verified.more_findings));
    }
    Refused::error(text)
}

/// Warnings about the result.
pub(super) fn warn(verified: &Verification) {
    if verified.lost > 0 {
        output::warn(&format!(
            "{} passed without a record, because the log could not be written and the operator chose to count them",
            decisions(verified.lost)
        ));
    }
    if verified.lost_unsaid > 0 {
        output::warn(&format!(
            "{} passed without a record and are not in the log yet: its writer counts them beside it, and records them as soon as it can write",
            decisions(verified.lost_unsaid)
        ));
    }
    if verified.unanchored() > 0 {
        output::note(if verified.checkpoints > 0 && verified.signed.is_none() {
            "only an anchor shows that no tail was cut off: name the last record that you noted elsewhere (`--head`); only the key of its checkpoints shows who wrote the log (`--pubkey`)"
        } else {
            "only an anchor shows that no tail was cut off: name the last record that you noted elsewhere (`--head`)"
        });
    }
}

fn facts(verified: &Verification, anchors: &Anchors) -> Vec<(&'static str, String)> {
    let mut facts = vec![(
        "records",
        format!(
            "{}, {} of them decisions",
            verified.records, verified.decisions
        ),
    )];
    if let Some(head) = verified.head {
        facts.push(("head", head.to_string()));
    }
    facts.push((
        "checkpoints",
        match verified.signed {
            Some(signed) => match verified.unsigned() {
                0 => format!(
                    "{}, the last over record {}",
                    verified.checkpoints, signed.n
                ),
                more => format!(
                    "{}, the last over record {}; {more} after it are not signed",
                    verified.checkpoints, signed.n
                ),
            },
            None if verified.checkpoints == 0 => "none".to_owned(),
            None => format!("{}; not checked, pass `--pubkey`", verified.checkpoints),
        },
    ));
    facts.push((
        "anchor",
        match verified.anchored {
            Some(head) => match verified.unanchored() {
                0 => format!("record {}, as noted", head.n),
                more => format!(
                    "record {}, as noted; {more} after it are not anchored",
                    head.n
                ),
            },
            None if anchors.heads.is_empty() => {
                "none; the tail is not anchored, pass `--head`".to_owned()
            }
            None => "none".to_owned(),
        },
    ));
    if verified.torn > 0 {
        facts.push((
            "unfinished",
            format!(
                "{}, each named by the record after it",
                count(
                    usize::try_from(verified.torn).unwrap_or(usize::MAX),
                    "record"
                )
            ),
        ));
    }
    let lost = verified.lost.saturating_add(verified.lost_unsaid);
    if lost > 0 {
        facts.push((
            "lost",
            format!("{} passed without a record", decisions(lost)),
        ));
    }
    if verified.shadowed > 0 {
        facts.push((
            "candidate",
            format!(
                "asked about {}, {} of them with another outcome",
                decisions(verified.shadowed),
                verified.shadow_differs
            ),
        ));
    }
    if !verified.is_closed {
        facts.push((
            "writer",
            "did not end in good order, or still writes".to_owned(),
        ));
    }
    facts
}

fn decisions(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "decision")
}

fn as_json(verified: &Verification) -> serde_json::Value {
    json!({
        "intact": verified.is_intact(),
        "findings": verified.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "more_findings": verified.more_findings,
        "records": verified.records,
        "decisions": verified.decisions,
        "outcomes": verified.outcomes,
        "head": verified.head.map(|head| head.to_string()),
        "checkpoints": verified.checkpoints,
        "signed": verified.signed.map(|head| head.to_string()),
        "anchored": verified.anchored.map(|head| head.to_string()),
        "unanchored": verified.unanchored(),
        "unsigned": verified.unsigned(),
        "unfinished": verified.torn,
        "lost": verified.lost,
        "lost_unsaid": verified.lost_unsaid,
        "shadowed": verified.shadowed,
        "shadow_differs": verified.shadow_differs,
        "closed": verified.is_closed,
    })
}
