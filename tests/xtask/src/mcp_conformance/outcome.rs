//! What came of a run of the suite.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::Deserialize;

/// What came of a check, the least severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Info,
    Skipped,
    Success,
    Warning,
    Failure,
}

/// What came of a scenario: the worst that came of each check, by its id, with what was said about it.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub(super) checks: BTreeMap<String, (Status, Option<String>)>,
}

impl Outcome {
    /// Checks with this status.
    pub(super) fn count(&self, status: Status) -> usize {
        let all = self.checks.values();
        all.filter(|(found, _)| *found == status).count()
    }

    /// Whether it ran, and nothing failed.
    pub(super) fn passes(&self) -> bool {
        self.count(Status::Failure) == 0 && self.count(Status::Success) > 0
    }

    /// Checks that failed, with what was said.
    pub(super) fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.checks.iter().filter_map(|(id, (status, said))| {
            (*status == Status::Failure).then_some((id.as_str(), said.as_deref().unwrap_or("")))
        })
    }

    /// The statuses alone, which two runs are compared by.
    pub(super) fn statuses(&self) -> BTreeMap<&str, Status> {
        let all = self.checks.iter();
        all.map(|(id, (status, _))| (id.as_str(), *status))
            .collect()
    }

    /// Adds a check that is not among what the suite wrote.
    pub(super) fn insert(&mut self, id: &str, status: Status) {
        self.checks.insert(id.to_owned(), (status, None));
    }

    fn add(&mut self, check: Check) {
        let worst = self.checks.get(&check.id).map(|(status, _)| *status);
        if worst.is_none_or(|worst| check.status > worst) {
            self.checks
                .insert(check.id, (check.status, check.error_message));
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    id: String,
    status: Status,
    error_message: Option<String>,
}

/// The scenarios of a run, by name.
pub(super) type Outcomes = BTreeMap<String, Outcome>;

/// The check that stands for a scenario that the suite did not finish.
pub(super) const UNFINISHED: &str = "unfinished";

/// Reads what the suite wrote into a folder about these scenarios. One about which it wrote nothing did not finish.
pub(super) fn read(folder: &Path, scenarios: &[String]) -> Result<Outcomes> {
    let mut outcomes = Outcomes::new();
    for name in scenarios {
        let mut outcome = Outcome::default();
        // `auth/NAME` is in a folder of its own.
        let (folder, scenario) = match name.rsplit_once('/') {
            Some((of, scenario)) => (&folder.join(of), scenario),
            None => (&folder.to_owned(), name.as_str()),
        };
        // `server-NAME-TIME` or `NAME-TIME`; the time begins with the year.
        let is_of = |name: &str| {
            name.strip_prefix("server-")
                .into_iter()
                .chain([name])
                .filter_map(|name| name.strip_prefix(scenario))
                .any(|rest| rest.starts_with("-2") && rest.contains('T'))
        };
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if !is_of(&entry.file_name().to_string_lossy()) {
                continue;
            }
            let path = entry.path().join("checks.json");
            let Ok(bytes) = fs::read(&path) else { continue };
            let checks: Vec<Check> = serde_json::from_slice(&bytes)
                .with_context(|| format!("`{}` is of another form", path.display()))?;
            checks.into_iter().for_each(|check| outcome.add(check));
        }
        if outcome.checks.is_empty() {
            outcome
                .checks
                .insert(UNFINISHED.to_owned(), (Status::Failure, None));
        }
        outcomes.insert(name.clone(), outcome);
    }
    Ok(outcomes)
}
