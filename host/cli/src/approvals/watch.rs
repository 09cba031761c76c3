//! `hexgate approvals watch`

use std::{collections::HashMap, thread, time::Duration};

use anyhow::Context;

use super::{source::Source, view::View};
use crate::{
    exit::Exit,
    output::{self, Reader, harmless},
};

/// Print requests as they come, and their answers, until interrupted
///
/// Begins with what is open. Exit codes: 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate approvals watch --db approvals.db --approvers approvers.json
  hexgate approvals watch --db approvals.db --json")]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,

    /// How often to look, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let requests = args.source.open()?;
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut first = true;
    loop {
        let all = requests.all()?;
        for view in &all {
            // On the first look, skip requests that are over.
            let news =
                seen.get(&view.id) != Some(&view.state()) && (!first || view.state.is_open());
            if news && output::tell(&line(view, args.json)?)? == Reader::Gone {
                return Ok(Exit::Done);
            }
        }
        seen = all
            .into_iter()
            .map(|view| (view.id.clone(), view.state()))
            .collect();
        first = false;
        thread::sleep(Duration::from_secs(args.interval));
    }
}

fn line(view: &View, json: bool) -> anyhow::Result<String> {
    if json {
        let text = serde_json::to_string(view).context("a request cannot be written as JSON")?;
        return Ok(format!("{}\n", output::harmless_json(&text)));
    }
    let mut line = format!("{}  {}", view.short(), view.painted(12));
    if let Some(asked) = &view.asked {
        line.push_str(&format!("  {}", asked.line()));
    }
    if let Some(problem) = &view.problem {
        line.push_str(&format!(" ({})", harmless(problem)));
    }
    line.push('\n');
    Ok(line)
}
