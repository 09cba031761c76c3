//! The list of agents.

use hexgate_base::{harmless, shortened};
use serde_json::json;

use super::{harmless_json, print};
use crate::catalog::{Catalog, Listed};

/// List the agents: in folders, of the program, built in
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ListArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(catalog: &Catalog, args: &ListArgs) -> anyhow::Result<()> {
    let listed = catalog.list_agents();
    if args.json {
        let listed: Vec<_> = listed.iter().map(as_json).collect();
        let text = serde_json::to_string_pretty(&listed)?;
        return print(&harmless_json(&format!("{text}\n")));
    }
    let width = listed.iter().map(|agent| agent.name.chars().count()).max();
    let width = width.unwrap_or_default().min(40);
    let text: String = listed.iter().map(|agent| as_text(agent, width)).collect();
    print(&text)
}

fn as_json(agent: &Listed) -> serde_json::Value {
    json!({
        "name": agent.name,
        "origin": agent.origin.as_str(),
        "folder": agent.folder,
        "description": agent.description,
        "model": agent.model,
        "tools": agent.tools,
        "problem": agent.problem,
        "shadowed_by": agent.shadowed_by,
    })
}

fn as_text(agent: &Listed, width: usize) -> String {
    let mark = if agent.problem.is_some() { '✗' } else { ' ' };
    let place = match &agent.folder {
        Some(folder) => harmless(&folder.display().to_string()).into_owned(),
        None => agent.origin.as_str().replace('_', " "),
    };
    let name = harmless(&agent.name);
    let mut text = format!("{mark} {name:<width$}  {place}");
    if let Some(description) = agent
        .description
        .as_deref()
        .and_then(|text| text.lines().next())
    {
        text.push_str(&format!(" · {}", shortened(description, 80)));
    }
    text.push('\n');
    if let Some(first) = &agent.shadowed_by {
        text.push_str(&format!(
            "    not loaded: `{}` comes first\n",
            harmless(first)
        ));
    }
    if let Some(problem) = &agent.problem {
        text.push_str(&format!("    {}\n", harmless(problem)));
    }
    text
}
