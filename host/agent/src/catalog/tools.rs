//! Where the tools come from that agents name.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use hexgate_enforce::Enforcer;

use crate::definition::Definition;
use crate::tool::Tool;

/// Why tools cannot be made.
pub type ToolSourceError = Box<dyn Error + Send + Sync>;

/// Tools that agents can name. Which there are is known before any is made: a list of agents needs no workspace.
pub trait ToolSource: Send + Sync {
    /// The names of the tools.
    fn names(&self) -> Vec<String>;

    /// Makes these tools for an agent, in any order. Each of `names` is one of [`names`](Self::names).
    ///
    /// # Errors
    ///
    /// One cannot be made: the workspace does not exist, no sandbox works, a key is missing. The agent is not loaded.
    fn make(
        &self,
        agent: &ToolsFor<'_>,
        names: &[&str],
    ) -> Result<Vec<Arc<dyn Tool>>, ToolSourceError>;
}

/// The agent that tools are made for.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ToolsFor<'a> {
    /// What its folder says.
    pub definition: &'a Definition,
    /// What decides its calls, for tools that ask again while they run, as a proxy does. None: every call is denied.
    pub enforcer: Option<&'a Enforcer>,
}

impl<'a> ToolsFor<'a> {
    pub(super) fn new(definition: &'a Definition, enforcer: Option<&'a Enforcer>) -> Self {
        Self {
            definition,
            enforcer,
        }
    }
}

impl fmt::Debug for ToolsFor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolsFor")
            .field("agent", &self.definition.name)
            .finish_non_exhaustive()
    }
}

/// Tools that are made already, the same for every agent.
impl ToolSource for Vec<Arc<dyn Tool>> {
    fn names(&self) -> Vec<String> {
        self.iter().map(|tool| tool.spec().name.clone()).collect()
    }

    fn make(
        &self,
        _: &ToolsFor<'_>,
        names: &[&str],
    ) -> Result<Vec<Arc<dyn Tool>>, ToolSourceError> {
        let is_named = |tool: &&Arc<dyn Tool>| names.contains(&tool.spec().name.as_str());
        Ok(self.iter().filter(is_named).cloned().collect())
    }
}
