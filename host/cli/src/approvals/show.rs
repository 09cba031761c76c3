//! `hexgate approvals show`

use super::{
    source::Source,
    view::{State, View},
};
use crate::{exit::Exit, output};

/// Show a request in full: what will run, for whom, under which policy, who has answered, and who still has to
///
/// Exit codes: 0 shown, 1 there is no such request or it was changed, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate approvals show 9f86d081884c7d65 --db approvals.db
  hexgate approvals show 9f86d081884c7d65 --db approvals.db \\
    --approvers approvers.json --json")]
pub(crate) struct Args {
    /// The request's name, or as many of its first digits as tell it apart
    id: String,

    #[command(flatten)]
    source: Source,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let view = args.source.open()?.one(&args.id)?;
    if args.json {
        output::print_json(&view)?;
    } else {
        output::print(&format!("{}{}", view.human(), hint(&view)))?;
    }
    Ok(if view.state == State::Altered {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// How to answer. With the whole name: it is the digest of what was shown, so the answer holds for nothing else.
fn hint(view: &View) -> String {
    if view.missing().is_none() {
        return String::new();
    }
    let reason = view
        .asked
        .as_ref()
        .filter(|asked| asked.conditions.reason_required)
        .map(|_| " --reason TEXT");
    format!(
        "to answer exactly this, name it in full:\n  \
         hexgate approvals approve {id} --db FILE --approvers FILE --key FILE{reason}\n  \
         hexgate approvals deny {id} --db FILE --approvers FILE --key FILE --reason TEXT\n",
        id = view.id,
        reason = reason.unwrap_or_default()
    )
}
