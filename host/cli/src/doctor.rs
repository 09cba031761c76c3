//! `hexgate doctor`

use std::fmt::Write as _;

use hexgate_sandbox::{
    Status, Wanted,
    probe::{self, Machine, Probe},
};
use serde::Serialize;

use crate::{
    exit::Exit,
    output::{self, Style, Tone},
};

/// Say what this machine can enforce on the commands of agents, backend by backend, and what is missing
///
/// Exit codes: 0 a sandbox enforces everything, 1 none does, 2 misuse or environment.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    kernel: &'a str,
    /// The version of landlock. 0: there is none.
    landlock: i32,
    container: Option<&'a str>,
    /// Why namespaces may not be had.
    namespaces: &'a [String],
    /// Where control groups of commands are made.
    control_groups: &'a [String],
    /// What control groups cannot bound.
    control_groups_missing: &'a [String],
    /// The strongest first. Commands run in the first that enforces everything.
    backends: Vec<Backend<'a>>,
    /// The backend that is used.
    used: Option<&'a str>,
}

#[derive(Serialize)]
struct Backend<'a> {
    name: &'a str,
    works: bool,
    /// Why it does not work.
    missing: &'a [String],
    enforces: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    what: &'static str,
    /// By what. Absent: it is not enforced.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'a str>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let (machine, probes) = (probe::machine(), probe::probe());
    let report = report(&machine, &probes);
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report, Style::stdout()))?;
    }
    Ok(match report.used {
        Some(_) => Exit::Done,
        None => Exit::Failed,
    })
}

fn report<'a>(machine: &'a Machine, probes: &'a [Probe]) -> Report<'a> {
    let wanted = Wanted::everything();
    let enforces_all = |probe: &&Probe| {
        let enforces = probe.enforces.as_ref();
        enforces.is_some_and(|enforces| enforces.lacking(&wanted).is_empty())
    };
    Report {
        kernel: &machine.kernel,
        landlock: machine.landlock,
        container: machine.container,
        namespaces: &machine.namespaces,
        control_groups: &machine.control_groups,
        control_groups_missing: &machine.control_groups_missing,
        backends: probes.iter().map(backend).collect(),
        used: probes.iter().find(enforces_all).map(|probe| probe.backend),
    }
}

fn backend(probe: &Probe) -> Backend<'_> {
    let lines = probe.enforces.iter().flat_map(|enforces| enforces.iter());
    Backend {
        name: probe.backend,
        works: probe.enforces.is_some(),
        missing: &probe.missing,
        enforces: lines
            .map(|(what, status)| {
                let (by, missing) = match status {
                    Status::Enforced(by) => (Some(*by), None),
                    Status::NotEnforced(reason) => (None, Some(reason.as_str())),
                    _ => (None, None),
                };
                Line {
                    what: what.name(),
                    by,
                    missing,
                }
            })
            .collect(),
    }
}

fn text(report: &Report<'_>, style: Style) -> String {
    let mut text = format!("kernel      {}\n", output::harmless(report.kernel));
    let landlock = match report.landlock {
        0 => "none".to_owned(),
        version => format!("version {version}"),
    };
    // INVARIANT for all `let _` here: writing to a text does not fail.
    let _ = writeln!(text, "landlock    {landlock}");
    if let Some(container) = report.container {
        let _ = writeln!(text, "container   {container}");
    }
    for reason in report.namespaces {
        let _ = writeln!(text, "namespaces  {}", output::harmless(reason));
    }
    for folder in report.control_groups {
        let _ = writeln!(text, "groups      {}", output::harmless(folder));
    }
    for reason in report.control_groups_missing {
        let _ = writeln!(text, "no group    {}", output::harmless(reason));
    }
    for backend in &report.backends {
        let state = match backend.works {
            true => style.paint(Tone::Good, "works"),
            false => style.paint(Tone::Bad, "does not work"),
        };
        let _ = writeln!(text, "\n{}: {state}", backend.name);
        for reason in backend.missing {
            let _ = writeln!(text, "  {}", output::harmless(reason));
        }
        for line in &backend.enforces {
            let (mark, how) = match (line.by, line.missing) {
                (Some(by), _) => (style.paint(Tone::Good, "✓"), by),
                (None, reason) => (
                    style.paint(Tone::Bad, "✗"),
                    reason.unwrap_or("not enforced"),
                ),
            };
            let _ = writeln!(text, "  {mark} {:<18} {}", line.what, output::harmless(how));
        }
    }
    let _ = match report.used {
        Some(name) => writeln!(
            text,
            "\ncommands of agents run in `{name}`, which enforces everything"
        ),
        None => writeln!(
            text,
            "\nno backend enforces everything, so commands of agents are refused; a program can ask for less by name (`Wanted`)"
        ),
    };
    text
}
