//! Suites: lists of calls with the verdicts that are expected.

mod json;
mod read;
mod yaml;

use hexgate_host::Effect;
use serde::Serialize;

pub(super) use read::read;

use super::{
    coverage,
    decide::{Answer, Call, Failure},
};
use crate::output::{Style, Tone, harmless, shortened};

/// One call and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    name: Option<String>,
    /// File and line.
    place: String,
    roles: Vec<String>,
    tool: String,
    /// JSON text, its numbers as written in the suite.
    args: String,
    facts: Option<String>,
    expect: Effect,
    violations: Option<Vec<String>>,
}

/// The result of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    outcome: Effect,
    reason: String,
    violations: Vec<String>,
    /// The difference from what was expected; None if the case passed.
    difference: Option<String>,
}

impl Case {
    /// The call.
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            roles: &self.roles,
            tool: &self.tool,
            arguments: &self.args,
            facts: self.facts.as_deref(),
        }
    }

    /// Compares the verdict with the expected one. A call without a verdict is a denial, as for an agent's host.
    ///
    /// # Errors
    /// If the machine failed: that says nothing about the policy.
    pub(super) fn judge(&self, answer: Result<Answer, Failure>) -> anyhow::Result<Judged> {
        let (outcome, reason, violations) = match answer {
            Ok(answer) => (answer.outcome, answer.reason, answer.violations),
            Err(Failure::Host(what)) => {
                anyhow::bail!("no verdict for the case at {}: {what}", self.place)
            }
            Err(failure) => (Effect::Deny, failure.to_string(), Vec::new()),
        };
        let difference = if outcome != self.expect {
            let because = if reason.is_empty() {
                String::new()
            } else {
                format!(": {reason}")
            };
            Some(format!(
                "expected {}, came {}{because}",
                self.expect.as_str(),
                outcome.as_str()
            ))
        } else {
            let expected = self
                .violations
                .as_ref()
                .filter(|expected| **expected != violations);
            expected.map(|expected| {
                format!(
                    "expected {}, came {}",
                    listed(expected),
                    listed(&violations)
                )
            })
        };
        Ok(Judged {
            outcome,
            reason,
            violations,
            difference,
        })
    }

    fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{} ({})", shortened(name, 200), harmless(&self.place)),
            None => harmless(&self.place).into_owned(),
        }
    }
}

impl Judged {
    /// Whether the verdict is the expected one.
    pub(super) fn passed(&self) -> bool {
        self.difference.is_none()
    }
}

/// A line for each case that failed.
pub(super) fn human(cases: &[Case], results: &[Judged]) -> String {
    let mark = Style::stdout().paint(Tone::Bad, "✗");
    let failed = cases
        .iter()
        .zip(results)
        .filter_map(|(case, result)| Some((case, result.difference.as_ref()?)));
    failed
        .map(|(case, difference)| format!("{mark} {}: {}\n", case.label(), harmless(difference)))
        .collect()
}

/// The results for programs.
pub(super) fn json<'a>(
    cases: &'a [Case],
    results: &'a [Judged],
    coverage: Option<&'a coverage::Report<'a>>,
) -> Report<'a> {
    let failed = results.iter().filter(|result| !result.passed()).count();
    let line = |(case, result): (&'a Case, &'a Judged)| Line {
        name: case.name.as_deref(),
        place: &case.place,
        passed: result.passed(),
        expect: case.expect.as_str(),
        outcome: result.outcome.as_str(),
        reason: &result.reason,
        violations: &result.violations,
        difference: result.difference.as_deref(),
    };
    Report {
        passed: cases.len() - failed,
        failed,
        cases: cases.iter().zip(results).map(line).collect(),
        coverage,
    }
}

/// The results of a suite.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    passed: usize,
    failed: usize,
    cases: Vec<Line<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<&'a coverage::Report<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    name: Option<&'a str>,
    place: &'a str,
    passed: bool,
    expect: &'static str,
    outcome: &'static str,
    reason: &'a str,
    violations: &'a [String],
    difference: Option<&'a str>,
}

fn listed(violations: &[String]) -> String {
    if violations.is_empty() {
        "no violations".to_owned()
    } else {
        format!("the violations `{}`", violations.join("`, `"))
    }
}
