//! Reading the files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{Kind, Scenario};

/// Why there are no scenarios.
#[derive(Debug)]
pub struct ScenarioError(String);

impl std::fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ScenarioError {}

/// All scenarios, by name.
///
/// # Errors
///
/// A file cannot be read, has something unknown in it, or names a tool that it does not have.
pub fn scenarios() -> Result<Vec<Scenario>, ScenarioError> {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"))
}

fn read(folder: &Path) -> Result<Vec<Scenario>, ScenarioError> {
    let failed = |path: &Path, why: &dyn std::fmt::Display| {
        ScenarioError(format!("{}: {why}", path.display()))
    };
    let mut scenarios = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let path = entry.map_err(|error| failed(folder, &error))?.path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
        let mut scenario: Scenario =
            serde_json::from_str(&text).map_err(|error| failed(&path, &error))?;
        scenario.name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        sound(&scenario).map_err(|why| failed(&path, &why))?;
        scenarios.push(scenario);
    }
    scenarios.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(scenarios)
}

/// What a scenario names is there.
fn sound(scenario: &Scenario) -> Result<(), String> {
    let mut names = BTreeSet::new();
    let below = scenario
        .tools
        .iter()
        .filter_map(|tool| tool.agent.as_ref())
        .flat_map(|agent| &agent.tools);
    for tool in scenario.tools.iter().chain(below) {
        if !names.insert(&tool.name) {
            return Err(format!("there are two tools `{}`", tool.name));
        }
        if matches!(tool.kind, Kind::Agent | Kind::Handoff) != tool.agent.is_some() {
            return Err(format!("whether `{}` is an agent is not clear", tool.name));
        }
    }
    let rewritten = [
        &scenario.around.rewrite_before,
        &scenario.around.rewrite_after,
    ];
    let named = rewritten
        .into_iter()
        .flatten()
        .map(|rewrite| &rewrite.tool)
        .chain(scenario.expect.ran.iter().map(|ran| &ran.tool))
        .chain(scenario.expect.asked.iter().map(|ask| &ask.tool));
    for name in named {
        if !names.contains(name) {
            return Err(format!("there is no tool `{name}`"));
        }
    }
    if let Some(read) = &scenario.expect.read {
        let calls: usize = scenario.turns.iter().map(|turn| turn.calls.len()).sum();
        if read.len() != calls {
            return Err(format!(
                "{calls} calls are proposed, and {} results are read",
                read.len()
            ));
        }
    }
    Ok(())
}
