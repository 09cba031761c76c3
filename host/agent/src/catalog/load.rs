//! From a name to an agent that runs.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hexgate_enforce::Enforcer;
use hexgate_enforce::resolve::{ResolveError, Resolver};

use super::built_in::BuiltIn;
use super::error::MOST_IN_A_ROW;
use super::find::{Found, find, names, texts};
use super::local::{self, Local};
use super::tools::ToolsFor;
use super::{Catalog, LoadError, LoadOptions, Loaded, Origin, Registered};
use crate::agent::{Agent, AgentBuilder};
use crate::definition::{self, Definition};
use crate::limits::Limits;
use crate::model::{self, Model};

pub(super) fn load(
    catalog: &Catalog,
    name: &str,
    options: &LoadOptions,
) -> Result<Loaded, LoadError> {
    let locals = local::all(&catalog.folder);
    let mut loading = Loading {
        catalog,
        options,
        names: names(catalog, &locals),
        locals,
        way: Vec::new(),
        made: HashMap::new(),
        notices: Vec::new(),
    };
    let made = loading.agent(name)?;
    Ok(Loaded {
        agent: made.agent,
        origin: made.origin,
        model: made.model,
        tools: made.tools,
        enforcer: made.enforcer,
        notices: loading.notices,
    })
}

/// An agent and what is known of it.
#[derive(Clone)]
struct Made {
    agent: Agent,
    description: Option<String>,
    origin: Origin,
    model: String,
    tools: Vec<String>,
    enforcer: Option<Enforcer>,
}

/// What agents of all origins have.
struct About<'a> {
    name: &'a str,
    origin: Origin,
    model: Option<&'a str>,
    /// Where its model's files lie.
    folder: Option<&'a Path>,
    description: Option<&'a str>,
}

/// Which policy an agent brings along.
enum Policy<'p> {
    None,
    Path(&'p Path),
    BuiltIn(&'static BuiltIn),
}

struct Loading<'c> {
    catalog: &'c Catalog,
    options: &'c LoadOptions,
    locals: Vec<Local>,
    names: Vec<String>,
    /// The agents that are being loaded, from the outermost on.
    way: Vec<String>,
    made: HashMap<String, Made>,
    notices: Vec<String>,
}

