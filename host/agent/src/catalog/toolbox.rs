//! Where the tools come from that agents name.

use std::error::Error;
use std::sync::Arc;

use crate::definition::Definition;
use crate::tool::Tool;

/// Why tools cannot be made.
pub type ToolboxError = Box<dyn Error + Send + Sync>;

/// Tools that agents can name. Which there are is known before any is made: a list of agents needs no workspace.
pub trait Toolbox: Send + Sync {
    /// The names of the tools.
    fn names(&self) -> Vec<String>;

    /// Makes these tools for an agent, in any order. Each of `names` is one of [`names`](Self::names).
    ///
    /// # Errors
    ///
    /// One cannot be made: the workspace does not exist, no sandbox works, a key is missing. The agent is not loaded.
    fn make(&self, agent: &Definition, names: &[&str]) -> Result<Vec<Arc<dyn Tool>>, ToolboxError>;
}

/// Tools that are made already, the same for every agent.
impl Toolbox for Vec<Arc<dyn Tool>> {
    fn names(&self) -> Vec<String> {
        self.iter().map(|tool| tool.spec().name.clone()).collect()
    }

    fn make(&self, _: &Definition, names: &[&str]) -> Result<Vec<Arc<dyn Tool>>, ToolboxError> {
        let is_named = |tool: &&Arc<dyn Tool>| names.contains(&tool.spec().name.as_str());
        Ok(self.iter().filter(is_named).cloned().collect())
    }
}
