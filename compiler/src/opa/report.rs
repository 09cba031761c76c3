//! OPA's complaints as diagnostics of ours: in the user's file, at the line and column, with our codes.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{
    Program,
    build::{DATA, POLICY},
    run::Ran,
};
use crate::{
    diagnostic::{Diagnostic, in_one_line, quoted},
    source::{FileId, Sources, Span},
};

/// What the complaints are about.
pub(super) struct Context<'a> {
    pub(super) program: &'a Program<'a>,
    pub(super) sources: &'a Sources,
    /// The builtins that need a host.
    pub(super) refused: &'a BTreeSet<String>,
}

/// What OPA prints with `--format=json` when it refuses something.
#[derive(Deserialize)]
struct Report {
    errors: Vec<Complaint>,
}

#[derive(Deserialize)]
struct Complaint {
    message: String,
    code: String,
    #[serde(default)]
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    file: String,
    #[serde(default)]
    row: usize,
    #[serde(default)]
    col: usize,
}

/// The diagnostics in what OPA printed as JSON. None if it refuses nothing.
pub(super) fn of_json(ran: &Ran, context: &Context<'_>) -> Option<Vec<Diagnostic>> {
    if ran.status.success() {
        return None;
    }
    let report: Report = serde_json::from_slice(ran.said()).ok()?;
    let found: Vec<Diagnostic> = report
        .errors
        .into_iter()
        .map(|complaint| {
            let span = match &complaint.location {
                Some(at) => context.span(&at.file, at.row, at.col),
                None => Span::whole(context.program.policy),
            };
            context.diagnostic(&complaint.code, &complaint.message, span)
        })
        .collect();
    (!found.is_empty()).then_some(found)
}

/// The diagnostic in what `opa build` said. None if it is not of the form in which OPA complains.
pub(super) fn of_build(ran: &Ran, context: &Context<'_>) -> Option<Vec<Diagnostic>> {
    let said = std::str::from_utf8(ran.said()).ok()?;
    let said = said.strip_prefix("error: ")?.trim_end();
    let policy = Span::whole(context.program.policy);
    if said.starts_with("entrypoint ") {
        return Some(vec![
            Diagnostic::new(
                "rego-entrypoint",
                format!(
                    "there is no rule {}, which is to be asked",
                    quoted(context.program.entrypoint.as_str())
                ),
                policy,
                "",
            )
            .with_help("name the package and the rule with `--entrypoint`, as in `--entrypoint a/b` for the rule `b` of `package a`"),
        ]);
    }
    let first = said.lines().next().unwrap_or_default();
    if let (Some(at), Some(data)) = (first.find(DATA), context.program.data) {
        let reason = first.get(at + DATA.len()..).unwrap_or_default();
        return Some(vec![Diagnostic::new(
            "rego-data",
            format!(
                "opa: {}",
                in_one_line(reason.trim_start_matches([':', ' ']))
            ),
            Span::whole(data),
            "",
        )]);
    }
    // `policy.rego:3: rego_compile_error: the reason`, sometimes after a heading or on lines of their own.
    let located: Vec<Diagnostic> = said
        .lines()
        .filter_map(|line| {
            let line = line.get(line.find(POLICY)? + POLICY.len() + 1..)?;
            let (row, rest) = line.split_once(": ")?;
            let row = row.split(':').next()?.parse().ok()?;
            let (code, message) = rest.split_once(": ").unwrap_or(("", rest));
            Some(context.diagnostic(code, message, context.span(POLICY, row, 0)))
        })
        .collect();
    if !located.is_empty() {
        return Some(located);
    }
    Some(vec![context.diagnostic("", said, policy)])
}

impl Context<'_> {
    /// A place in the policy.
    pub(super) fn at(&self, row: usize, column: usize) -> Span {
        self.span(POLICY, row, column)
    }

    fn span(&self, file: &str, row: usize, column: usize) -> Span {
        let file: FileId = match (file, self.program.data) {
            (DATA, Some(data)) => data,
            _ => self.program.policy,
        };
        self.sources.word(file, row, column)
    }

    fn diagnostic(&self, code: &str, message: &str, span: Span) -> Diagnostic {
        if let Some(name) = message.strip_prefix("undefined function ")
            && self.refused.contains(name)
        {
            return Diagnostic::new(
                "rego-builtin",
                format!("the builtin {} is not available in a component", quoted(name)),
                span,
                "needs a host",
            )
            .with_help("a policy component calls nothing outside of itself: pass what the rule needs in the facts of the request or as data, or write it with other builtins");
        }
        let code = match code {
            "rego_parse_error" => "rego-syntax",
            _ => "rego-compile",
        };
        Diagnostic::new(code, format!("opa: {}", in_one_line(message)), span, "")
    }
}
