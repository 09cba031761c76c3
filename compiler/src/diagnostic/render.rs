//! Diagnostics as text: for people, for programs, for code scanning, for the annotations of a pull request.

mod github;
mod human;
mod json;
mod sarif;

use super::{Diagnostic, Severity};
use crate::place::{Sources, Span};

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With the lines of the source and carets.
    Human,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, which code scanning services read.
    Sarif,
    /// Workflow commands of GitHub Actions, which become annotations.
    Github,
}

impl Format {
    /// The formats by name.
    pub const ALL: &[(&str, Self)] = &[
        ("human", Self::Human),
        ("json", Self::Json),
        ("sarif", Self::Sarif),
        ("github", Self::Github),
    ];
}

/// Writes diagnostics; `colour` matters to [`Format::Human`] only.
pub fn render(
    diagnostics: &[Diagnostic],
    sources: &Sources,
    format: Format,
    colour: bool,
) -> String {
    match format {
        Format::Human => human::render(diagnostics, sources, colour),
        Format::Json => json::render(diagnostics, sources),
        Format::Sarif => sarif::render(diagnostics, sources),
        Format::Github => github::render(diagnostics, sources),
    }
}

/// How many errors and warnings there are, in words; empty if there are none.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |severity: Severity, word: &str| match diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == severity)
        .count()
    {
        0 => None,
        1 => Some(format!("1 {word}")),
        count => Some(format!("{count} {word}s")),
    };
    let parts: Vec<String> = [
        count(Severity::Error, "error"),
        count(Severity::Warning, "warning"),
    ]
    .into_iter()
    .flatten()
    .collect();
    parts.join(", ")
}

/// The first of the worst: what there is more to say about.
pub fn worst(diagnostics: &[Diagnostic]) -> Option<&Diagnostic> {
    diagnostics
        .iter()
        .min_by_key(|diagnostic| diagnostic.severity)
}

/// Lines and columns of a span, from 1; the end is behind the last character.
struct Region {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

/// Where a span stands; `None` for what is wrong with a whole file.
fn region(span: Span, sources: &Sources) -> Option<Region> {
    if span.start == span.end && span.start == 0 {
        return None;
    }
    let (line, column) = sources.position(span.file, span.start);
    let (end_line, end_column) = sources.position(span.file, span.end);
    Some(Region {
        line,
        column,
        end_line,
        end_column,
    })
}
