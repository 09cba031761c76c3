//! Playing all scenarios in a host.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::compare::{Difference, differences};
use crate::coverage::{Coverage, Result as ScenarioResult};
use crate::driver::{Aspect, Driver, Uncovered};
use crate::play::Play;
use crate::scenario::{Scenario, scenarios};

/// How long one play may take. None takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(60);
/// The beginning of the names of scenarios that are played, for whoever writes one.
const ONLY: &str = "HEXGATE_SCENARIO";

/// Plays all scenarios in a host, and compares the outcome with the host's file of coverage in this folder.
///
/// # Errors
///
/// Everything that is not as it has to be: a scenario that does not hold and is not declared, one that is declared to be open and holds, a file
/// of coverage that says otherwise.
pub async fn check(driver: Arc<dyn Driver>, coverage: &Path) -> Result<Coverage, String> {
    let all = scenarios().map_err(|error| error.to_string())?;
    let only = std::env::var(ONLY).ok();
    let mut found = Coverage::of(&*driver);
    let mut failures = Vec::new();
    for scenario in &all {
        if only
            .as_ref()
            .is_some_and(|only| !scenario.name.starts_with(only))
        {
            continue;
        }
        match outcome(&driver, scenario).await {
            Ok(result) => drop(found.scenarios.insert(scenario.name.clone(), result)),
            Err(failure) => failures.push(format!("{}: {failure}", scenario.name)),
        }
    }
    if !failures.is_empty() {
        return Err(format!(
            "{}: {} of {} scenarios do not hold:\n{}",
            driver.host(),
            failures.len(),
            all.len(),
            failures.join("\n")
        ));
    }
    if only.is_none() {
        found.agree(coverage)?;
    }
    Ok(found)
}

/// Plays one scenario.
///
/// # Errors
///
/// It does not hold and is not declared, or it is declared to be open and holds.
pub async fn outcome(
    driver: &Arc<dyn Driver>,
    scenario: &Scenario,
) -> Result<ScenarioResult, String> {
    let uncovered = driver.uncovered(scenario);
    if let Some(Uncovered::Absent(_)) = &uncovered {
        return uncovered
            .map(ScenarioResult::Uncovered)
            .ok_or_else(String::new);
    }
    let play = Play::new(&**driver, scenario);
    let (its, playing) = (Arc::clone(driver), play.clone());
    // A task of its own: what panics there is a failure of this scenario alone.
    let task = tokio::spawn(async move { its.play(playing).await });
    let abort = task.abort_handle();
    let differences = match tokio::time::timeout(PATIENCE, task).await {
        Ok(Ok(Ok(seen))) => differences(&**driver, &play, &seen),
        Ok(Ok(Err(failure))) => return Err(format!("the driver failed: {failure}")),
        Ok(Err(panic)) => return Err(format!("the driver panicked: {panic}")),
        Err(_) => {
            abort.abort();
            vec![Difference {
                aspect: Aspect::Begins,
                text: format!("it did not end within {} seconds", PATIENCE.as_secs()),
            }]
        }
    };
    let Some(declared) = uncovered else {
        return match differences.is_empty() {
            true => Ok(ScenarioResult::Passes),
            false => Err(list(&differences)),
        };
    };
    if differences.is_empty() {
        return Err(format!(
            "it holds, and the driver says that it does not: {declared:?}"
        ));
    }
    let others: Vec<_> = differences
        .into_iter()
        .filter(|difference| !declared.declares(difference.aspect))
        .collect();
    match others.is_empty() {
        true => Ok(ScenarioResult::Uncovered(declared)),
        false => Err(format!(
            "it differs in more than is declared:{}",
            list(&others)
        )),
    }
}

fn list(differences: &[Difference]) -> String {
    let lines = differences.iter().map(|it| format!("\n  - {it}"));
    lines.collect()
}
