//! Agents that a program brings along.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::agent::{Agent, AgentBuilder};

/// Makes the builder of an agent; each load makes another one.
type Make = Arc<dyn Fn(AgentBuilder) -> AgentBuilder + Send + Sync>;

/// An agent that a program brings along.
///
/// ```
/// use hexgate_agent::catalog::Registered;
///
/// let agent = Registered::new("support-bot", |agent| agent.system_prompt("You help customers."))
///     .description("Answers customers.")
///     .model("openai:gpt-5")
///     .policy("policies/support.yaml");
/// assert_eq!(agent.name(), "support-bot");
/// ```
#[derive(Clone)]
pub struct Registered {
    name: String,
    make: Make,
    pub(super) description: Option<String>,
    pub(super) model: Option<String>,
    pub(super) policy: Option<PathBuf>,
}

impl Registered {
    /// An agent of this name. `make` gives it its prompt, its tools and its limits; model and enforcer come from the catalog.
    pub fn new(
        name: impl Into<String>,
        make: impl Fn(AgentBuilder) -> AgentBuilder + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            make: Arc::new(make),
            description: None,
            model: None,
            policy: None,
        }
    }

    /// What it is for.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Its model, as `openai:gpt-5`. Default: the one that `HEXGATE_DEFAULT_MODEL` or the command line names.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Its policy, a file, a folder of roles or a bundle, unless the environment names another. Default: none, so that every call is
    /// denied.
    #[must_use]
    pub fn policy(mut self, path: impl AsRef<Path>) -> Self {
        self.policy = Some(path.as_ref().to_owned());
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn builder(&self) -> AgentBuilder {
        (self.make)(Agent::builder(&self.name))
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered")
            .field("name", &self.name)
            .field("model", &self.model)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
