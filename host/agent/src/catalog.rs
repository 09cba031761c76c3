//! Which agents there are, and how one is loaded: from folders, from the program, built in.
//!
//! | order | where |
//! |---|---|
//! | 1 | folders with an `agent.yaml`: the catalog's folder itself, each folder in it, in `agents`, in `examples` |
//! | 2 | agents that the program registered |
//! | 3 | built in: `researcher` |
//!
//! The platform stands before them all with what it signs: where its key is set and the local mode is not, the agent's policy is the
//! platform's. Prompt, model and tools are never taken from there, because nothing signs them.

mod built_in;
mod error;
mod find;
mod list;
mod load;
mod local;
mod register;
mod tools;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hexgate_enforce::host::Engine;
use hexgate_enforce::resolve::Environment;
use hexgate_enforce::{Enforcer, EnforcerBuilder};

use crate::agent::Agent;
use crate::definition::Definition;

pub use error::{LoadError, RegisterError};
pub use register::Registered;
pub use tools::{ToolSource, ToolSourceError, ToolsFor};

/// Where an agent comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A folder with an `agent.yaml`.
    Local,
    /// The program registered it.
    Registered,
    /// This crate has it.
    BuiltIn,
}

impl Origin {
    /// The stable name: `local`, `registered`, `built_in`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Registered => "registered",
            Self::BuiltIn => "built_in",
        }
    }
}

/// An agent in a list.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Listed {
    /// Its name. That of its folder, if the agent does not tell one.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Its folder, if it has one.
    pub folder: Option<PathBuf>,
    /// What it is for.
    pub description: Option<String>,
    /// Its model. None: the one that the environment or the command line names.
    pub model: Option<String>,
    /// Its tools, as far as they are known before it is loaded.
    pub tools: Vec<String>,
    /// Why it cannot be loaded, in one line, with the place. None: nothing is known to keep it.
    pub problem: Option<String>,
    /// Where the agent stands that has the same name and comes first. This one is not loaded.
    pub shadowed_by: Option<String>,
}

/// How an agent is loaded.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// The model in place of the agent's own, and of sub-agents that name none.
    pub model: Option<String>,
    /// Changes the options of every enforcer: approvals, a recorder, observers.
    pub enforcer: Option<Arc<dyn Fn(EnforcerBuilder) -> EnforcerBuilder + Send + Sync>>,
}

impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// An agent that was loaded.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The agent.
    pub agent: Agent,
    /// Where it comes from.
    pub origin: Origin,
    /// Its model, as it was opened.
    pub model: String,
    /// Its tools and the agents that it can call.
    pub tools: Vec<String>,
    /// What decides its calls. None: nothing does, so every call is denied.
    pub enforcer: Option<Enforcer>,
    /// Lines for the operator: what is not signed, what is doubtful.
    pub notices: Vec<String>,
}

/// Finds agents and loads them.
pub struct Catalog {
    folder: PathBuf,
    environment: Environment,
    local_mode: bool,
    default_model: Option<String>,
    engine: Engine,
    registered: BTreeMap<String, Registered>,
    sources: Vec<Arc<dyn ToolSource>>,
}

impl Catalog {
    /// The agents of a folder, with the settings of this process's environment.
    ///
    /// # Errors
    ///
    /// A variable cannot be read, or the engine of policies cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, LoadError> {
        let default_model = match std::env::var("HEXGATE_DEFAULT_MODEL") {
            Ok(model) if model.trim().is_empty() => None,
            Ok(model) => Some(model),
            Err(std::env::VarError::NotPresent) => None,
            Err(std::env::VarError::NotUnicode(_)) => return Err(LoadError::DefaultModel),
        };
        Ok(Self {
            folder: folder.into(),
            environment: Environment::from_env().map_err(LoadError::Settings)?,
            local_mode: false,
            default_model,
            engine: Engine::new().map_err(LoadError::Engine)?,
            registered: BTreeMap::new(),
            sources: Vec::new(),
        })
    }

    /// Takes these settings in place of the environment's.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Leaves the platform out, as `HEXGATE_LOCAL_MODE` does.
    #[must_use]
    pub fn local_mode(mut self) -> Self {
        self.local_mode = true;
        self
    }

    /// Adds tools that agents can name.
    ///
    /// # Errors
    ///
    /// A name is taken already.
    pub fn register_tools(&mut self, source: Arc<dyn ToolSource>) -> Result<(), RegisterError> {
        let known = self.tool_names();
        let mut new = source.names();
        new.sort();
        let twice = new.windows(2).find(|pair| pair.first() == pair.last());
        let taken = twice
            .and_then(|pair| pair.first())
            .or_else(|| new.iter().find(|name| known.contains(name)));
        if let Some(name) = taken {
            return Err(RegisterError::Tool { name: name.clone() });
        }
        self.sources.push(source);
        Ok(())
    }

    /// Adds an agent of the program.
    ///
    /// # Errors
    ///
    /// The name is taken by another one of the program.
    pub fn register_agent(&mut self, agent: Registered) -> Result<(), RegisterError> {
        let name = agent.name().to_owned();
        if self.registered.contains_key(&name) {
            return Err(RegisterError::Agent { name });
        }
        self.registered.insert(name, agent);
        Ok(())
    }

    /// The folder in which agents are looked for.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of all tools that agents can name, in order.
    #[must_use]
    pub fn tool_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .sources
            .iter()
            .flat_map(|tools| tools.names())
            .collect();
        names.sort();
        names
    }

    /// All agents, those that cannot be loaded with the reason. One that is broken keeps no other from the list.
    #[must_use]
    pub fn list_agents(&self) -> Vec<Listed> {
        list::list(self)
    }

    /// Loads an agent, with its sub-agents.
    ///
    /// # Errors
    ///
    /// There is none of this name, or it, or one that it calls, cannot be loaded.
    pub fn load_agent(&self, name: &str, options: &LoadOptions) -> Result<Loaded, LoadError> {
        load::load(self, name, options)
    }

    /// The definition of an agent that has one, for a look at it.
    ///
    /// # Errors
    ///
    /// There is no agent of this name with files, or they are refused.
    pub fn definition(&self, name: &str) -> Result<Definition, LoadError> {
        find::definition(self, name)
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("folder", &self.folder)
            .field("registered", &self.registered.keys())
            .field("tools", &self.tool_names())
            .finish_non_exhaustive()
    }
}
