//! `hexgate approvals approve` and `deny`

use std::path::PathBuf;

use anyhow::Context;
use hexgate_approvals::{AnswerError, Approvers, Decision, RequestId, RequestStore};

use super::{
    source::{now, unusable},
    view::View,
};
use crate::{
    exit::{Exit, Refused},
    key,
    output::{self, Style, Tone, name},
};

/// Allow a call to run once, with a signature
///
/// Where several approvers have to, it runs when all of them have.
/// The request's name is the digest of everything that `show` prints: the answer holds for nothing else.
/// Exit codes: 0 answered, 1 the answer would not count, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate approvals approve ID --db approvals.db \\
    --approvers approvers.json --key carol.private
  hexgate approvals approve ID --db approvals.db \\
    --approvers approvers.json --key carol.private --reason 'ticket 4711'")]
pub(crate) struct Approve {
    #[command(flatten)]
    common: Common,

    /// Why; it is signed and kept. Some requests need one
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// Keep a call from running until its request expires, with a signature
///
/// Exit codes: 0 answered, 1 the answer would not count, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate approvals deny ID --db approvals.db \\
    --approvers approvers.json --key carol.private --reason 'not without a ticket'")]
pub(crate) struct Deny {
    #[command(flatten)]
    common: Common,

    /// Why; it is signed, kept and shown to the caller
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// The request's whole name, 64 digits, as `hexgate approvals show` prints it
    id: String,

    /// The database in which the agent's host keeps its requests
    #[arg(long, value_name = "FILE")]
    db: PathBuf,

    /// The file that lists the approvers, the same that the host uses
    #[arg(long, value_name = "FILE")]
    approvers: PathBuf,

    /// Your private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// Print the request with its answer as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn approve(args: &Approve) -> anyhow::Result<Exit> {
    answer(&args.common, Decision::Approve, &args.reason)
}

pub(super) fn deny(args: &Deny) -> anyhow::Result<Exit> {
    answer(&args.common, Decision::Deny, &args.reason)
}

fn answer(args: &Common, decision: Decision, reason: &str) -> anyhow::Result<Exit> {
    let id: RequestId = args
        .id
        .parse()
        .with_context(|| format!("`{}` is not the name of a request", args.id))?;
    let approvers = Approvers::from_file(&args.approvers)?;
    let store = RequestStore::open(&args.db)?;
    let key = key::load(&args.key)?;
    let now = now()?;
    let answered = store
        .answer(&id, &approvers, &key, decision, reason, now)
        .map_err(|error| match error {
            AnswerError::RequestStore(error) => {
                anyhow::Error::new(error).context(unusable(store.path()))
            }
            error => Refused::error(error),
        })?;
    if answered.replaced {
        output::warn(
            "a stored answer that no approver had signed was replaced; find out who can write the database",
        );
    }
    let entry = store
        .entry(&id)
        .with_context(|| unusable(store.path()))?
        .context("the request was deleted from the database right after it was answered")?;
    let view = View::new(entry, Some(&approvers), now);
    if args.json {
        output::print_json(&view)?;
        return Ok(Exit::Done);
    }
    let (mark, word) = match decision {
        Decision::Approve => (Style::stdout().paint(Tone::Good, "✓"), "Approved"),
        Decision::Deny => (Style::stdout().paint(Tone::Bad, "✗"), "Denied"),
    };
    let what = view.asked.as_ref().map(|asked| asked.line());
    let needed = answered.request.conditions.approvers;
    let of = match decision {
        Decision::Approve if needed > 1 => format!(" ({} of {needed})", answered.given),
        Decision::Approve | Decision::Deny => String::new(),
    };
    output::print(&format!(
        "{mark} {word} as {}{of}: {}\n",
        name(&answered.approver),
        what.unwrap_or_default()
    ))?;
    Ok(Exit::Done)
}
