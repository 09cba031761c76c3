//! Failures that are known, each with its reason.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{
    Side,
    outcome::{Outcome, Status, UNFINISHED},
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

    /// What is known of a side, a line each.
    pub(super) fn reasons(&self, side: Side) -> Vec<String> {
        let all = self.failures.iter().filter(|it| it.side == side);
        let line = |it: &Failure| {
            let check = it.check.as_deref().unwrap_or(UNFINISHED);
            let only = match it.only {
                None => "",
                Some(Way::Direct) => ", only directly",
                Some(Way::Gateway) => ", only through the gateway",
            };
            format!(
                "- {}, `{}`, `{check}`{only}: {}",
                it.revision, it.scenario, it.reason
            )
        };
        all.map(line).collect()
    }

    /// What is not as it should be: failures that are not known, differences, and known failures that did not happen.
    pub(super) fn judge(&self, side: Side, section: &Section) -> Vec<String> {
        let mut problems = Vec::new();
        for table in &section.tables {
            for (scenario, [direct, gateway]) in &table.rows {
                for (way, outcome) in [(Way::Direct, direct), (Way::Gateway, gateway)] {
                    self.failures_of(side, table, scenario, way, outcome, &mut problems);
                }
                let (direct, gateway) = (direct.statuses(), gateway.statuses());
                let checks: BTreeSet<_> = direct.keys().chain(gateway.keys()).collect();
                for check in checks {
                    let (direct, gateway) = (direct.get(check), gateway.get(check));
                    let named = self.of(side, table).any(|it| {
                        it.scenario == *scenario
                            && it.check.as_deref() == Some(check)
                            && it.only.is_some()
                    });
                    if direct != gateway && !named {
                        problems.push(format!(
                            "{} {scenario} `{check}`: directly {direct:?}, through the gateway {gateway:?}",
                            table.title
                        ));
                    }
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
            // A warning is a difference as well, if it is one way alone.
            let status = outcome.checks.get(&check(it)).map(|(status, _)| *status);
            if !matches!(status, Some(Status::Failure | Status::Warning)) {
                problems.push(format!(
                    "{} {scenario}: `{}` no longer fails ({way:?}): take it out of known.yaml",
                    table.title,
                    check(it)
                ));
            }
        }
    }
}
