//! The built-in tools for agents in files.

use std::path::PathBuf;
use std::sync::Arc;

use hexgate_agent::catalog::{ToolSource, ToolSourceError, ToolsFor};
use hexgate_agent::definition::Definition;
use hexgate_agent::tool::Tool;
use hexgate_sandbox::{Sandbox, Wanted, Workspace};

use crate::bash::Bash;
use crate::fetch::Fetch;
use crate::toolbox::{NAMES, Toolbox};
use crate::web_search::WebSearch;

/// The tools that can change files of the workspace.
const WRITING: [&str; 3] = ["bash", "edit_file", "write_file"];

/// The built-in tools, for agents in files: `Program::new().tools_from(BuiltIn::default())`.
///
/// The workspace is what `agent.yaml` says, else the folder in which the program was started. Its commands run in the strongest sandbox that
/// enforces everything; without one an agent that names `bash` is not loaded. Keys of search providers come from the environment.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct BuiltIn {
    /// What the sandbox of `bash` must enforce.
    pub wanted: Wanted,
}

impl BuiltIn {
    /// What the sandbox of `bash` must enforce. Default: everything.
    #[must_use]
    pub fn wanted(mut self, wanted: Wanted) -> Self {
        self.wanted = wanted;
        self
    }

    fn bash(&self, workspace: &Workspace, agent: &ToolsFor<'_>) -> Result<Bash, ToolSourceError> {
        let bash = Bash::new(Sandbox::choose(workspace, &self.wanted)?);
        Ok(match agent.enforcer {
            Some(enforcer) => bash.egress(enforcer.clone()),
            None => bash,
        })
    }
}

impl ToolSource for BuiltIn {
    fn names(&self) -> Vec<String> {
        NAMES.iter().map(|name| (*name).to_owned()).collect()
    }

    fn make(
        &self,
        agent: &ToolsFor<'_>,
        names: &[&str],
    ) -> Result<Vec<Arc<dyn Tool>>, ToolSourceError> {
        let writes = WRITING.iter().any(|name| names.contains(name));
        let workspace = workspace(agent.definition, writes)?;
        let mut tools = Toolbox::of(&workspace)?;
        // Only what is named: a sandbox is tried, and a key is looked for.
        if names.contains(&"bash") {
            tools = tools.with(Arc::new(self.bash(&workspace, agent)?));
        }
        if names.contains(&"fetch") {
            tools = tools.fetch(Fetch::builder().build()?);
        }
        if names.contains(&"web_search") {
            tools = tools.web_search(Ok::<_, ToolSourceError>(WebSearch::from_env(|name| {
                std::env::var(name).ok()
            })?));
        }
        names
            .iter()
            .map(|name| Ok(tools.named(name)?))
            .collect::<Result<_, _>>()
    }
}

/// The workspace of an agent. If one of its tools `writes`, its policy must not lie there.
fn workspace(definition: &Definition, writes: bool) -> Result<Workspace, ToolSourceError> {
    let said = &definition.workspace;
    let root = match &said.root {
        Some(root) => root.clone(),
        None => std::env::current_dir()?,
    };
    let mut builder = Workspace::builder(&root);
    for path in &said.extra_read_paths {
        builder = builder.extra_read_path(path);
    }
    for path in &said.extra_write_paths {
        builder = builder.extra_write_path(path);
    }
    for path in &said.deny_write_paths {
        builder = builder.deny_write_path(PathBuf::from(path));
    }
    if let Some(commands) = &said.allowed_commands {
        builder = builder.allowed_commands(commands.clone());
    }
    if writes {
        // What names the policy decides as much as the policy does.
        let file = definition.folder.join(hexgate_agent::definition::FILE);
        for path in definition.policy.iter().chain([&file]) {
            builder = builder.policy_path(path);
        }
    }
    if said.dangerous_policy_in_workspace {
        builder = builder.dangerous_policy_in_workspace();
    }
    Ok(builder.build()?)
}
