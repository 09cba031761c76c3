//! `hexgate mcp init`

use std::path::{Path, PathBuf};

use anyhow::Context;
use hexgate_base::disk::Folder;
use hexgate_mcp::{
    inspect::schema_of,
    names,
    pins::Pins,
    starter::{Mode, Starter, starter},
};

use super::asked::Asked;
use crate::{
    exit::{Exit, Refused},
    output::{self, Style, Tone, count, harmless, name},
};

/// Write a starter policy for the tools of a server, and accept these tools
///
/// Starts the server, asks for its tools, and writes a policy that types their arguments: what reads is allowed, the rest asks, what
/// destroys is denied. The tools are pinned beside it, as they are now. Read the policy, and narrow it.
/// Exit codes: 0 written, 1 a file exists, 2 misuse, environment, or a server that does not answer.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate mcp init --name files --out policy.yaml -- npx -y @modelcontextprotocol/server-filesystem .
  hexgate mcp wrap --name files --policy policy.yaml -- npx -y @modelcontextprotocol/server-filesystem .")]
pub(crate) struct Args {
    #[command(flatten)]
    asked: Asked,

    /// Where the policy is written; `-` is the standard output, and then nothing is pinned
    #[arg(short, long, value_name = "FILE", default_value = "policy.yaml")]
    out: PathBuf,

    /// Where the tools are pinned [default: what the configuration names, else beside the policy, `policy.pins.json`]
    #[arg(long, value_name = "FILE")]
    pins: Option<PathBuf>,

    /// Replace a policy that exists
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let found = args.asked.find()?;
    let tools = args.asked.tools(&found)?;
    let schemas: Vec<_> = tools.iter().map(schema_of).collect();
    let server = args.asked.name();
    let written = starter(&names::tool(server, ""), &schemas)?;
    if args.out == Path::new("-") {
        output::print(&written.policy)?;
        return Ok(Exit::Done);
    }
    let pins = args.pins.clone().or_else(|| found.pins());
    let pins = pins.unwrap_or_else(|| Pins::beside(&args.out));
    // Before the policy: where the pins cannot be written, nothing is.
    let pins = Pins::open(pins)?;
    write(&args.out, &written.policy, args.force)?;
    pins.accept(server, &tools)?;
    report(args, &written, &pins)
}

fn write(path: &Path, policy: &str, force: bool) -> anyhow::Result<()> {
    let cannot = || format!("cannot write `{}`", path.display());
    let (folder, file) = Folder::of(path).with_context(cannot)?;
    if !force && folder.stat(file).is_ok() {
        return Err(Refused::error(format!(
            "`{}` exists; `--force` replaces it",
            path.display()
        )));
    }
    folder
        .replace(file, 0o644, policy.as_bytes())
        .with_context(cannot)
}

fn report(args: &Args, written: &Starter, pins: &Pins) -> anyhow::Result<Exit> {
    let style = Style::stdout();
    let mark = style.paint(Tone::Good, "✓");
    let mut text = format!(
        "{mark} Wrote {}: {}\n{mark} Pinned them in {}\n",
        harmless(&args.out.display().to_string()),
        count(written.tools.len(), "tool"),
        harmless(&pins.path().display().to_string()),
    );
    for tool in &written.tools {
        let (tone, word) = match tool.mode {
            Mode::Allow => (Tone::Good, "allowed"),
            Mode::Ask => (Tone::Warn, "asks"),
            Mode::Deny | Mode::Unnamed => (Tone::Bad, "denied"),
        };
        text.push_str(&format!(
            "  {:9} {}",
            style.paint(tone, word),
            name(&tool.name)
        ));
        if !tool.left.is_empty() {
            let left = format!(
                "  {} of its schema left to the server",
                count(tool.left.len(), "part")
            );
            text.push_str(&style.paint(Tone::Dim, &left));
        }
        text.push('\n');
    }
    text.push_str(&format!(
        "  next: {}\n",
        args.asked.next(&args.out.display().to_string())
    ));
    output::print(&text)?;
    Ok(Exit::Done)
}
