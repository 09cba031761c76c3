//! Failures that are known, each with its reason.

use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{
    Side,
    outcome::{Outcome, UNFINISHED},
    page::{Section, Table},
};
use crate::workspace;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    failures: Vec<Failure>,
}

/// A failure that does not fail the task, and must happen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    side: Side,
    revision: String,
    scenario: String,
    /// The check. Without it the whole scenario, which the suite does not finish.
    check: Option<String>,
    /// Where it happens. Without it: directly and through the gateway.
    only: Option<Way>,
    reason: String,
}

/// One of the two ways that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Way {
    Direct,
    Gateway,
}

impl Known {
    pub(super) fn read() -> Result<Self> {
        let path = workspace::root().join("tests/mcp-conformance/known.yaml");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        serde_saphyr::from_str(&text)
            .with_context(|| format!("`{}` is of another form", path.display()))
    }

    /// What is not as it should be: failures that are not known, differences, and known failures that did not happen.
    pub(super) fn judge(&self, side: Side, section: &Section) -> Vec<String> {
        let mut problems = Vec::new();
        for table in &section.tables {
            for (scenario, [direct, gateway]) in &table.rows {
                for (way, outcome) in [(Way::Direct, direct), (Way::Gateway, gateway)] {
                    self.failures_of(side, table, scenario, way, outcome, &mut problems);
                }
                let differ = direct.statuses() != gateway.statuses();
                let named = self.of(side, table).any(|it| {
                    it.scenario == *scenario && it.only.is_some() && !it.reason.is_empty()
                });
                if differ && !named {
                    problems.push(format!(
                        "{} {scenario}: directly {:?}, through the gateway {:?}",
                        table.title,
                        direct.statuses(),
                        gateway.statuses()
                    ));
                }
            }
        }
        problems
    }

    fn of<'a>(&'a self, side: Side, table: &'a Table) -> impl Iterator<Item = &'a Failure> {
        let all = self.failures.iter();
        all.filter(move |it| it.side == side && it.revision == table.revision)
    }

    fn failures_of(
        &self,
        side: Side,
        table: &Table,
        scenario: &str,
        way: Way,
        outcome: &Outcome,
        problems: &mut Vec<String>,
    ) {
        let known: Vec<_> = self
            .of(side, table)
            .filter(|it| it.scenario == scenario && it.only.is_none_or(|only| only == way))
            .collect();
        let check = |it: &Failure| it.check.clone().unwrap_or_else(|| UNFINISHED.to_owned());
        for (id, said) in outcome.failures() {
            if !known.iter().any(|it| check(it) == id) {
                problems.push(format!(
                    "{} {scenario}: `{id}` fails ({way:?}): {said}",
                    table.title
                ));
            }
        }
        for it in known {
            if !outcome.failures().any(|(id, _)| check(it) == id) {
                problems.push(format!(
                    "{} {scenario}: `{}` no longer fails ({way:?}): take it out of known.yaml",
                    table.title,
                    check(it)
                ));
            }
        }
    }
}
