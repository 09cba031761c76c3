//! `hexgate mcp pin`

use std::{
    io::{self, BufRead, IsTerminal},
    path::PathBuf,
};

use anyhow::Context;
use hexgate_mcp::pins::{Difference, Kind, Pins};

use super::asked::Asked;
use crate::{
    exit::Exit,
    output::{self, Style, Tone, count, harmless, name},
};

/// Show how the tools of a server differ from what was accepted, and accept them
///
/// Everything that the server says of a tool counts. What is not seen is shown as an escape.
/// Exit codes: 0 nothing differs or it was accepted, 1 it differs, 2 misuse, environment, or a server that does not answer.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate mcp pin --name files --pins policy.pins.json -- npx -y @modelcontextprotocol/server-filesystem .
  hexgate mcp pin --name files --pins policy.pins.json --check -- npx -y @modelcontextprotocol/server-filesystem .
  hexgate mcp pin --config gateway.yaml --name tickets")]
pub(crate) struct Args {
    #[command(flatten)]
    asked: Asked,

    /// The file of pins [default: what the configuration names, else `policy.pins.json`]
    #[arg(long, value_name = "FILE")]
    pins: Option<PathBuf>,

    /// Accept what differs without asking
    #[arg(long, conflicts_with = "check")]
    yes: bool,

    /// Accept nothing, and ask nothing
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let found = args.asked.find()?;
    let pins = args.pins.clone().or_else(|| found.pins());
    let pins = Pins::open(pins.unwrap_or_else(|| PathBuf::from("policy.pins.json")))?;
    let tools = args.asked.tools(&found)?;
    let server = args.asked.name();
    let differences = pins.differences(server, &tools)?;
    let is_known = pins.knows(server)?;
    let style = Style::stdout();
    if differences.is_empty() && is_known {
        let mark = style.paint(Tone::Good, "✓");
        output::print(&format!(
            "{mark} {} of {} as accepted\n",
            count(tools.len(), "tool"),
            name(server)
        ))?;
        return Ok(Exit::Done);
    }
    output::print(&shown(&differences, style))?;
    if args.check || !(args.yes || agreed()?) {
        let mark = style.paint(Tone::Bad, "✗");
        output::print(&format!(
            "{mark} {} not as accepted; nothing was accepted\n",
            count(differences.len(), "tool")
        ))?;
        return Ok(Exit::Failed);
    }
    // What was shown is what is accepted: the server is not asked again.
    pins.accept(server, &tools)?;
    let mark = style.paint(Tone::Good, "✓");
    output::print(&format!(
        "{mark} Accepted {} of {} in {}\n",
        count(tools.len(), "tool"),
        name(server),
        harmless(&pins.path().display().to_string()),
    ))?;
    Ok(Exit::Done)
}

fn shown(differences: &[Difference], style: Style) -> String {
    let mut text = String::new();
    for difference in differences {
        let (tone, word) = match difference.kind {
            Kind::New => (Tone::Warn, "new"),
            Kind::Changed => (Tone::Bad, "changed"),
            Kind::Gone => (Tone::Dim, "gone"),
        };
        text.push_str(&format!(
            "{} {}\n",
            style.paint(tone, word),
            name(&difference.name)
        ));
        // The texts are visible already; the colour is of the line's own mark.
        for line in difference.text.lines() {
            let line = harmless(line);
            let line = match line.chars().next() {
                Some('+') => style.paint(Tone::Good, &line),
                Some('-') => style.paint(Tone::Bad, &line),
                _ => line.into_owned(),
            };
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

/// Asks whoever sits at the terminal. Nobody does: no.
fn agreed() -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        output::note("nobody can be asked here; `--yes` accepts");
        return Ok(false);
    }
    output::print("Accept? [y/N] ")?;
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .context("the answer cannot be read")?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