impl Loading<'_> {
    fn agent(&mut self, name: &str) -> Result<Made, LoadError> {
        if let Some(made) = self.made.get(name) {
            return Ok(made.clone());
        }
        let made = match find(self.catalog, &self.locals, name)? {
            Found::Local(definition) => {
                let policy = definition.policy.clone();
                let policy = policy.as_deref().map_or(Policy::None, Policy::Path);
                self.defined(&definition, Origin::Local, &policy)?
            }
            Found::BuiltIn(built_in, definition) => {
                self.defined(&definition, Origin::BuiltIn, &Policy::BuiltIn(built_in))?
            }
            Found::Registered(registered) => self.registered(registered)?,
        };
        self.made.insert(name.to_owned(), made.clone());
        Ok(made)
    }

    fn registered(&mut self, registered: &Registered) -> Result<Made, LoadError> {
        let policy = registered.policy.as_deref();
        let policy = policy.map_or(Policy::None, Policy::Path);
        let enforcer = self.enforcer(registered.name(), &policy)?;
        let about = About {
            name: registered.name(),
            origin: Origin::Registered,
            model: registered.model.as_deref(),
            folder: None,
            description: registered.description.as_deref(),
        };
        self.finish(&about, registered.builder(), enforcer)
    }

    fn defined(
        &mut self,
        definition: &Definition,
        origin: Origin,
        policy: &Policy<'_>,
    ) -> Result<Made, LoadError> {
        let tools = self.catalog.tool_names();
        definition
            .check_tools(&texts(&tools))
            .map_err(LoadError::Refused)?;
        definition
            .check_agents(&texts(&self.names))
            .map_err(LoadError::Refused)?;
        let warnings = definition.warnings(false);
        if !warnings.is_empty() {
            self.notices.push(warnings.trim_end().to_owned());
        }
        let mut builder = Agent::builder(&definition.name).limits(limits(&definition.limits));
        if let Some(prompt) = &definition.system_prompt {
            builder = builder.system_prompt(prompt.clone());
        }
        let enforcer = self.enforcer(&definition.name, policy)?;
        builder = self.tools(&ToolsFor::new(definition, enforcer.as_ref()), builder)?;
        self.way.push(definition.name.clone());
        for name in &definition.subagents {
            let made = self.other(definition, name)?;
            builder = match made.description {
                Some(description) => builder.described_subagent(made.agent, description),
                None => builder.subagent(made.agent),
            };
        }
        for name in &definition.handoffs {
            builder = builder.handoff(self.other(definition, name)?.agent);
        }
        self.way.pop();
        let about = About {
            name: &definition.name,
            origin,
            model: definition.model.as_deref(),
            folder: Some(&definition.folder),
            description: definition.description.as_deref(),
        };
        self.finish(&about, builder, enforcer)
    }

    /// An agent that another one names.
    fn other(&mut self, by: &Definition, name: &definition::Name) -> Result<Made, LoadError> {
        if let Some(at) = self.way.iter().position(|on_way| *on_way == name.text) {
            let way = self.way.get(at..).unwrap_or_default();
            return Err(LoadError::Refused(by.circle(name, way)));
        }
        if self.way.len() >= MOST_IN_A_ROW {
            let name = name.text.clone();
            return Err(LoadError::TooDeep { name });
        }
        self.agent(&name.text)
    }

    fn tools(
        &self,
        agent: &ToolsFor<'_>,
        mut builder: AgentBuilder,
    ) -> Result<AgentBuilder, LoadError> {
        let definition = agent.definition;
        for source in &self.catalog.sources {
            let known = source.names();
            let wanted: Vec<&str> = definition
                .tools
                .iter()
                .map(|name| name.text.as_str())
                .filter(|name| known.iter().any(|known| known == name))
                .collect();
            if wanted.is_empty() {
                continue;
            }
            let made = source
                .make(agent, &wanted)
                .map_err(|source| LoadError::Tools {
                    agent: definition.name.clone(),
                    source,
                })?;
            builder = builder.tools(made);
        }
        Ok(builder)
    }

    fn finish(
        &mut self,
        about: &About<'_>,
        mut builder: AgentBuilder,
        enforcer: Option<Enforcer>,
    ) -> Result<Made, LoadError> {
        let (model_name, model) = self.model(about)?;
        builder = builder.model(model);
        if let Some(enforcer) = &enforcer {
            builder = builder.enforcer(enforcer.clone());
        }
        let agent = builder.build()?;
        self.notices.extend(agent.notices().iter().cloned());
        Ok(Made {
            origin: about.origin,
            description: about.description.map(str::to_owned),
            model: model_name,
            tools: agent.tools().map(|tool| tool.name.clone()).collect(),
            agent,
            enforcer,
        })
    }

    /// The model: that of the command line for the outermost agent, the agent's own, else that of the environment.
    fn model(&self, about: &About<'_>) -> Result<(String, Arc<dyn Model>), LoadError> {
        let agent = about.name;
        let chosen = self.options.model.as_deref();
        let default = self.catalog.default_model.as_deref();
        let is_outermost = self.way.is_empty();
        let own = about.model.map(|own| (own, about.folder));
        let elsewhere = |name| (name, None);
        let named = match chosen {
            Some(chosen) if is_outermost => Some(elsewhere(chosen)),
            _ => own.or(chosen.or(default).map(elsewhere)),
        };
        let Some((name, folder)) = named else {
            return Err(LoadError::NoModel {
                agent: agent.to_owned(),
            });
        };
        // What an agent's own files name lies beside them.
        let folder = folder.unwrap_or(Path::new(""));
        let opened = model::open_in(name, folder).map_err(|source| LoadError::Model {
            agent: agent.to_owned(),
            source,
        })?;
        Ok((name.to_owned(), opened))
    }

    /// What decides the agent's calls. None: it has no policy.
    fn enforcer(
        &mut self,
        agent: &str,
        policy: &Policy<'_>,
    ) -> Result<Option<Enforcer>, LoadError> {
        let mut resolver = Resolver::new(agent, &self.catalog.engine);
        if self.catalog.local_mode {
            resolver = resolver.local_mode();
        }
        resolver = match policy {
            Policy::None => resolver,
            Policy::Path(path) => resolver.otherwise(path),
            Policy::BuiltIn(built_in) => {
                resolver.otherwise_built_in(built_in.policy_file, built_in.policy)
            }
        };
        let resolved = match resolver.resolve(&self.catalog.environment) {
            Ok(resolved) => resolved,
            // The agent says so itself, and denies everything.
            Err(ResolveError::NoPolicy { .. }) => return Ok(None),
            Err(source) => {
                return Err(LoadError::Policy {
                    agent: agent.to_owned(),
                    source: Box::new(source),
                });
            }
        };
        self.notices.extend(resolved.notices.iter().cloned());
        let mut builder = resolved.enforcer();
        if let Some(change) = &self.options.enforcer {
            builder = change(builder);
        }
        Ok(Some(builder.build()?))
    }
}

/// The limits that an agent's file names, the others by default.
fn limits(named: &definition::Limits) -> Limits {
    let mut limits = Limits::default();
    // INVARIANT: the file's bounds are far below those of the types.
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    if let Some(turns) = named.turns {
        limits = limits.turns(number(turns));
    }
    if let Some(tokens) = named.tokens {
        limits = limits.tokens(tokens);
    }
    if let Some(seconds) = named.seconds {
        limits = limits.time(Duration::from_secs(seconds));
    }
    if let Some(depth) = named.depth {
        limits = limits.depth(number(depth));
    }
    if let Some(calls) = named.concurrent_calls {
        limits = limits.concurrent_calls(usize::try_from(calls).unwrap_or(usize::MAX));
    }
    limits
}
