//! Which agents there are.

use std::path::Path;

use super::built_in::ALL;
use super::find::{names, texts};
use super::local;
use super::{Catalog, Listed, Origin};
use crate::definition::Definition;

/// All agents, in the order in which they count.
pub(super) fn list(catalog: &Catalog) -> Vec<Listed> {
    let locals = local::all(&catalog.folder);
    let names = names(catalog, &locals);
    let mut listed: Vec<Listed> = Vec::new();
    for local in &locals {
        let (definition, mut problem) = match &local.read {
            Ok(definition) => (Some(definition), problem(catalog, definition, &names)),
            Err(refused) => (None, Some(refused.line())),
        };
        let rivals = locals
            .iter()
            .filter(|other| other.name == local.name && other.place == local.place)
            .count();
        if rivals > 1 && problem.is_none() {
            problem =
                Some("another agent beside it has the same name; rename one of them".to_owned());
        }
        listed.push(entry(
            &local.name,
            Origin::Local,
            definition,
            Some(&local.folder),
            problem,
        ));
    }
    for (name, registered) in &catalog.registered {
        listed.push(Listed {
            description: registered.description.clone(),
            model: registered.model.clone(),
            ..entry(name, Origin::Registered, None, None, None)
        });
    }
    for built_in in ALL {
        let (definition, problem) = match built_in.definition() {
            Ok(definition) => {
                let problem = problem(catalog, &definition, &names);
                (Some(definition), problem)
            }
            Err(refused) => (None, Some(refused.line())),
        };
        listed.push(entry(
            built_in.name,
            Origin::BuiltIn,
            definition.as_ref(),
            None,
            problem,
        ));
    }
    for at in 1..listed.len() {
        let (before, rest) = listed.split_at_mut(at);
        let Some(this) = rest.first_mut() else { break };
        let first = before.iter().find(|other| other.name == this.name);
        this.shadowed_by = first.map(|first| match &first.folder {
            Some(folder) => folder.display().to_string(),
            None => first.origin.as_str().to_owned(),
        });
    }
    listed
}

fn entry(
    name: &str,
    origin: Origin,
    definition: Option<&Definition>,
    folder: Option<&Path>,
    problem: Option<String>,
) -> Listed {
    Listed {
        name: name.to_owned(),
        origin,
        folder: folder.map(Path::to_owned),
        description: definition.and_then(|definition| definition.description.clone()),
        model: definition.and_then(|definition| definition.model.clone()),
        tools: definition.map_or_else(Vec::new, |definition| {
            definition
                .tools
                .iter()
                .map(|name| name.text.clone())
                .collect()
        }),
        problem,
        shadowed_by: None,
    }
}

/// Why an agent whose files are fine cannot be loaded.
fn problem(catalog: &Catalog, definition: &Definition, agents: &[String]) -> Option<String> {
    let tools = catalog.tool_names();
    let checked = definition
        .check_tools(&texts(&tools))
        .and_then(|()| definition.check_agents(&texts(agents)));
    checked.err().map(|refused| refused.line())
}
