//! What an agent is made of.

use std::io::IsTerminal;

use hexgate_base::harmless;

use super::print;
use crate::catalog::{Catalog, LoadError, Origin};
use crate::chat::{aside, shown};
use crate::definition::{CODES, Definition};

/// Show what an agent is made of, and what is wrong with it
#[derive(Debug, Clone, clap::Args)]
pub struct ShowArgs {
    /// The agent
    #[arg(required_unless_present = "explain")]
    pub name: Option<String>,
    /// Print what a code of a diagnostic means
    #[arg(long, value_name = "CODE", conflicts_with = "name")]
    pub explain: Option<String>,
}

pub(super) fn run(catalog: &Catalog, args: &ShowArgs) -> anyhow::Result<bool> {
    if let Some(code) = &args.explain {
        return explain(code);
    }
    let name = args.name.as_deref().unwrap_or_default();
    let checked = catalog.definition(name).and_then(|definition| {
        let agents: Vec<String> = catalog
            .list_agents()
            .into_iter()
            .map(|agent| agent.name)
            .collect();
        let agents: Vec<&str> = agents.iter().map(String::as_str).collect();
        let tools = catalog.tool_names();
        let tools: Vec<&str> = tools.iter().map(String::as_str).collect();
        definition
            .check_tools(&tools)
            .and_then(|()| definition.check_agents(&agents))
            .map_err(LoadError::Refused)?;
        Ok(definition)
    });
    match checked {
        Ok(definition) => {
            print(&text(&definition))?;
            let warnings = definition.warnings(std::io::stderr().is_terminal());
            if !warnings.is_empty() {
                aside(&warnings);
            }
            Ok(true)
        }
        Err(LoadError::Refused(refused)) => {
            aside(&refused.human(std::io::stderr().is_terminal() && is_colour_welcome()));
            aside("the agent is refused; `--explain CODE` tells more about a code\n");
            Ok(false)
        }
        Err(error) => {
            let known = catalog.list_agents();
            let registered = known
                .iter()
                .find(|agent| agent.name == name && agent.origin == Origin::Registered);
            match registered {
                Some(agent) => {
                    let model = agent
                        .model
                        .as_deref()
                        .unwrap_or("(that of the environment)");
                    print(&shown(&format!(
                        "name: {}\norigin: registered\nmodel: {model}\n",
                        agent.name
                    )))?;
                    Ok(true)
                }
                None => Err(error.into()),
            }
        }
    }
}

fn is_colour_welcome() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn text(definition: &Definition) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{key}: {}\n", harmless(value)));
        }
    };
    let names = |names: &[crate::definition::Name]| {
        let names: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
        names.join(", ")
    };
    line("name", &definition.name);
    line(
        "description",
        &definition
            .description
            .clone()
            .unwrap_or_default()
            .replace('\n', " "),
    );
    line("folder", &definition.folder.display().to_string());
    line(
        "model",
        definition
            .model
            .as_deref()
            .unwrap_or("(that of the environment)"),
    );
    let prompt = definition.system_prompt.as_deref().unwrap_or_default();
    line(
        "system prompt",
        &format!("{} characters", prompt.chars().count()),
    );
    let policy = definition
        .policy
        .as_ref()
        .map(|path| path.display().to_string());
    let policy = policy.unwrap_or_else(|| {
        if definition.folder.as_os_str().is_empty() {
            "(built in)".to_owned()
        } else {
            "none: every call is denied, unless the environment names one".to_owned()
        }
    });
    line("policy", &policy);
    line("tools", &names(&definition.tools));
    line("subagents", &names(&definition.subagents));
    line("handoffs", &names(&definition.handoffs));
    text
}

fn explain(code: &str) -> anyhow::Result<bool> {
    let own = CODES.iter().find(|doc| doc.code == code);
    let Some(doc) = own.or_else(|| hexgate_compiler::diagnostic::find_code(code)) else {
        let known: Vec<&str> = CODES.iter().map(|doc| doc.code).collect();
        anyhow::bail!(
            "there is no code `{}`; those of agents are `{}`",
            harmless(code),
            known.join("`, `")
        );
    };
    print(&format!(
        "{} ({}): {}\n\n{}\n",
        doc.code,
        doc.severity.name(),
        doc.title,
        doc.explanation
    ))?;
    Ok(true)
}
