//! Compiles a policy's source, and reports the compiler's diagnostics.

use std::{io::Write, path::Path};

use clap::ValueEnum;
use hexgate_compiler::{
    Artifact, Compiler, Engine, Options, Outcome, RegoOptions,
    diagnostic::{
        Severity,
        render::{Format, render, summary, worst},
    },
};

use crate::output::{self, Style};

/// How diagnostics are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// With the lines of the source, on stderr
    Human,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

impl FormatName {
    fn format(self) -> Format {
        match self {
            Self::Human => Format::Human,
            Self::Json => Format::Json,
            Self::Sarif => Format::Sarif,
            Self::Github => Format::Github,
        }
    }
}

/// The compiler, as set up by the options of a command.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Making {
    /// What evaluates the policy inside the component [default: native; rego for a policy in Rego]
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub(crate) engine: Option<Engine>,

    #[command(flatten)]
    pub(crate) rego: RegoOptions,
}

/// Makes a component of the policy at `path`.
pub(crate) fn make(
    path: &Path,
    making: &Making,
    options: Options,
) -> anyhow::Result<Outcome<Artifact>> {
    Ok(Compiler::new(options).make(path, making.engine, &making.rego)?)
}

/// Makes a component of the policy at `path`. None if it is refused; that was reported.
pub(crate) fn made(path: &Path, making: &Making) -> anyhow::Result<Option<Artifact>> {
    let outcome = make(path, making, Options::default())?;
    if outcome.policy.is_none() {
        report(path, &outcome, FormatName::Human, Accepted::Untold)?;
    }
    Ok(outcome.policy)
}

/// Whether people are told that a policy with warnings is accepted. Where more is said about it that is not needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    Told,
    Untold,
}

/// Prints the diagnostics: for people on stderr, for programs on stdout.
pub(crate) fn report<P>(
    path: &Path,
    outcome: &Outcome<P>,
    format: FormatName,
    accepted: Accepted,
) -> anyhow::Result<()> {
    let style = Style::stderr();
    let colour = format == FormatName::Human && style.has_colour();
    let mut text = render(
        &outcome.diagnostics,
        &outcome.sources,
        format.format(),
        colour,
    );
    if format != FormatName::Human {
        return output::print(&text);
    }
    let summary = summary(&outcome.diagnostics);
    let path = path.display().to_string();
    let path = output::harmless(&path);
    if outcome.policy.is_none() {
        text.push_str(&format!("`{path}` is refused: {summary}\n"));
    } else if accepted == Accepted::Told && !summary.is_empty() {
        text.push_str(&format!("`{path}` is accepted: {summary}\n"));
    }
    if let Some(first) = worst(&outcome.diagnostics).filter(|_| !summary.is_empty()) {
        text.push_str(&format!(
            "for more about a code run `hexgate-compile --explain {}`\n",
            first.code
        ));
    }
    // If stderr is closed, there is no place to report that.
    let _ = std::io::stderr().write_all(text.as_bytes());
    Ok(())
}

/// How many warnings there are.
pub(crate) fn warnings<P>(outcome: &Outcome<P>) -> usize {
    outcome
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Warning)
        .count()
}
