//! `hexgate approvals list`

use serde::Serialize;

use super::{
    source::Source,
    view::{View, cut, time},
};
use crate::{
    exit::Exit,
    output::{self, count, shortened},
};

/// List requests for approval, the oldest first
///
/// Exit codes: 0 listed, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate approvals list --db approvals.db
  hexgate approvals list --db approvals.db \\
    --approvers approvers.json --all --json")]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,

    /// Also list requests that are used or have expired
    #[arg(long)]
    all: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing {
    requests: Vec<View>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut requests = args.source.open()?.all()?;
    let all = requests.len();
    requests.retain(|view| args.all || view.state.is_open());
    if args.json {
        output::print_json(&Listing { requests })?;
        return Ok(Exit::Done);
    }
    if requests.is_empty() {
        output::print(&match all {
            0 => "no requests\n".to_owned(),
            all => format!(
                "no open requests; {} used or expired (`--all`)\n",
                count(all, "request")
            ),
        })?;
        return Ok(Exit::Done);
    }
    let pending = requests
        .iter()
        .filter(|view| view.missing().is_some())
        .count();
    let mut text = table(&requests);
    if pending > 0 {
        text.push_str(&format!(
            "{} to be answered; show one with `hexgate approvals show ID`\n",
            count(pending, "request")
        ));
    }
    output::print(&text)?;
    Ok(Exit::Done)
}

fn table(requests: &[View]) -> String {
    let mut rows =
        vec![["ID", "EXPIRES", "LEFT", "NEEDS", "AGENT", "CALLER", "TOOL"].map(str::to_owned)];
    for view in requests {
        let short = |text: &str| cut(text, 32);
        rows.push(match &view.asked {
            Some(asked) => [
                view.short().to_owned(),
                asked.expires_at.to_string(),
                view.seconds_left.map_or_else(|| "-".to_owned(), time),
                shortened(&asked.needs(), 40),
                short(&asked.call.agent),
                short(&asked.call.caller.user),
                short(&asked.call.tool),
            ],
            None => [view.short(), "?", "?", "?", "?", "?", "?"].map(str::to_owned),
        });
    }
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let width = requests.iter().map(|view| view.state().len()).max();
    let width = width.unwrap_or_default().max(12);
    let states = std::iter::once(format!("{:<width$}", "STATE"))
        .chain(requests.iter().map(|view| view.painted(width)));
    let mut text = String::new();
    for (row, state) in rows.iter().zip(states) {
        let mut line = String::new();
        for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
            line.push_str(&format!("{cell:<width$}  "));
            if index == 0 {
                line.push_str(&format!("{state}  "));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
