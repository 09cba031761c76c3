//! The built-in tools, made for each agent that names them in its files.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hexgate_agent::catalog::{ToolSource, ToolSourceError, ToolsFor};
use hexgate_agent::definition::Definition;
use hexgate_agent::tool::Tool;
use hexgate_sandbox::{Sandbox, Wanted, Workspace};

use crate::bash::Bash;
use crate::fetch::Fetch;
use crate::refund::refund_order;
use crate::toolbox::{NAMES, Toolbox};
use crate::web_search::WebSearch;

/// Tools that need a workspace.
const OF_WORKSPACE: &[&str] = &[
    "bash",
    "edit_file",
    "glob",
    "grep",
    "read_file",
    "write_file",
];
/// Tools that write there.
const WRITING: &[&str] = &["bash", "edit_file", "write_file"];

/// The built-in tools for agents in files: `Program::new().tools_from(BuiltIn::new())`.
///
/// Each agent gets a workspace as its file says. The policy must not lie in a workspace that the agent's tools can write. Commands run in the
/// strongest sandbox of the machine or not at all, and reach the network as the agent's policy decides each request.
#[derive(Debug, Clone, Default)]
pub struct BuiltIn {
    folder: Option<PathBuf>,
}

impl BuiltIn {
    /// Agents that name no workspace work in the folder in which the program was started.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Agents that name no workspace work in this folder.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: Some(folder.into()),
        }
    }

    fn workspace(&self, agent: &Definition, writes: bool) -> Result<Workspace, ToolSourceError> {
        let wanted = &agent.workspace;
        let root = match (&wanted.root, &self.folder) {
            (Some(root), _) => root.clone(),
            (None, Some(folder)) => folder.clone(),
            (None, None) => env::current_dir()?,
        };
        let mut builder = Workspace::builder(&root);
        for path in &wanted.extra_read_paths {
            builder = builder.extra_read_path(path);
        }
        for path in &wanted.extra_write_paths {
            builder = builder.extra_write_path(path);
        }
        for path in &wanted.deny_write_paths {
            builder = builder.deny_write_path(path);
        }
        if let Some(commands) = &wanted.allowed_commands {
            builder = builder.allowed_commands(commands);
        }
        if let Some(folder) = within(&agent.folder, &root) {
            builder = builder.deny_write_path(folder);
        }
        let named = env::var_os("HEXGATE_LOCAL_POLICY").map(PathBuf::from);
        for policy in agent.policy.iter().chain(&named) {
            builder = builder.policy_path(policy);
        }
        // Where nothing writes, nothing writes the policy.
        if wanted.dangerous_policy_in_workspace || !writes {
            builder = builder.dangerous_policy_in_workspace();
        }
        Ok(builder.build()?)
    }
}

/// The agent's own folder, if it lies in the workspace and is not all of it.
fn within(folder: &Path, root: &Path) -> Option<PathBuf> {
    if folder.as_os_str().is_empty() {
        return None;
    }
    let (folder, root) = (folder.canonicalize().ok()?, root.canonicalize().ok()?);
    (folder != root && folder.starts_with(&root)).then_some(folder)
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
        let is_of = |names: &[&str], all: &[&str]| names.iter().any(|name| all.contains(name));
        let mut workspace = None;
        if is_of(names, OF_WORKSPACE) {
            let made = self.workspace(agent.definition, is_of(names, WRITING))?;
            workspace = Some((Toolbox::of(&made)?, made));
        }
        let mut tools: Vec<Arc<dyn Tool>> = Vec::new();
        for name in names {
            tools.push(match (*name, &workspace) {
                ("fetch", _) => Arc::new(Fetch::builder().build()?),
                ("web_search", _) => Arc::new(WebSearch::from_env(|name| env::var(name).ok())?),
                ("refund_order", _) => refund_order(),
                ("bash", Some((_, workspace))) => {
                    let bash = Bash::new(Sandbox::choose(workspace, &Wanted::default())?);
                    Arc::new(match agent.enforcer {
                        Some(enforcer) => bash.egress(enforcer.clone()),
                        None => bash,
                    })
                }
                (name, Some((toolbox, _))) => toolbox.named(name)?,
                (name, None) => return Err(format!("there is no tool `{name}`").into()),
            });
        }
        Ok(tools)
    }
}
